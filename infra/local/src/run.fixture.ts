import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync } from 'node:fs';
import path from 'node:path';
import { eventually, freePort, guard, temporaryFolder } from '@bellwether/testing';
import type { ServiceDefinition } from './services.js';

const fake = path.resolve(import.meta.dirname, '../fixtures/fake-service.mjs');
const loader = path.resolve(import.meta.dirname, '../../test/source-loader.mjs');

/** Fake services by the names given; each entry point is a file of that name, so that it is seen in `ps`. */
export function fakeServices(folder: string, names: string[]): ServiceDefinition[] {
  return names.map((name, index) => {
    const entry = path.join(folder, `${name}.mjs`);
    copyFileSync(fake, entry);
    return { name, entry, stopOrder: index };
  });
}

export interface RunOptions {
  dataDir: string;
  services: ServiceDefinition[];
  env?: Record<string, string>;
  /** Run as this user (needs root). */
  uid?: number;
}

/** A supervisor in the foreground as a process of its own: what a terminal running `npm start` is. */
export class Run {
  output = '';
  private constructor(
    readonly child: ChildProcess,
    readonly ports: { api: number; ingest: number; nats: number },
  ) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
    }
  }

  static async start({ dataDir, services, env = {}, uid }: RunOptions): Promise<Run> {
    const ports = { api: await freePort(), ingest: await freePort(), nats: await freePort() };
    const node = [
      process.execPath,
      '--import',
      loader,
      path.join(import.meta.dirname, 'foreground.fixture.ts'),
    ];
    const as = uid === undefined ? [] : ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
    const [file = '', ...args] = [...as, ...node];
    const child = spawn(file, args, {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        BELLWETHER_DATA_DIR: dataDir,
        BELLWETHER_STATE_DIR: path.join(temporaryFolder('state'), 'state'),
        BELLWETHER_API_PORT: String(ports.api),
        BELLWETHER_INGEST_PORT: String(ports.ingest),
        BELLWETHER_NATS_PORT: String(ports.nats),
        FAKE_SERVICES: JSON.stringify(services),
        ...env,
      },
    });
    guard().watch(child.pid as number);
    return new Run(child, ports);
  }

  get pid(): number {
    return this.child.pid as number;
  }

  /** Waits for the ready line. */
  async ready(): Promise<void> {
    await eventually(
      () => {
        if (this.child.exitCode !== null || !this.output.includes('bellwether ready: ')) {
          throw new Error(`not ready (exit code ${this.child.exitCode}):\n${this.output}`);
        }
      },
      { timeoutMs: 60_000 },
    );
  }

  /** Waits for the end and returns the exit code (null: killed). */
  async ended(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
    guard().unwatch(this.pid);
    return this.child.exitCode;
  }
}
