import {
  type Backtest,
  BacktestLimits,
  type BacktestProgress,
  LogStreams,
  type MeasurementRecorded,
} from '@bellwether/contracts';
import type { EventLog } from '@bellwether/event-log';
import { backtest, Corrections, planSlo, Recording, type SloPlan } from '@bellwether/slo';
import type { BacktestJob } from './job.js';

/** How much earlier than its event time a point may have been recorded: clocks differ, and ingest allows minutes. */
const AHEAD_MS = 60 * 60_000;

/** Works a backtest out from the log. Measurements pass through a page at a time: what is kept is a kilobyte an hour. */
export async function workOut(
  job: BacktestJob,
  log: Pick<EventLog, 'scanStream'>,
  tell: (progress: BacktestProgress) => void,
): Promise<Backtest> {
  const { plan, warnings } = planOf(job);
  const span = { from: job.from, to: job.to };
  const recording = new Recording(plan, span, job.unit);
  const { service, sli } = job.definition;
  const stream = LogStreams.measurement(service, sli);
  const recordedFrom = new Date(recording.span.from - AHEAD_MS);
  for await (const { events, done, of } of log.scanStream(stream, { recordedFrom })) {
    for (const { data } of events) recording.take((data as MeasurementRecorded).columns);
    tell({ phase: 'reading', done, of });
  }

  const { points, cadence, incidents, grace } = job;
  const steps = backtest(plan, recording, { span, points, cadence, incidents, grace });
  for (;;) {
    const step = steps.next();
    if (step.done) return bounded({ ...step.value, warnings: [...job.warnings, ...warnings] });
    tell(step.value);
  }
}

/** As of the live evaluation: an SLI that got another unit later has its values compared as they come. */
function planOf({ definition, unit, ...job }: BacktestJob): { plan: SloPlan; warnings: string[] } {
  const corrections = new Corrections(job.corrections);
  let planned = planSlo(definition, unit, corrections);
  if (!planned.ok) planned = planSlo(definition, undefined, corrections);
  if (!planned.ok) throw new RangeError(`SLO ${definition.name} cannot be evaluated`);
  return planned;
}

/** An SLO that fires every other minute of a year is not worth a hundred megabytes. What is counted, all are counted in. */
function bounded(result: Backtest): Backtest {
  const most = BacktestLimits.alerts;
  const { alerts, crossings, warnings } = result;
  const left = (what: string, all: readonly unknown[]): string[] =>
    all.length > most ? [`${what}: the first ${most} of ${all.length} are listed`] : [];
  return {
    ...result,
    alerts: alerts.slice(0, most),
    crossings: crossings.slice(0, most),
    warnings: [...warnings, ...left('alerts', alerts), ...left('crossings', crossings)],
  };
}
