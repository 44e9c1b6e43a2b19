import { type ChildProcess, fork } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { identify, isRunning } from './process-identity.js';

/** What to start under the guard. */
export interface GuardedCommand {
  file: string;
  args: string[];
  cwd?: string;
  env?: Record<string, string>;
  /** The unprivileged user to run as; only root may name one. */
  uid?: number | undefined;
  gid?: number | undefined;
  /** File that takes stdout and stderr; thrown away when absent. */
  log?: string;
  /** How the process is asked to stop when the owner is gone. Default SIGKILL. */
  stopSignal?: NodeJS.Signals;
  /** Milliseconds between asking and SIGKILL. Default 5,000. */
  graceMs?: number;
}

/** How a process ended: as Node's `exit` event says it. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

type Report =
  | { type: 'ready' }
  | { type: 'spawned'; id: number; pid: number }
  | { type: 'failed'; id: number; message: string }
  | { type: 'exit'; id: number; code: number | null; signal: NodeJS.Signals | null };

/** A process whose parent is the guard. */
export class GuardedProcess {
  /** Resolves when the process has ended. */
  readonly exited: Promise<Exit>;
  #exit: Exit | null = null;

  constructor(
    readonly pid: number,
    exited: Promise<Exit>,
  ) {
    this.exited = exited.then((exit) => {
      this.#exit = exit;
      return exit;
    });
  }

  /** How it ended; null while it runs. */
  get exit(): Exit | null {
    return this.#exit;
  }

  /** Sends a signal; nothing happens when the process has ended. */
  signal(signal: NodeJS.Signals): void {
    if (this.#exit) return;
    try {
      process.kill(this.pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

/**
 * Starts processes that do not survive the current one: `bin/guard.mjs` is their parent, and stops them when the
 * channel to us closes. Does not keep the current process alive.
 */
export class Guard {
  readonly #child: ChildProcess;
  readonly #reports = new EventEmitter();
  readonly #ready: Promise<void>;
  #next = 1;
  #lost = false;
  #closing = false;

  constructor() {
    this.#child = fork(path.resolve(import.meta.dirname, '../bin/guard.mjs'), [], {
      detached: true,
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#reports.setMaxListeners(0);
    this.#child.on('message', (report: Report) => {
      this.#reports.emit('id' in report ? `${report.type}:${report.id}` : report.type, report);
    });
    this.#child.on('disconnect', () => {
      this.#lost = true;
      this.#reports.emit('lost');
    });
    this.#child.on('error', () => this.#reports.emit('lost'));
    this.#ready = this.#expect<void>('ready').then(() => {});
    this.#ready.catch(() => {});
    this.#child.unref();
    this.#child.channel?.unref();
  }

  /** The guard's own process id. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Called when the guard itself has died: what it started goes on, and nobody stops it when we are gone. */
  onLost(listener: () => void): void {
    this.#reports.once('lost', () => {
      if (!this.#closing) listener();
    });
  }

  async spawn(command: GuardedCommand): Promise<GuardedProcess> {
    await this.#ready;
    const id = this.#next++;
    const reported = new Promise<Exit | null>((resolve) => {
      this.#reports.once(`exit:${id}`, ({ code, signal }: Exit) => resolve({ code, signal }));
      this.#reports.once('lost', () => resolve(null));
    });
    const spawned = this.#expect<Report>(`spawned:${id}`, `failed:${id}`);
    this.#send({ type: 'spawn', stopSignal: 'SIGKILL', graceMs: 5_000, env: {}, ...command, id });
    const report = await spawned;
    if (report.type !== 'spawned') {
      throw new Error(
        `${command.file} did not start: ${report.type === 'failed' ? report.message : 'no reason'}`,
      );
    }
    const { pid } = report;
    const identity = identify(pid);
    const exited = reported.then(async (exit) => {
      // Without the guard nobody says so, and it may run for long yet.
      while (exit === null && identity && isRunning(identity)) await sleep(50, undefined, { ref: false });
      return exit ?? { code: null, signal: null };
    });
    return new GuardedProcess(pid, exited);
  }

  /** Runs a command to its end. */
  async run(command: GuardedCommand): Promise<Exit> {
    const started = await this.spawn(command);
    return this.waiting(() => started.exited);
  }

  /** Kills `pid`, a process group leader, if it is still there five seconds after we are gone. */
  watch(pid: number): void {
    this.#send({ type: 'watch', pid });
  }

  unwatch(pid: number): void {
    this.#send({ type: 'unwatch', pid });
  }

  /** Removes the folder when we are gone. */
  removeAtEnd(folder: string): void {
    this.#send({ type: 'remove-at-end', folder });
  }

  keep(folder: string): void {
    this.#send({ type: 'keep', folder });
  }

  /** Stops everything that is still running and waits until the guard has finished. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.ref();
    if (this.#child.connected) this.#child.disconnect();
    await exited;
  }

  /** The event loop is held open only while somebody waits for an answer. */
  async waiting<T>(work: () => Promise<T>): Promise<T> {
    const hold = setInterval(() => {}, 60_000);
    try {
      return await work();
    } finally {
      clearInterval(hold);
    }
  }

  #send(message: object): void {
    if (!this.#lost && this.#child.connected) this.#child.send(message);
  }

  #expect<T>(...events: string[]): Promise<T> {
    return this.waiting(
      () =>
        new Promise<T>((resolve, reject) => {
          if (this.#lost) return reject(new Error('the guard process has died'));
          const settle = (report: T) => {
            this.#reports.off('lost', lose);
            for (const event of events) this.#reports.off(event, settle);
            resolve(report);
          };
          const lose = () => reject(new Error('the guard process has died'));
          this.#reports.once('lost', lose);
          for (const event of events) this.#reports.once(event, settle);
        }),
    );
  }
}
