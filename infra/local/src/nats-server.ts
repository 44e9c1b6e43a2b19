import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { within } from './deadline.js';
import type { Guard, GuardedProcess } from './guard.js';
import { logTail } from './log-tail.js';
import { stopOrphan } from './orphan.js';
import { accepts } from './ports.js';
import { findNatsServer } from './program-path.js';

export interface NatsOptions {
  guard: Guard;
  /** Folder of this server alone: holds its configuration, log and JetStream's files. */
  folder: string;
  port: number;
  /** Where JetStream keeps its streams; null switches JetStream off. */
  storeDir: string | null;
  /** The rest of the configuration (accounts, limits), in nats-server's own syntax. */
  config?: string;
  /** The program; found by itself when absent. */
  file?: string;
  startTimeoutMs?: number;
}

/** A NATS server of our own, on loopback, as a child of the guard. */
export class NatsServer {
  #process: GuardedProcess | null = null;
  readonly #log: string;

  constructor(readonly options: NatsOptions) {
    this.#log = path.join(options.folder, 'nats.log');
  }

  get port(): number {
    return this.options.port;
  }

  get pid(): number | undefined {
    return this.#process?.exit ? undefined : this.#process?.pid;
  }

  /** Address without credentials. */
  get url(): string {
    return `nats://127.0.0.1:${this.options.port}`;
  }

  /** Ends what a killed run left running, writes the configuration and starts. */
  async start(): Promise<void> {
    const { guard, folder, port, storeDir, config = '' } = this.options;
    const file = this.options.file ?? findNatsServer();
    if (!file) {
      throw new Error(
        'nats-server was not found on PATH. Install it (Debian: apt-get install nats-server; macOS: brew install ' +
          'nats-server), or set NATS_URL to a NATS server with JetStream of your own.',
      );
    }
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    await this.clearOrphan();
    const text = [
      `listen: "127.0.0.1:${port}"`,
      `pid_file: ${JSON.stringify(this.#pidFile)}`,
      ...(storeDir === null ? [] : [`jetstream { store_dir: ${JSON.stringify(storeDir)} }`]),
      config,
      '',
    ].join('\n');
    writeFileSync(this.#configFile, text, { mode: 0o600 });
    const running = await guard.spawn({
      file,
      args: ['-c', this.#configFile],
      cwd: folder,
      env: { PATH: '/usr/bin:/bin', TZ: 'UTC' },
      log: this.#log,
      stopSignal: 'SIGTERM',
      graceMs: 10_000,
    });
    this.#process = running;
    const jetstream = storeDir === null ? /^INFO / : /^INFO .*"jetstream":true/;
    let ready = false;
    await within(this.options.startTimeoutMs ?? 30_000, async () => {
      if (running.exit !== null) return true;
      ready = await accepts(port, jetstream);
      return ready;
    });
    if (!ready || running.exit !== null) {
      running.signal('SIGKILL');
      throw new Error(`nats-server did not start:\n${logTail(this.#log)}`);
    }
  }

  /** Lets clients go in lame-duck-free, orderly fashion: SIGTERM. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Starts again on the same store and port. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Loses JetStream's files, as a lost volume does: killed, emptied, started again. */
  async wipe(): Promise<void> {
    await this.kill();
    if (this.options.storeDir) rmSync(this.options.storeDir, { recursive: true, force: true });
    await this.start();
  }

  /** Resolves when the running server has ended, whoever ended it. */
  async ended(): Promise<void> {
    await this.#process?.exited;
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const running = this.#process;
    if (!running) return;
    running.signal(signal);
    await this.options.guard.waiting(() => running.exited);
    this.#process = null;
    // Left behind by root in a folder of somebody else it would be a file that they may not read.
    rmSync(this.#pidFile, { force: true });
  }

  async clearOrphan(): Promise<void> {
    if (!existsSync(this.#pidFile)) return;
    await stopOrphan(Number(readFileSync(this.#pidFile, 'utf8')), this.#configFile, 'SIGTERM', 10_000);
    rmSync(this.#pidFile, { force: true });
  }

  get #pidFile(): string {
    return path.join(this.options.folder, 'nats.pid');
  }

  get #configFile(): string {
    return path.join(this.options.folder, 'nats.conf');
  }
}
