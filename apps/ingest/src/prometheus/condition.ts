import type { SliSourceChanged, SourceState } from '@bellwether/contracts';
import type { QueryName } from './samples.js';

/** What is known of how a source answers: what the log says, and what was seen since. Times are epoch milliseconds. */
export interface Condition {
  /** The last change in the log; null when there is none. */
  changed: Pick<SliSourceChanged, 'state' | 'n'> | null;
  lastSuccessAt: number | null;
  /** Failures since the last answer. */
  failures: number;
  /** Answers without data since the last one with some: as many as periods, as long as it keeps up. */
  empty: number;
}

/** What came of asking a source. */
export type Outcome =
  | {
      kind: 'answered';
      /** Whether any of the periods that were asked for had data. */
      some: boolean;
      /** Whether they reach up to now: what is missing long ago says nothing of the source today. */
      current: boolean;
      /** Queries that found nothing in any of the periods. */
      without: readonly QueryName[];
      /** The length of a period, which is what the queries look back over: `1m`. */
      every: string;
    }
  | {
      kind: 'failed';
      error: string;
      /** Whether the same is to be asked again: it was not answered. */
      again: boolean;
      /** Whether it was waited for until the time was up: that is no single failure, which passes in a second. */
      timedOut: boolean;
    };

/** A single failure is mended by the next attempt, a second later: it is not worth an event. */
const FAILURES = 2;
/** Answers without data until that is worth one: a series that is there now and then is not. */
const EMPTY = 10;

/**
 * What is likely wrong with queries that find nothing. Where only events that are good or bad are missing there may be none;
 * a period that is too short for `rate` leaves nothing of any query.
 */
export function noData(without: readonly QueryName[], every: string): string {
  const [only] = without;
  if (without.length === 1 && (only === 'good' || only === 'bad'))
    return `"${only}" finds nothing, and "total" does: what is absent is unknown, and not 0 (write "or vector(0)" behind "${only}" if it is 0)`;
  return `the queries find nothing in a period of ${every}: is that shorter than two scrapes of Prometheus? Then rate and increase are empty: make "every" at least two scrapes long, better four, such as 5m. Otherwise series of these names and labels are not there`;
}

/** Where a source stands that the log says this of. */
export function conditionFrom(last: SliSourceChanged | null): Condition {
  return {
    changed: last,
    lastSuccessAt: last?.lastSuccessAt == null ? null : Date.parse(last.lastSuccessAt),
    failures: 0,
    empty: 0,
  };
}

export function evolve(condition: Condition, outcome: Outcome, now: number): Condition {
  if (outcome.kind === 'failed') {
    const failures = outcome.timedOut ? FAILURES : 1;
    return { ...condition, failures: condition.failures + failures };
  }
  return {
    ...condition,
    lastSuccessAt: now,
    failures: 0,
    empty: outcome.some || !outcome.current ? 0 : condition.empty + 1,
  };
}

/** The change that is to be recorded, if any: once per change, and the first one when anything is known at all. */
export function decide(
  condition: Condition,
  outcome: Outcome,
): { state: SourceState; error: string | null } | null {
  const state = stateOf(condition, outcome);
  if (state === null || state === condition.changed?.state) return null;
  if (outcome.kind === 'failed') return { state, error: outcome.error };
  return { state, error: state === 'empty' ? noData(outcome.without, outcome.every) : null };
}

function stateOf({ failures, empty, changed }: Condition, outcome: Outcome): SourceState | null {
  if (outcome.kind === 'failed') return failures >= FAILURES ? 'failing' : null;
  if (!outcome.current) return null;
  if (empty >= EMPTY) return 'empty';
  // It answers again, and whether there is data shows within some periods.
  if (empty > 0 && changed?.state !== 'failing') return null;
  return 'ok';
}
