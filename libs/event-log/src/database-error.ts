/**
 * What an error of the database means for what was sent:
 * - `data`: somebody's data cannot be stored; the transaction rolled back;
 * - `passing`: rolled back for a reason that passes (deadlock, a standby, no room): send again later;
 * - `lost`: the connection went away; committed or not, nobody said;
 * - `lasting`: rolled back for a reason that stays (rights, a missing function).
 */
export type ErrorKind = 'data' | 'passing' | 'lost' | 'lasting';

interface MaybeDatabaseError {
  code?: unknown;
  severity?: unknown;
}

/** SQLSTATE of an error that the server sent; undefined for one of the network or of the driver. */
export function sqlState(error: unknown): string | undefined {
  const { code, severity } = (error ?? {}) as MaybeDatabaseError;
  return typeof code === 'string' && typeof severity === 'string' && code.length === 5 ? code : undefined;
}

export function errorKind(error: unknown): ErrorKind {
  const state = sqlState(error);
  if (state === undefined) return 'lost';
  // The server or an operator ended the session, which can be after the commit as well.
  if (state.startsWith('08') || state === '57P01' || state === '57P02') return 'lost';
  // Deadlock, serialization, no resources, lock not available, starting up, cancelled, read-only (a standby).
  if (/^(40|53|55|57)/.test(state) || state === '25006') return 'passing';
  // Bad data, constraints, limits such as the size of an index row.
  if (/^(22|23|54)/.test(state)) return 'data';
  return 'lasting';
}
