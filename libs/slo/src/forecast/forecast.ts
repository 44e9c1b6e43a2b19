import type { SloForecast } from '@bellwether/contracts';
import { toleranceOf } from '../alert-pairs.js';
import { stepEnds } from '../burn-down.js';
import { burnRate } from '../reading.js';
import { lookBack, type SloPlan } from '../slo-plan.js';
import type { Tally } from '../tally.js';
import { MINUTE } from '../time-grid.js';
import type { Window } from '../window.js';
import { follow } from './follow.js';
import type { HourlyHistory } from './hourly-history.js';
import { Pattern } from './pattern.js';
import { type Course, KnownPart, remainingOf } from './projection.js';
import { spreadOf } from './spread.js';
import { meanTraffic, type TrafficKnowledge } from './traffic.js';

/** Points of a forecast at most. */
const POINTS = 200;

/** What is known of an SLO when it is looked ahead. */
export interface ForecastKnowledge extends TrafficKnowledge {
  /** The sum over {@link recentWindow}. */
  recent: Tally;
  history: HourlyHistory;
}

/** The window whose burn rate is the recent pace: the shortest long one of the alerts, or the SLO's own without alerts. */
export function recentWindow(plan: SloPlan): Window {
  const longs = plan.pairs.map((pair) => pair.longMinutes);
  return longs.length === 0 ? plan.window : lookBack(plan, Math.min(...longs));
}

type Outlook = Pick<SloForecast, 'remaining' | 'best' | 'pace' | 'seasonal' | 'points'>;

/**
 * Looks ahead from what is known, to a minute: at the recent pace, by the pattern of former weeks, and as if nothing bad
 * happened any more.
 * @param to the minute that follows; of a calendar window not beyond its period
 */
export function forecastOf(plan: SloPlan, knowledge: ForecastKnowledge, to: number): Outlook {
  const { known, recent, history } = knowledge;
  const { from } = known;
  const pattern = Pattern.of(history);
  const mean = meanTraffic(plan, knowledge);
  const traffic = (hour: number): number => pattern?.expect(hour).total ?? mean;
  const ratio = recent.errorRatio;
  const courses: Record<'best' | 'pace' | 'likely', Course | null> = {
    best: (hour) => ({ total: traffic(hour), bad: 0 }),
    pace: ratio === null ? null : (hour) => ({ total: traffic(hour), bad: traffic(hour) * ratio }),
    likely: pattern && ((hour) => pattern.expect(hour)),
  };
  const ends = stepEnds(from, to, Math.ceil((to - from) / POINTS));
  const now = new KnownPart(plan, known).moveTo(from);
  const remaining = remainingOf(plan, now, NOTHING, from);
  const best = follow(plan, known, courses.best, ends);
  const pace = follow(plan, known, courses.pace, ends);
  const likely = follow(plan, known, courses.likely, ends);
  const spread = spreadOf(plan, known, pattern, ends, likely);
  const lasts = `it lasts beyond ${iso(to)}`;
  const unknown = remaining === null ? 'nothing was measured in the window of the SLO' : null;
  const recentLabel = recentWindow(plan).label;
  // Of a budget that is spent it is known, whatever will come: now, which the minute that follows is not.
  const isSpent = remaining !== null && remaining <= toleranceOf(plan.budget);
  const gone = (minute: number | null) => (isSpent ? iso(knowledge.now / MINUTE) : time(minute));
  return {
    remaining,
    best: { recoversAt: time(best.recovered) },
    pace: {
      window: recentLabel,
      burn: burnRate(recent, plan.budget),
      exhaustsAt: gone(pace.exhausted),
      recoversAt: time(pace.recovered),
      reason:
        unknown ??
        (ratio === null ? `nothing was measured in the last ${recentLabel}` : null) ??
        (!isSpent && pace.exhausted === null ? lasts : null),
    },
    seasonal: {
      pattern: pattern?.kind ?? null,
      cycles: pattern?.cycles ?? 0,
      trend: { bad: directionOf(pattern, 'bad'), traffic: directionOf(pattern, 'traffic') },
      exhaustsAt: { early: gone(spread.early), likely: gone(likely.exhausted), late: gone(spread.late) },
      recoversAt: time(likely.recovered),
      reason: unknown ?? Pattern.reason(history) ?? (!isSpent && likely.exhausted === null ? lasts : null),
    },
    points: [from, ...ends].map((at, i) => {
      const of = (course: readonly (number | null)[]) => (i === 0 ? remaining : (course[i - 1] ?? null));
      return {
        at: iso(at),
        best: of(best.left),
        pace: of(pace.left),
        likely: of(likely.left),
        low: of(spread.low),
        high: of(spread.high),
      };
    }),
  };
}

function directionOf(pattern: Pattern | null, of: 'bad' | 'traffic'): 'rising' | 'falling' | null {
  const line = pattern?.trends[of] ?? null;
  if (line === null) return null;
  return line.at(1) > line.at(0) ? 'rising' : 'falling';
}

const NOTHING = { total: 0, bad: 0 };
const iso = (minute: number): string => new Date(Math.round(minute * MINUTE)).toISOString();
const time = (minute: number | null): string | null => (minute === null ? null : iso(minute));
