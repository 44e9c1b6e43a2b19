import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { findProgram, freePort, type GuardedProcess, within } from '@bellwether/local';
import { guard } from './guard.js';
import { temporaryFolder } from './temporary-folder.js';

/** The `prometheus` of this machine; null when there is none (Debian: package `prometheus`). */
export const prometheus: string | null = findProgram('prometheus');

/** A real Prometheus of a test's own. */
export interface TestPrometheus {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** Stops it in order: what it scraped is on disk. */
  halt(): Promise<void>;
  /** Starts it again on the same port and data, after `halt`. */
  start(): Promise<void>;
  /** Has it hang, as a process does that is stopped with SIGSTOP; or go on. */
  hang(): void;
  goOn(): void;
  /** Stops it and removes its files. */
  stop(): Promise<void>;
}

/**
 * Starts Prometheus on a free loopback port.
 * @param targets what it scrapes: host and port of servers with `/metrics`
 * @param interval between scrapes
 */
export async function startPrometheus(targets: string[], interval = '500ms'): Promise<TestPrometheus> {
  if (prometheus === null) throw new Error('prometheus is not on this machine');
  const file = prometheus;
  const folder = temporaryFolder('prometheus');
  mkdirSync(path.join(folder, 'data'));
  const config = path.join(folder, 'prometheus.json');
  // JSON is YAML.
  writeFileSync(
    config,
    JSON.stringify({
      global: { scrape_interval: interval, scrape_timeout: interval },
      scrape_configs: [{ job_name: 'shop', static_configs: [{ targets }] }],
    }),
  );
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const log = path.join(folder, 'prometheus.log');
  let running: GuardedProcess | null = null;
  const server = {
    url,
    async start() {
      const started = await guard().spawn({
        file,
        args: [
          `--config.file=${config}`,
          `--storage.tsdb.path=${path.join(folder, 'data')}`,
          `--web.listen-address=127.0.0.1:${port}`,
        ],
        cwd: folder,
        env: { PATH: '/usr/bin:/bin', TZ: 'UTC', GOMAXPROCS: '1' },
        log,
        stopSignal: 'SIGTERM',
        graceMs: 10_000,
      });
      running = started;
      let ready = false;
      await within(30_000, async () => {
        if (started.exit !== null) return true;
        ready = await fetch(`${url}/-/ready`).then(
          ({ ok }) => ok,
          () => false,
        );
        return ready;
      });
      if (!ready) throw new Error(`prometheus did not start:\n${readFileSync(log, 'utf8').slice(-2_000)}`);
    },
    async halt() {
      const stopping = running;
      if (stopping === null) return;
      stopping.signal('SIGTERM');
      await guard().waiting(() => stopping.exited);
      running = null;
    },
    hang: () => running?.signal('SIGSTOP'),
    goOn: () => running?.signal('SIGCONT'),
    async stop() {
      // One that hangs does not hear that it is to stop.
      server.goOn();
      await server.halt();
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
      guard().keep(folder);
    },
  };
  await server.start();
  return server;
}
