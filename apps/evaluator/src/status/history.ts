import {
  CommandRefused,
  durationMillis,
  type Fault,
  HISTORY_POINTS,
  MeasurementLimits,
  type SloHistory,
} from '@bellwether/contracts';
import {
  BurnDownRun,
  burnDownBefore,
  burnDownParts,
  type Due,
  MINUTE,
  periodsOf,
  pointEnds,
  type SloPlan,
  stepEnds,
  Tally,
} from '@bellwether/slo';
import type { CountedMinutes } from '../store/stored-minutes.js';
import type { Counted } from './counted.js';

/** What a history is cut into: steps of a length, or a number of points. */
export interface Cut {
  step?: string | undefined;
  points?: number | undefined;
}

/** A span in whole minutes, and the minutes that follow each of its steps. */
export interface Steps {
  from: number;
  to: number;
  ends: number[];
}

/**
 * The steps of a history: from the minute that `from` lies in to the last whole one before `to`, so that the spans on
 * both sides of a moment have each minute once. Where `to` lies in the current minute, what is there of it counts.
 * @throws CommandRefused 422 for a span or cut that makes no sense
 */
function stepsOf(plan: SloPlan, span: { from: Date; to: Date; cut: Cut }, now: number): Steps {
  const from = Math.floor(span.from.getTime() / MINUTE);
  const [asked, current] = [span.to.getTime() / MINUTE, Math.floor(now / MINUTE)];
  const to = asked > current ? current + 1 : Math.floor(asked);
  const faults = [
    ...(span.from.getTime() >= span.to.getTime() ? [{ path: 'to', message: 'must be after from' }] : []),
    ...cutFaults(span.cut, to - from),
  ];
  if (faults.length > 0) throw CommandRefused.refused('the history cannot be given', faults);
  if (to <= from) return { from, to, ends: [] };
  const { points } = span.cut;
  const ends =
    points === undefined ? stepEnds(from, to, stepMinutes(span.cut)) : pointEnds(plan, from, to, points);
  return { from, to, ends };
}

const stepMinutes = ({ step }: Cut): number => durationMillis(step as string) / MINUTE;

function cutFaults(cut: Cut, minutes: number): Fault[] {
  if (cut.points !== undefined) {
    if (minutes * MINUTE <= MeasurementLimits.ageMillis + 2 * MINUTE) return [];
    return [{ path: 'from', message: 'must be within 400d of to: measurements are kept so long' }];
  }
  const step = stepMinutes(cut);
  if (!Number.isInteger(step)) return [{ path: 'step', message: 'must be a whole number of minutes' }];
  if (minutes / step <= HISTORY_POINTS) return [];
  return [{ path: 'step', message: `gives more than ${HISTORY_POINTS} points; take a longer step` }];
}

/**
 * The budget over a span.
 * @param now of whoever asks, epoch milliseconds
 * @param read gives what is counted while the work on it lasts
 * @throws CommandRefused 422 for a span or cut that makes no sense
 */
export async function historyOf(
  plan: SloPlan,
  span: { from: Date; to: Date; cut: Cut },
  now: number,
  read: (work: (counted: Counted) => Promise<BurnDownRun>) => Promise<BurnDownRun>,
): Promise<SloHistory> {
  const steps = stepsOf(plan, span, now);
  const { points } = await read(({ stored, due }) => burnDownOf(plan, steps, stored, due));
  // The current minute is not over: its point is of now, and of no time after what was asked for.
  const last = points.at(-1);
  const end = Math.min(now, span.to.getTime());
  if (last && Date.parse(last.at) > end) last.at = new Date(end).toISOString();
  return { points, ...periodsIn(plan, steps) };
}

/** The budget over time from stored minutes, a few days of them in memory at once. */
export async function burnDownOf(
  plan: SloPlan,
  { from, to, ends }: Steps,
  stored: CountedMinutes | null,
  due: Due | null,
): Promise<BurnDownRun> {
  // Before the first measurement there is nothing to look at.
  const first = Math.min(to, Math.max(from, stored?.measured?.low ?? to));
  const before = await stored?.sum(burnDownBefore(plan, first));
  const run = new BurnDownRun(plan, from, ends, before ?? new Tally(), due);
  run.skipTo(first);
  if (stored === null) return run;
  for (const { near, far } of burnDownParts(plan, { low: first, high: to - 1 })) {
    run.take(await stored.span(near), far && (await stored.span(far)));
  }
  return run;
}

/** The periods of the calendar that the steps lie in; nothing of a rolling window. */
function periodsIn(plan: SloPlan, { from, to }: Steps): Pick<SloHistory, 'periods'> {
  const periods = periodsOf(plan, from, to);
  if (periods.length === 0) return {};
  const iso = (at: number): string => new Date(at).toISOString();
  return { periods: periods.map((period) => ({ from: iso(period.from), to: iso(period.to) })) };
}
