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
  trafficStretch,
  withMissing,
} from '@bellwether/slo';
import type { Counted } from './counted.js';

const HOUR = 60;
const DAY = 24 * HOUR;
/** Minutes that are looked ahead at most: beyond that the past says little. */
const FARTHEST = 90 * DAY;
/** Minutes of history that a pattern is made of: eight weeks of whole hours. */
const HISTORY = 56 * DAY;

type Outlook = ReturnType<typeof forecastOf>;

/** When a forecast is asked for, epoch milliseconds; and from which minute up to which it looks, as minutes that follow. */
interface Ahead {
  now: number;
  from: number;
  to: number;
}

/**
 * How far a forecast looks: as far as it is asked, else over the SLO's window; of a calendar's to the end of its period.
 * @throws CommandRefused 422 for a horizon that makes no sense
 */
function aheadOf({ window, windowMinutes }: SloPlan, horizon: string | undefined, now: number): Ahead {
  const from = Math.floor(now / MINUTE) + 1;
  const asked = horizon === undefined ? Math.min(windowMinutes, FARTHEST) : durationMillis(horizon) / MINUTE;
  if (!Number.isInteger(asked) || asked > FARTHEST) {
    throw CommandRefused.refused('it cannot be looked ahead so far', [
      { path: 'horizon', message: 'must be a whole number of minutes, and 90d at most' },
    ]);
  }
  const period = window.period(from - 1);
  if (period === null) return { now, from, to: from + asked };
  const end = Math.ceil(period.to / MINUTE);
  return { now, from: Math.min(from, end), to: horizon === undefined ? end : Math.min(end, from + asked) };
}

/** The minutes before a forecast that it looks at. */
export const FORECAST_HISTORY = HISTORY + HOUR;

/**
 * When a budget will be gone, from what is counted.
 * @param read gives what is counted while the work on it lasts
 * @throws CommandRefused 422 for a horizon that makes no sense
 */
export async function forecastOfSlo(
  plan: SloPlan,
  { horizon, group, now }: { horizon: string | undefined; group: string | undefined; now: number },
  read: (work: (counted: Counted) => Promise<Outlook>) => Promise<Outlook>,
): Promise<SloForecast> {
  const ahead = aheadOf(plan, horizon, now);
  const outlook = await read(async (counted) =>
    forecastOf(plan, await knowledgeOf(plan, ahead, counted), ahead.to),
  );
  const { name, service, groupBy } = plan.definition;
  return {
    slo: name,
    service,
    ...(group !== undefined && groupBy && { group: { label: groupBy.label, value: group } }),
    asOf: new Date(now).toISOString(),
    to: new Date(ahead.to * MINUTE).toISOString(),
    ...outlook,
  };
}

async function knowledgeOf(
  plan: SloPlan,
  { now, from, to }: Ahead,
  { stored, due }: Counted,
): Promise<ForecastKnowledge> {
  const sum = async (stretch: Stretch) => (await stored?.sum(stretch)) ?? new Tally();
  const span = async (stretch: Stretch) => (await stored?.span(stretch)) ?? new MinuteSpan(stretch);
  const last = from - 1;
  const recent = { low: recentWindow(plan).lowUpTo(from), high: last };
  const first = stored?.measured?.low ?? from;
  const isRolling = plan.window.period(last) === null;
  const start = plan.window.lowUpTo(from);
  const traffic = trafficStretch(plan, first, from);
  return {
    now,
    first,
    traffic: withMissing(plan, await sum(traffic), traffic.low, traffic.high, due),
    known: {
      from,
      tally: await sum({ low: start, high: last }),
      leaving: isRolling
        ? await span({ low: start, high: Math.min(from, plan.window.lowUpTo(to)) - 1 })
        : null,
      due,
    },
    recent: withMissing(plan, await sum(recent), recent.low, recent.high, due),
    history: new HourlyHistory(
      plan,
      await span({
        low: Math.max(Math.floor(from / HOUR) * HOUR - HISTORY, Math.min(first, from)),
        // An hour is whole when its last minute is over.
        high: Math.floor(now / MINUTE) - 1,
      }),
      first,
      due,
    ),
  };
}
