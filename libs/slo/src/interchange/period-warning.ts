import { DEFAULT_EVERY, durationMillis, formatDuration } from '@bellwether/contracts';
import { needsScrapes } from '../prometheus/query-text.js';
import type { Definitions } from './definitions.js';

/** A period from which on nothing is said: two scrapes with the interval of a minute, Prometheus' own default. */
const ENOUGH_MS = 120_000;

/**
 * What to know of SLIs that are imported with a short period: Sloth and OpenSLO have none, and with one that is shorter than
 * two scrapes every answer is empty. Null where all are long enough, or none of the queries minds.
 */
export function periodWarning({ slis }: Pick<Definitions, 'slis'>): string | null {
  const short = slis.filter(
    ({ source }) =>
      source?.prometheus !== undefined &&
      durationMillis(source.every ?? DEFAULT_EVERY) < ENOUGH_MS &&
      needsScrapes(source.prometheus),
  );
  const [first, ...others] = short;
  if (first === undefined) return null;
  const name = `${first.service}/${first.name}`;
  const which = others.length === 0 ? `SLI ${name}` : `SLI ${name} and ${others.length} more`;
  const every = first.source?.every ?? DEFAULT_EVERY;
  const scrape = formatDuration(Math.max(1_000, durationMillis(every) / 4));
  return `${which}: rate and increase over {{.window}} look back over "every", ${every} here, and are empty unless it holds two scrapes of Prometheus, better four: if it scrapes less often than every ${scrape}, import with --every 5m (of OpenSLO, where the file has no "every" of its own)`;
}
