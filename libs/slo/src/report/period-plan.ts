import type { Period } from '../calendar.js';
import type { Stretch } from '../minute-span.js';
import type { SloPlan } from '../slo-plan.js';
import { MINUTE } from '../time-grid.js';
import { type Day, daysOf } from './report-period.js';

/** Minutes with a budget to themselves; `end` is the minute that follows. */
export interface Tile {
  low: number;
  end: number;
}

/** A period in minutes, and the windows of the SLO that it is laid out with. */
export interface PeriodPart {
  from: number;
  /** The minute that follows. */
  to: number;
  tiles: Tile[];
  /** The minutes of the first of those windows that lie before the period. */
  head: Stretch;
}

/** What is to be read of an SLO to say how it was over a period and the one before. */
export interface PeriodsPlan {
  before: PeriodPart;
  period: PeriodPart;
  /** Of the period. */
  days: Day[];
  /** The minutes that follow each step of a {@link BurnDownRun} from the start of the period before. */
  ends: number[];
}

/**
 * Lays a period and the one before out in steps.
 * @param now epoch milliseconds: a period that is not over is measured up to the end of the current minute
 */
export function planPeriods(
  plan: SloPlan,
  { before, period }: { before: Period; period: Period },
  timeZone: string,
  now: number,
): PeriodsPlan {
  const to = Math.min(minuteFrom(period.to), Math.floor(now / MINUTE) + 1);
  const days = daysOf({ from: period.from, to: Math.min(period.to, to * MINUTE) }, timeZone);
  const parts = {
    before: partOf(plan, minuteFrom(before.from), minuteFrom(before.to)),
    period: partOf(plan, minuteFrom(period.from), to),
  };
  const bounds = [parts.before, parts.period].flatMap((part) => [
    ...part.tiles.map(({ end }) => end),
    part.to,
  ]);
  const ends = new Set([...bounds, ...days.map((day) => minuteFrom(day.to))]);
  return { ...parts, days, ends: [...ends].sort((a, b) => a - b) };
}

/** The first whole minute at or after an instant. */
export const minuteFrom = (at: number): number => Math.ceil(at / MINUTE);

function partOf(plan: SloPlan, from: number, to: number): PeriodPart {
  const tiles = tilesOf(plan, from, to);
  return { from, to, tiles, head: { low: Math.min(from, tiles[0]?.low ?? from), high: from - 1 } };
}

/**
 * The SLO's windows that cover a stretch, one after the other: periods of its calendar, or as many rolling windows as are
 * needed, the last of which ends with the stretch.
 */
function tilesOf(plan: SloPlan, from: number, to: number): Tile[] {
  const tiles: Tile[] = [];
  for (let end = to; end > from; ) {
    const isCalendar = plan.window.period(end - 1) !== null;
    const low = isCalendar ? plan.window.low(end - 1) : end - plan.windowMinutes;
    tiles.push({ low, end });
    end = low;
  }
  return tiles.reverse();
}
