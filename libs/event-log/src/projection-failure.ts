import { errorKind, sqlState } from './database-error.js';
import { SlotMoved } from './projection-slots.js';

/** Whether the same events would fail again: not when the database is away, or the transaction met another one. */
export function lasts(error: unknown): boolean {
  if (error instanceof SlotMoved) return false;
  const kind = errorKind(error);
  return !(kind === 'passing' || (kind === 'lost' && isOfTheConnection(error)));
}

/**
 * Whether an error is of what an event says: data that the tables do not take, or the projection's own complaint. What is
 * wrong with the tables (rights, one that is missing) is wrong for every key, and parking them one by one helps nobody.
 */
export function isOfTheEvent(error: unknown): boolean {
  return lasts(error) && errorKind(error) !== 'lasting';
}

const DRIVER_MESSAGES =
  /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed)/;

/** An error without a SQLSTATE is the projection's own, but for those of the socket and the driver. */
function isOfTheConnection(error: unknown): boolean {
  if (sqlState(error) !== undefined) return true;
  const { code, message } = error as { code?: unknown; message?: unknown };
  return (typeof code === 'string' && /^E[A-Z]+$/.test(code)) || DRIVER_MESSAGES.test(String(message));
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
