import { HttpProblem } from '@bellwether/service';

const SYSTEM_CODES = new Set([
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
]);

/** SQLSTATEs that pass: connections (08), deadlocks (40), a standby (25006), resources (53), start and stop (57P0x). */
const SQL_STATES = /^(08...|40...|25006|53...|55P03|57P0.|58...)$/;

/** What the driver says without a code. */
const MESSAGES =
  /connection terminated|timeout exceeded when trying to connect|not queryable|connection (is )?closed/i;

/** Whether the database is away, and the same read can succeed later. */
export function isDatabaseAway(error: unknown): boolean {
  if (error === null || typeof error !== 'object') return false;
  const { code, message, errors } = error as { code?: unknown; message?: unknown; errors?: unknown };
  if (typeof code === 'string' && (SYSTEM_CODES.has(code) || SQL_STATES.test(code))) return true;
  // Of several addresses, each that was tried.
  if (Array.isArray(errors) && errors.some(isDatabaseAway)) return true;
  return typeof message === 'string' && MESSAGES.test(message);
}

/** The error as a caller is told of it: 503 while the database is away, else as it is. */
export function asUnavailable(error: unknown): unknown {
  return isDatabaseAway(error)
    ? HttpProblem.unavailable('the database cannot be reached at the moment', 1, { cause: error })
    : error;
}
