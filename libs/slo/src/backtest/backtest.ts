import type {
  BacktestCrossing,
  BacktestProgress,
  Backtest as BacktestResult,
  LabelledIncident,
} from '@bellwether/contracts';
import type { SloPlan } from '../slo-plan.js';
import { HOUR_MINUTES, hourOf, MINUTE, minuteOf } from '../time-grid.js';
import { Alarms } from './alarms.js';
import { BudgetCurve } from './budget-curve.js';
import type { Recording } from './recording.js';
import { Replay } from './replay.js';
import { scoreOf } from './score.js';
import { type BacktestSpan, decidedFrom } from './span.js';

export interface BacktestOptions {
  span: BacktestSpan;
  /** Points of the budget at most. */
  points: number;
  /** How often the SLI's definition says that it is measured, milliseconds. */
  cadence?: number | undefined;
  /** What alerts are held against. */
  incidents?: readonly LabelledIncident[] | undefined;
  /** How long after its end an incident is still found, milliseconds. */
  grace?: number;
}

/** What comes of it; what there is to say of the definition, the caller adds. */
export type BacktestReport = Omit<BacktestResult, 'warnings'>;

/**
 * What would have fired between two times, had a definition been in force: the recorded measurements through the very
 * code that evaluates live ones, on virtual time. Each point is delivered at the end of its minute, whenever it came in
 * truth; then the SLO is evaluated, and every 15 s in between where the passing of time alone can change anything.
 *
 * The windows are warmed up with what was measured before, and deciding begins the longest look-back before `from`: an
 * alert that fires at `from` already is known with the time it fired.
 * @param recording of the same plan and span
 * @yields how far it is, in minutes of virtual time, once for each hour of it: so that its caller can let others work,
 * or end it
 */
export function* backtest(
  plan: SloPlan,
  recording: Recording,
  { span, points, cadence, incidents, grace = 0 }: BacktestOptions,
): Generator<BacktestProgress, BacktestReport> {
  const { from, to } = span;
  const decided = minuteOf(decidedFrom(plan, span));
  const end = minuteOf(to);
  const { firstMinute } = recording.whole;
  const first = Math.min(firstMinute ?? end, end);
  const progress = (minute: number): BacktestProgress => ({
    phase: 'evaluating',
    done: minute - first,
    of: end - first,
  });

  const replay = new Replay(plan, cadence);
  const alarms = new Alarms(span);
  const curve = new BudgetCurve(plan, span, points);
  const crossings: BacktestCrossing[] = [];
  const departures = Map.groupBy(recording.departures, (departure) => departure.minute);
  let historyAtFrom = 0;
  replay.onEvaluated = (reading, transitions) => {
    for (const transition of transitions) {
      alarms.take(transition, reading);
      if (transition.type === 'slo.budget.crossed' && reading.at >= from) {
        const { eventTime: at, threshold, direction, remaining, group } = transition.data;
        crossings.push({ at, threshold, direction, remaining, ...(group && { group }) });
      }
    }
    if (reading.at <= from && reading.source.group === undefined) historyAtFrom = reading.history;
    curve.take(reading);
  };

  for (let minute = first; minute < end; minute++) {
    deliver(replay, recording, minute);
    for (const { value } of departures.get(minute) ?? []) replay.depart(value, (minute + 1) * MINUTE);
    // A minute's points are all there at its end; the seconds after it are those of the next one.
    if (minute + 1 >= decided) replay.evaluateMinute(minute + 1, to);
    if (minute % HOUR_MINUTES === HOUR_MINUTES - 1) {
      replay.forget(hourOf(minute));
      yield progress(minute);
    }
  }
  const last = replay.read(to);
  const alerts = alarms.end(last);
  yield progress(end);
  const firstAt = firstMinute === null ? undefined : recording.whole.minute(firstMinute)?.first;
  return {
    slo: plan.definition.name,
    from: iso(from),
    to: iso(to),
    alerts: alerts.map(({ alert }) => alert),
    crossings,
    status: replay.status(last),
    points: curve.points(last[0]),
    ...(incidents && { score: scoreOf(alerts, incidents, { span, grace }) }),
    recorded: {
      points: recording.whole.points,
      minutes: recording.whole.measured,
      unfit: recording.unfit,
      firstAt: firstAt === undefined ? null : iso(firstAt),
      historyAtFrom,
    },
  };
}

function deliver(replay: Replay, { whole, groups }: Recording, minute: number): void {
  const gathered = whole.minute(minute);
  if (gathered === null) return;
  replay.deliver(gathered);
  for (const [value, group] of groups) {
    const own = group.minute(minute);
    if (own !== null) replay.deliver(own, value);
  }
}

/** A backtest at one go. */
export function runBacktest(plan: SloPlan, recording: Recording, options: BacktestOptions): BacktestReport {
  const steps = backtest(plan, recording, options);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

const iso = (at: number): string => new Date(at).toISOString();
