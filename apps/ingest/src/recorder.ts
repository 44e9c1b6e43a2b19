import { type Clock, JsonText, LogStreams, measurementJournal } from '@bellwether/contracts';
import { CommandConflict, type EventLog, type EventMeta } from '@bellwether/event-log';
import { uuidv7 } from 'uuidv7';
import { refuseReusedIdentities } from './identity-check.js';
import { IdentityHolds } from './identity-holds.js';
import { isOfTheMoment, LogBusy } from './log-busy.js';
import { commandOf, type MeasurementMessage } from './measurement/message.js';
import { Refusal } from './measurement/refusal.js';
import type { SliRegistry } from './sli-registry.js';

/** Who sent a measurement, and the story it belongs to. */
export interface Origin {
  actor: string;
  /** Its own event's id when absent: then the story begins with it. */
  correlationId?: string | undefined;
  traceparent?: string | undefined;
}

/** What became of a measurement: it is in the log. */
export interface Recorded {
  status: 'accepted' | 'duplicate';
  points: number;
  /** Position in its measurement journal. */
  position: number;
}

interface Place {
  journal: string;
  stream: string;
}

const source = '/bellwether/ingest';
const mostPlaces = 100_000;

/** Puts measurements into the log, each identity once. */
export class Recorder {
  readonly #places = new Map<string, Place>();
  readonly #holds = new IdentityHolds();

  constructor(
    private readonly log: Pick<EventLog, 'append' | 'commandHashes'>,
    private readonly slis: SliRegistry,
    private readonly clock: Clock,
  ) {}

  /**
   * Records a batch, whole or not at all: what `record` would refuse of it is found before anything is written, and
   * its identities are held until all of it is. Between two processes the log alone decides: should one take an
   * identity for other content between this one's check and its append, a refused batch leaves the rest of it in the
   * log, which goes to several journals and so has no transaction in common.
   *
   * @returns one outcome for each message, after the last commit
   * @throws Refusal whose path begins with the index of the message at fault
   * @throws LogBusy
   */
  recordBatch(
    messages: readonly MeasurementMessage[],
    origin: Origin,
  ): Promise<PromiseSettledResult<Recorded>[]> {
    const identities = messages.flatMap(({ identity }) => (identity === null ? [] : [identity]));
    return this.#holds.alone(identities, async () => {
      await this.admit(messages);
      // All are told to the log before any is waited for, so that they share its groups; every outcome is awaited,
      // since an answer before the last commit would be one about an unknown state.
      return await Promise.allSettled(messages.map((message) => this.append(message, origin)));
    });
  }

  /**
   * Resolves after the commit.
   *
   * @throws Refusal when the identity was used for other content, or the SLI is unknown and must not be
   * @throws LogBusy when it may be recorded later
   */
  record(message: MeasurementMessage, origin: Origin): Promise<Recorded> {
    const { identity } = message;
    if (identity === null) return this.append(message, origin);
    return this.#holds.shared(identity, () => this.append(message, origin));
  }

  private async admit(messages: readonly MeasurementMessage[]): Promise<void> {
    await refuseReusedIdentities(this.log, messages);
    const checks = await Promise.allSettled(
      messages.map(({ service, sli }) => this.slis.check(service, sli)),
    );
    for (const [index, check] of checks.entries()) {
      if (check.status === 'fulfilled') continue;
      throw check.reason instanceof Refusal ? check.reason.within(String(index)) : check.reason;
    }
  }

  private async append(message: MeasurementMessage, origin: Origin): Promise<Recorded> {
    const { service, sli, points } = message;
    const id = uuidv7();
    const meta: EventMeta = {
      correlationId: origin.correlationId ?? id,
      causationId: null,
      actor: origin.actor,
      source,
      ...(origin.traceparent === undefined ? {} : { traceparent: origin.traceparent }),
    };
    // An SLI is defined from its first measurement, not from one that is refused.
    if (!this.slis.knows(service, sli)) await refuseReusedIdentities(this.log, [message]);
    const defined = this.slis.ensure(service, sli, {
      countsOnly: points.countsOnly,
      meta: { ...meta, causationId: id },
      at: this.clock.now(),
    });
    if (defined !== undefined) await defined;
    const identity = message.identity ?? `request:${id}`;
    const { journal, stream } = this.placeOf(service, sli);
    try {
      const { lastPosition, duplicate } = await this.log.append({
        journal,
        stream,
        expectedVersion: 'any',
        events: [
          {
            id,
            type: 'measurement.recorded',
            data: recorded(message, identity),
            meta,
            occurredAt: new Date(points.newest),
          },
        ],
        // Without an identity of its own a request can come only once: nothing need be remembered of it.
        ...(message.identity === null ? {} : { commandId: commandOf(identity), commandHash: points.hash }),
      });
      return { status: duplicate ? 'duplicate' : 'accepted', points: points.count, position: lastPosition };
    } catch (error) {
      if (error instanceof CommandConflict) throw Refusal.identityReused();
      throw isOfTheMoment(error) ? new LogBusy(error) : error;
    }
  }

  private placeOf(service: string, sli: string): Place {
    const key = `${service}/${sli}`;
    let place = this.#places.get(key);
    if (place === undefined) {
      place = { journal: measurementJournal(service, sli), stream: LogStreams.measurement(service, sli) };
      // A publisher that makes up names must not fill the memory with them.
      if (this.#places.size >= mostPlaces) this.#places.clear();
      this.#places.set(key, place);
    }
    return place;
  }
}

/** `MeasurementRecorded`, with the columns as they are. */
function recorded({ service, sli, points }: MeasurementMessage, identity: string): JsonText {
  const rest = JSON.stringify({ service, sli, identity, points: points.count });
  return new JsonText(`${rest.slice(0, -1)},"columns":${points.columns.text}}`);
}
