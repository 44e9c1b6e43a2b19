import { CommandRefused } from '@bellwether/contracts';
import { HttpProblem } from '@bellwether/service';
import type { ReadModels } from './read-models.js';

/** What a read may ask for besides the resource. */
export interface ReadOptions {
  asOf?: string | undefined;
  minVersion?: number | undefined;
}

/**
 * Reads something with a version that is at least `minVersion`, waiting for the read model when it is behind. What is not
 * there is waited for without a version, too: who has heard of it from an event may be faster than the read model.
 *
 * @param place the read model and its key of it. One that is parked is shown as it last was; that there is none, or no such
 * version, nobody can say of it
 * @throws CommandRefused 404 when there is none, 409 when the version does not exist yet
 * @throws HttpProblem 503 when the read model does not catch up in time, or the key is parked
 */
export async function atLeast<T extends { version: number }>(
  models: Pick<ReadModels, 'current' | 'parked'>,
  what: string,
  minVersion: number | undefined,
  read: () => Promise<T | undefined>,
  place: { model: string; key: string },
): Promise<T> {
  const first = await read();
  const enough = (found: T | undefined) => minVersion === undefined || (found?.version ?? 0) >= minVersion;
  if (first !== undefined && enough(first)) return first;
  const caughtUp = await models.current();
  const second = await read();
  if (second !== undefined && enough(second)) return second;
  const parked = models.parked(place.model, place.key);
  if (parked !== undefined)
    throw HttpProblem.unavailable(
      `${what} cannot be shown as it is: the read model ${place.model} cannot take event ${parked.position} (${parked.error}). Once that is mended, "bellwether rebuild ${place.model}" shows it`,
    );
  if (!caughtUp && minVersion !== undefined)
    throw HttpProblem.unavailable(`the read model does not show version ${minVersion} yet`);
  if (second === undefined) throw CommandRefused.notFound(what);
  throw CommandRefused.conflict(
    `${what} is at version ${second.version}; there is no version ${minVersion} yet`,
    'version-ahead',
  );
}
