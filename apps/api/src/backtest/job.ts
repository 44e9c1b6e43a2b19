import type { Backtest, BacktestProgress, LabelledIncident, SloDefinition } from '@bellwether/contracts';
import type { Correction } from '@bellwether/slo';

/** A backtest that is to be worked out: everything checked, nothing left to look up but measurements. */
export interface BacktestJob {
  /** Where the log is. */
  databaseUrl: string;
  definition: SloDefinition;
  /** Of the SLI's definition. */
  unit?: string | undefined;
  /** The same, milliseconds. */
  cadence?: number | undefined;
  /** In effect for the SLO, and tried. */
  corrections: readonly Correction[];
  /** Epoch milliseconds. */
  from: number;
  to: number;
  points: number;
  incidents?: readonly LabelledIncident[] | undefined;
  /** Milliseconds. */
  grace: number;
  /** What is to be said of how the request was taken. */
  warnings: readonly string[];
}

/** What of an error can be told to another thread. */
export interface Failure {
  name: string;
  message: string;
  stack?: string | undefined;
  code?: unknown;
  severity?: unknown;
}

/** What a worker tells of its job: how far it is, then one of the others. */
export type Told = { progress: BacktestProgress } | { result: Backtest } | { failure: Failure };

export function failureOf(error: unknown): Failure {
  const { name, message, stack, code, severity } = error as Failure;
  return { name: String(name ?? 'Error'), message: String(message ?? error), stack, code, severity };
}

/** The error that a {@link Failure} was made of, as far as it was told. */
export function errorOf({ message, ...rest }: Failure): Error {
  return Object.assign(new Error(message), rest);
}
