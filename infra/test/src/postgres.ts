import { rm } from 'node:fs/promises';
import path from 'node:path';
import { freePort, PostgresServer, reachableBinaries, unprivilegedUser } from '@bellwether/local';
import { guard } from './guard.js';
import { temporaryFolder } from './temporary-folder.js';

/** A PostgreSQL server of a test's own, which it may kill. */
export interface TestPostgres {
  readonly port: number;
  readonly pid: number | undefined;
  /** Superuser's connection string; everybody on loopback is trusted. */
  url(database?: string): string;
  /** SIGKILL to the postmaster. */
  kill(): Promise<void>;
  /** Starts on the same data and port, after `kill` or `stop`. */
  start(): Promise<void>;
  /** A clean stop and start. */
  restart(): Promise<void>;
  /** Stops it and removes its files. */
  stop(): Promise<void>;
}

export interface TestPostgresOptions {
  /** Server parameters, over those of a test server (fsync off, 300 connections). */
  settings?: Record<string, string>;
}

/** Starts a PostgreSQL server on a free loopback port with data in a temporary folder. */
export async function startPostgres(options: TestPostgresOptions = {}): Promise<TestPostgres> {
  const folder = temporaryFolder('postgres');
  const user = unprivilegedUser();
  const server = new PostgresServer({
    guard: guard(),
    // `npm test` names one place for its whole run, where binaries have to be copied at all.
    binaries: reachableBinaries(user, process.env.BELLWETHER_STATE_DIR ?? path.join(folder, 'binaries')),
    folder: path.join(folder, 'server'),
    port: await freePort(),
    user,
    settings: {
      fsync: 'off', // a test survives kill -9 of Postgres without it, only not a power cut
      full_page_writes: 'off',
      max_connections: '300',
      shared_buffers: '64MB',
      max_wal_size: '256MB',
      autovacuum_naptime: '10min',
      log_min_messages: 'warning',
      ...options.settings,
    },
  });
  await server.start();
  return {
    port: server.port,
    get pid() {
      return server.pid;
    },
    url: (database) => server.url(database),
    kill: () => server.kill(),
    start: () => server.start(),
    restart: () => server.restart(),
    async stop() {
      await server.kill();
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
      guard().keep(folder);
    },
  };
}

/** A private server that the test may SIGKILL and start again (`startPostgres` by the name of its use). */
export const startOwnPostgres = startPostgres;
