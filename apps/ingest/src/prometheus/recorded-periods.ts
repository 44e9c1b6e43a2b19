import { formatDuration, LogStreams, type MeasurementRecorded, type Sli } from '@bellwether/contracts';
import type { EventLog } from '@bellwether/event-log';

/** Periods that are recorded at a time: a crash leaves holes among the last so many at most. */
export const RECORDED_AT_ONCE = 50;

const PAGE = 200;
/** Where others publish to the SLI, too, so many of their messages are looked through. */
const DEEPEST = 2_000;

/**
 * What makes the measurement of a period one, whoever asks for it, however often: the source of an SLI, the length of the
 * period, and its end. Not the queries: what was measured once is not measured again because a query was mended.
 */
export const periodIdentity = (sli: string, every: number, end: number): string =>
  `${PREFIX}${sli} ${formatDuration(every)} ${new Date(end).toISOString()}`;

const PREFIX = 'source:prometheus ';

/** Which periods of a source the log has: the newest ones. */
export interface RecordedPeriods {
  /** End of the last period that nothing before is missing of; null when there is none. */
  after: number | null;
  /** Ends of those behind it that are there. */
  known: ReadonlySet<number>;
}

/**
 * Looks in the log where a source was left. Periods are recorded some at a time, so of the last ones a later may be there
 * and an earlier not: from the earliest of them on all are asked for again that are not there. Not so those of another
 * length: what they were about is known up to the last of them.
 */
export async function recordedPeriods(
  log: Pick<EventLog, 'readStream' | 'streamVersion'>,
  { service, name }: Pick<Sli, 'service' | 'name'>,
  every: number,
): Promise<RecordedPeriods> {
  const stream = LogStreams.measurement(service, name);
  const own = `${PREFIX}${service}/${name} `;
  const length = `${formatDuration(every)} `;
  const same: number[] = [];
  let others = Number.NEGATIVE_INFINITY;
  let version = await log.streamVersion(stream);
  const deepest = Math.max(0, version - DEEPEST);
  while (version > deepest && same.length < RECORDED_AT_ONCE) {
    const from = Math.max(deepest, version - PAGE) + 1;
    const page = await log.readStream(stream, { from, limit: version - from + 1 });
    for (const event of page.reverse()) {
      const { identity } = event.data as MeasurementRecorded;
      if (!identity.startsWith(own)) continue;
      const rest = identity.slice(own.length);
      const end = Date.parse(rest.slice(rest.indexOf(' ') + 1));
      if (!rest.startsWith(length)) others = Math.max(others, end);
      else if (same.length < RECORDED_AT_ONCE) same.push(end);
    }
    version = from - 1;
  }
  const after = Math.max(others, same.length === 0 ? Number.NEGATIVE_INFINITY : Math.min(...same));
  return { after: Number.isFinite(after) ? after : null, known: new Set(same) };
}
