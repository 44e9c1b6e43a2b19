import pg from 'pg';

export interface PoolOptions {
  connectionString: string;
  /** Role to run as; null: the connecting user itself. */
  role: string | null;
  max: number;
  /** What `pg_stat_activity` calls its sessions. */
  name: string;
}

/**
 * How long a transaction may wait for its process, milliseconds: one that hangs (a frozen machine, SIGSTOP) must not
 * keep others from the rows that it holds for longer.
 */
const IDLE_IN_TRANSACTION_MS = 5_000;

/**
 * A pool whose sessions run as a role, in UTC, with the isolation that appends rely on, and give up what an
 * interrupted transaction holds.
 */
export function openPool({ connectionString, role, max, name }: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    ...connection(connectionString, [
      ...(role === null ? [] : [`-c role=${role}`]),
      '-c timezone=UTC',
      '-c default_transaction_isolation=read\\ committed',
      `-c idle_in_transaction_session_timeout=${IDLE_IN_TRANSACTION_MS}`,
    ]),
    max,
    application_name: name,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    connectionTimeoutMillis: 10_000,
  });
  // A connection that breaks, idle or in use, is replaced at the next use, and its query fails; without listeners
  // the event of it would end the process.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

/** Session settings go beside those the connection string brings, which would otherwise win as a whole. */
export function connection(connectionString: string, settings: string[]): pg.ClientConfig {
  if (!URL.canParse(connectionString)) return { connectionString, options: settings.join(' ') };
  const url = new URL(connectionString);
  const own = url.searchParams.get('options');
  url.searchParams.delete('options');
  return { connectionString: url.toString(), options: [...(own ? [own] : []), ...settings].join(' ') };
}
