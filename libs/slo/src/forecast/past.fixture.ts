import { Cells } from '../cells.js';
import {
  type Due,
  forecastOf,
  HourlyHistory,
  MINUTE,
  MinuteSpan,
  recentWindow,
  type SloPlan,
  trafficStretch,
} from '../index.js';
import { Tally } from '../tally.js';

/** What was counted in a minute (since the epoch): good and total; null where nothing was. */
export type Counts = (minute: number) => readonly [good: number, total: number] | null;

/** Minutes of history that a forecast looks at: eight weeks. */
export const EIGHT_WEEKS = 8 * 7 * 1440;

/** The minutes of a past that a function tells. */
export function spanOf(low: number, high: number, past: Counts): MinuteSpan {
  const span = new MinuteSpan({ low, high });
  for (let hour = Math.floor(low / 60); hour <= Math.floor(high / 60); hour++) {
    const cells = new Cells(60);
    for (let i = 0; i < 60; i++) {
      const counts = past(hour * 60 + i);
      if (counts !== null) cells.add(i, Tally.of(...counts));
    }
    span.put(hour, cells);
  }
  return span;
}

export interface Past {
  past: Counts;
  /** Epoch milliseconds. */
  now: number;
  /** Days that the forecast looks ahead. */
  days: number;
  /** Days of history. */
  history?: number;
  due?: Due | null;
}

/** What a forecast is made of, of a past that a function tells. */
export function knowledgeOf(plan: SloPlan, { past, now, history = 120, due = null }: Omit<Past, 'days'>) {
  const from = Math.ceil(now / MINUTE);
  const first = from - history * 1440;
  const told: Counts = (minute) => (minute < first ? null : past(minute));
  const low = plan.window.lowUpTo(from);
  const recent = recentWindow(plan).lowUpTo(from);
  const isCalendar = plan.window.period(from) !== null;
  const window = spanOf(low, from - 1, told);
  const traffic = trafficStretch(plan, first, from);
  return {
    now,
    first,
    traffic: spanOf(traffic.low, traffic.high, told).sum(),
    known: { from, tally: window.sum(), leaving: isCalendar ? null : window, due },
    recent: spanOf(recent, from - 1, told).sum(),
    history: new HourlyHistory(
      plan,
      spanOf(from - EIGHT_WEEKS, Math.floor(now / MINUTE) - 1, told),
      first,
      due,
    ),
  };
}

/** Looks ahead from a past that a function tells. */
export function lookAhead(plan: SloPlan, told: Past) {
  return forecastOf(plan, knowledgeOf(plan, told), Math.ceil(told.now / MINUTE) + told.days * 1440);
}
