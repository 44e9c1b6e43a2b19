import {
  type Backtest,
  type BacktestProgress,
  cadenceOf,
  type LabelledIncident,
  type Sli,
  type SloDefinition,
} from '@bellwether/contracts';
import { backtest, MINUTE, planSlo, Recording } from '@bellwether/slo';
import { CliError, ExitCode } from '../errors.js';
import type { CsvPoints } from './csv-points.js';

/** What a backtest without a server is made of. */
export interface LocalBacktest {
  definition: SloDefinition;
  /** Unit and cadence of what the file has. */
  sli: Pick<Sli, 'cadence'> & { unit?: Sli['unit'] | undefined };
  points: CsvPoints;
  /** Epoch milliseconds; the whole file where it is not said. */
  from: number | null;
  to: number | null;
  /** Points of the budget at most. */
  most: number;
  incidents: readonly LabelledIncident[] | undefined;
  /** Milliseconds. */
  grace: number;
}

/**
 * Works a backtest out from a file, in this process: the same code that the server runs.
 * @throws CliError (usage) for a definition that cannot be evaluated, or points that it has no reading for
 */
export function runLocally(
  { definition, sli, points, from, to, most, incidents, grace }: LocalBacktest,
  onProgress: (progress: BacktestProgress) => void,
): Backtest {
  const planned = planSlo(definition, sli.unit);
  if (!planned.ok)
    throw new CliError(
      `SLO ${definition.name} cannot be evaluated`,
      ExitCode.usage,
      planned.faults.map(({ path, message }) => `${path}: ${message}`),
    );
  if (definition.indicator.kind === 'composite')
    throw new CliError(`${definition.name} is a composite: try its components`, ExitCode.usage);
  if (points.first === null || points.last === null)
    throw new CliError('no row of the file has a measurement', ExitCode.usage);
  // The whole minutes that anything was measured in: outside of them there is nothing to look at.
  const measured = {
    from: Math.floor(points.first / MINUTE) * MINUTE,
    to: Math.floor(points.last / MINUTE + 1) * MINUTE,
  };
  const span = {
    from: Math.max(from ?? measured.from, measured.from),
    to: Math.min(to ?? measured.to, measured.to),
  };
  const taken = [
    ...(from !== null && from < span.from ? [`from: taken as ${iso(span.from)}, where the file begins`] : []),
    ...(to !== null && to > span.to ? [`to: taken as ${iso(span.to)}, where the file ends`] : []),
  ];
  if (span.from >= span.to)
    throw new CliError(
      `the span is empty: the file has ${iso(points.first)} to ${iso(points.last)}`,
      ExitCode.usage,
    );
  const recording = new Recording(planned.plan, span, sli.unit);
  for (const [done, block] of points.blocks.entries()) {
    recording.take(block);
    onProgress({ phase: 'reading', done: done + 1, of: points.blocks.length });
  }
  if (recording.unfit === points.points)
    throw new CliError(
      `the file has no measurement that a "${definition.indicator.kind}" indicator has a reading for`,
      ExitCode.usage,
      ['a percentage is read as a ratio with --unit percent, or a "kind: sli" with that unit in the file'],
    );
  const cadence = cadenceOf(sli);
  const steps = backtest(planned.plan, recording, { span, points: most, cadence, incidents, grace });
  for (;;) {
    const step = steps.next();
    if (step.done) return { ...step.value, warnings: [...taken, ...planned.warnings] };
    onProgress(step.value);
  }
}

const iso = (at: number): string => new Date(at).toISOString();
