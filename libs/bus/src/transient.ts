/** Among them the event log's own words for it, by name: libs know only the contracts. */
const NAMES = new Set([
  'AbortError',
  'BusUnavailable',
  'CheckpointMoved',
  'ClosedConnectionError',
  'DrainingConnectionError',
  'LogClosed',
  'LogUnavailable',
  'NoResponders',
  'OutcomeUnknown',
  'Overloaded',
  'PublishFailed',
  'RequestTimeout',
  'TimeoutError',
]);

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

/**
 * SQLSTATEs that say "not now": connection exceptions (08), serialization failures and deadlocks (40), a server that
 * became read-only (25006), insufficient resources (53), lock not available (55P03), shutdown and start-up (57P0x),
 * system errors (58).
 */
const SQL_STATES = /^(08...|40...|25006|53...|55P03|57P0.|58...)$/;

/** What `pg` says without a code. */
const MESSAGES =
  /connection terminated|timeout exceeded when trying to connect|not queryable|connection (is )?closed|server closed the connection/i;

/** Whether an error says that the database cannot be reached, or not now, so that the same work can succeed later. */
export function isDatabaseAway(error: unknown): boolean {
  // Of several addresses, each that was tried.
  const { errors } = (error ?? {}) as { errors?: unknown };
  return saysAway(error) || (Array.isArray(errors) && errors.some(saysAway));
}

function saysAway(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  if (typeof code === 'string' && (SYSTEM_CODES.has(code) || SQL_STATES.test(code))) return true;
  return typeof message === 'string' && MESSAGES.test(message);
}

/**
 * Whether an error comes from the surroundings (a database or bus that is away, a deadlock) and the same work can
 * succeed later. Such an error never counts against an event: a restart of Postgres must not park innocent ones.
 */
export function isTransient(error: unknown, depth = 0): boolean {
  if (depth > 5 || typeof error !== 'object' || error === null) return false;
  if (isDatabaseAway(error)) return true;
  const { name, cause, errors } = error as { name?: unknown; cause?: unknown; errors?: unknown };
  if (typeof name === 'string' && NAMES.has(name)) return true;
  if (Array.isArray(errors) && errors.some((inner) => isTransient(inner, depth + 1))) return true;
  return cause !== undefined && isTransient(cause, depth + 1);
}

/** Milliseconds to wait before the next attempt after `attempt` (from 1) failed: 50 ms doubling up to `max`. */
export function backoffMs(attempt: number, max = 5_000): number {
  return Math.min(max, 50 * 2 ** Math.min(attempt - 1, 20));
}

/** What a person reads about an error: its name and message, at most 2,000 characters, without the stack. */
export function errorText(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : describe(error);
  return text.toWellFormed().replaceAll('\0', ' ').slice(0, 2_000);
}

function describe(error: unknown): string {
  if (
    typeof error === 'object' &&
    error !== null &&
    'message' in error &&
    typeof error.message === 'string'
  ) {
    return error.message;
  }
  try {
    return typeof error === 'string' ? error : (JSON.stringify(error) ?? String(error));
  } catch {
    return String(error);
  }
}
