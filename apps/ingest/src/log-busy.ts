import { problemOf } from '@bellwether/contracts';
import { LogClosed, LogUnavailable, OutcomeUnknown, Overloaded } from '@bellwether/event-log';

/**
 * The log does not take it now. Nothing is lost by sending the same again: HTTP says so with 503 and
 * `Retry-After`, and what came over NATS stays in hand until the log takes it.
 */
export class LogBusy extends Error {
  override readonly name = 'LogBusy';
  readonly problem = problemOf(
    503,
    'overloaded',
    'the log does not take measurements at this moment; send the same again',
  );

  constructor(cause: unknown) {
    super('the log does not take measurements at this moment', { cause });
  }
}

/** Whether an error of the log is of the moment, not of what was to be appended. */
export function isOfTheMoment(error: unknown): boolean {
  return (
    error instanceof Overloaded ||
    error instanceof LogUnavailable ||
    error instanceof OutcomeUnknown ||
    error instanceof LogClosed
  );
}
