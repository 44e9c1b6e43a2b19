import { rm } from 'node:fs/promises';
import path from 'node:path';
import { freePort, NatsServer } from '@bellwether/local';
import { guard } from './guard.js';
import { temporaryFolder } from './temporary-folder.js';

/** A real NATS server of a test's own. */
export interface TestNats {
  readonly port: number;
  readonly pid: number | undefined;
  /** `nats://127.0.0.1:<port>`, without credentials. */
  readonly url: string;
  /** Where JetStream keeps its files. */
  readonly storeDir: string;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Starts on the same port and store, after `kill`. */
  start(): Promise<void>;
  /** A clean stop and start on the same port and store. */
  restart(): Promise<void>;
  /** Kills it, deletes JetStream's files and starts it again: a lost volume. */
  wipe(): Promise<void>;
  /** Stops it and removes its files. */
  stop(): Promise<void>;
}

export interface TestNatsOptions {
  /** Default true. */
  jetstream?: boolean;
  /** More configuration in nats-server's syntax (accounts, limits); `listen` and `jetstream` are set already. */
  config?: string;
}

/** Starts `nats-server` on a free loopback port. */
export async function startNats(options: TestNatsOptions = {}): Promise<TestNats> {
  const folder = temporaryFolder('nats');
  const storeDir = path.join(folder, 'store');
  const server = new NatsServer({
    guard: guard(),
    folder: path.join(folder, 'server'),
    port: await freePort(),
    storeDir: options.jetstream === false ? null : storeDir,
    ...(options.config === undefined ? {} : { config: options.config }),
  });
  await server.start();
  return {
    port: server.port,
    get pid() {
      return server.pid;
    },
    url: server.url,
    storeDir,
    kill: () => server.kill(),
    start: () => server.start(),
    restart: () => server.restart(),
    wipe: () => server.wipe(),
    async stop() {
      await server.kill();
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
      guard().keep(folder);
    },
  };
}
