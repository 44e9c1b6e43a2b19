import { CommandRefused, durationMillis, type SloForecast } from '@bellwether/contracts';
import {
  type ForecastKnowledge,
  forecastOf,
  HourlyHistory,
  MINUTE,
  MinuteSpan,
  recentWindow,
  type SloPlan,
  type Stretch,
  Tally,
  withMissing,
} from '@bellwether/slo';
import type { Counted } from './counted.js';

const DAY = 1440;
/** Minutes that are looked ahead at most: beyond that the past says little. */
const FARTHEST = 90 * DAY;
/** Minutes of history that a pattern is made of: eight weeks of whole hours. */
const HISTORY = 56 * DAY;

/** Minutes from which and up to which a forecast looks, as minutes that follow. */
export interface Ahead {
  from: number;
  to: number;
}

/**
 * How far a forecast looks: as far as it is asked, else over the SLO's window; of a calendar's to the end of its period.
 * @throws CommandRefused 422 for a horizon that makes no sense
 */
export function aheadOf({ window, windowMinutes }: SloPlan, horizon: string | undefined, now: number): Ahead {
  const from = Math.floor(now / MINUTE) + 1;
  const asked = horizon === undefined ? Math.min(windowMinutes, FARTHEST) : durationMillis(horizon) / MINUTE;
  if (!Number.isInteger(asked) || asked > FARTHEST) {
    throw CommandRefused.refused('it cannot be looked ahead so far', [
      { path: 'horizon', message: 'must be a whole number of minutes, and 90d at most' },
    ]);
  }
  const period = window.period(from - 1);
  if (period === null) return { from, to: from + asked };
  const end = Math.ceil(period.to / MINUTE);
  return { from: Math.min(from, end), to: horizon === undefined ? end : Math.min(end, from + asked) };
}

/** Looks ahead from what is stored. */
export async function forecastFrom(
  plan: SloPlan,
  { from, to }: Ahead,
  counted: Counted,
): Promise<Omit<SloForecast, 'slo' | 'service' | 'group' | 'asOf'>> {
  const outlook = forecastOf(plan, await knowledgeOf(plan, { from, to }, counted), to);
  return { to: new Date(to * MINUTE).toISOString(), ...outlook };
}

async function knowledgeOf(
  plan: SloPlan,
  { from, to }: Ahead,
  { stored, due }: Counted,
): Promise<ForecastKnowledge> {
  const sum = async (stretch: Stretch) => (await stored?.sum(stretch)) ?? new Tally();
  const span = async (stretch: Stretch) => (await stored?.span(stretch)) ?? new MinuteSpan(stretch);
  const last = from - 1;
  const recent = { low: recentWindow(plan).low(from), high: last };
  const first = stored?.measured?.low ?? from;
  const isRolling = plan.window.period(last) === null;
  const start = plan.window.low(isRolling ? from : last);
  return {
    known: {
      from,
      tally: await sum({ low: start, high: last }),
      leaving: isRolling ? await span({ low: start, high: Math.min(from, plan.window.low(to)) - 1 }) : null,
      due,
    },
    recent: withMissing(plan, await sum(recent), recent.low, recent.high, due),
    history: new HourlyHistory(
      plan,
      await span({ low: Math.max(Math.floor(from / 60) * 60 - HISTORY, Math.min(first, from)), high: last }),
      first,
      due,
    ),
  };
}
