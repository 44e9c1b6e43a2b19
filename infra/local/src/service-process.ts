import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { BackOff } from './back-off.js';
import { within } from './deadline.js';
import type { Guard } from './guard.js';
import { eachLine, readable } from './log-lines.js';
import type { ServiceDefinition } from './services.js';
import { StartError } from './start-error.js';

export interface ServiceProcessOptions {
  definition: ServiceDefinition;
  env: Record<string, string>;
  guard: Guard;
  /** Takes each line of output, and what the supervisor has to say about the service. */
  log: (source: string, line: string) => void;
  /** Called when the process has been started again, with its new id. */
  onStarted?: (name: string, pid: number) => void;
  backOff?: BackOff;
}

/** What can be seen of a service from outside. */
export interface ServiceState {
  name: string;
  pid: number | undefined;
  /** Port of /healthz, /readyz and /metrics on loopback, once it is known. */
  adminPort: number | undefined;
  /** Since its last start. */
  ready: boolean;
  /** How often it has been started again. */
  restarts: number;
}

/** A service that has never been ready and ended this often is not going to be. */
const hopeless = 3;
const keptLines = 15;

/** One service as a process of its own, started again whenever it ends, until `stop`. */
export class ServiceProcess {
  readonly #options: ServiceProcessOptions;
  readonly #backOff: BackOff;
  readonly #lastLines: string[] = [];
  readonly #firstReady = Promise.withResolvers<void>();
  #child: ChildProcess | null = null;
  #restart: NodeJS.Timeout | null = null;
  #adminPort: number | undefined;
  #notReady = '';
  #ready = false;
  #everReady = false;
  #restarts = 0;
  #stopping = false;

  constructor(options: ServiceProcessOptions) {
    this.#options = options;
    this.#backOff = options.backOff ?? new BackOff();
    this.#firstReady.promise.catch(() => {});
  }

  get name(): string {
    return this.#options.definition.name;
  }

  get state(): ServiceState {
    return {
      name: this.name,
      pid: this.#child?.pid,
      adminPort: this.#adminPort,
      ready: this.#ready,
      restarts: this.#restarts,
    };
  }

  start(): void {
    const { definition, env, guard, log, onStarted } = this.#options;
    const startedAt = performance.now();
    this.#lastLines.length = 0;
    const child = fork(definition.entry, [], {
      detached: true, // a process group of its own: Ctrl-C reaches the supervisor alone
      env: { ...env, ...definition.env },
      execArgv: ['--enable-source-maps'],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      if (stream) eachLine(stream, (line) => this.#line(line));
    }
    child.on('message', (message: { type?: string; adminPort?: number }) => {
      if (message?.type === 'ready') this.#adminPort = message.adminPort;
    });
    void this.#becomeReady(child);
    child.on('error', (error) => log(this.name, `did not start: ${error.message}`));
    const { pid } = child;
    if (pid !== undefined) {
      guard.watch(pid);
      onStarted?.(this.name, pid);
    }
    child.once(pid === undefined ? 'error' : 'close', () => {
      if (pid !== undefined) guard.unwatch(pid);
      this.#child = null;
      this.#adminPort = undefined;
      this.#ready = false;
      if (!this.#stopping) this.#startAgain(child, performance.now() - startedAt);
    });
  }

  /** Resolves when it is ready for the first time; rejects when it will not be. */
  async whenReady(timeoutMs: number): Promise<void> {
    const late = new Promise<never>((_, reject) => {
      setTimeout(() => {
        const problem = `${this.name} was not ready within ${timeoutMs / 1000} s: ${this.#notReady}`;
        reject(new StartError([problem, ...this.#lastLines].join('\n')));
      }, timeoutMs).unref();
    });
    await Promise.race([this.#firstReady.promise, late]);
  }

  /** Sends a signal to the process (and nothing else: it will be started again). @returns whether it was running */
  kill(signal: NodeJS.Signals): boolean {
    return this.#child?.kill(signal) ?? false;
  }

  /** Asks it to drain and end; SIGKILL to its group after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    if (this.#restart) clearTimeout(this.#restart);
    const child = this.#child;
    if (!child?.pid) return;
    const closed = once(child, 'close');
    child.kill('SIGTERM');
    const timer = setTimeout(() => {
      this.#options.log(this.name, `did not stop within ${graceMs / 1000} s: killed`);
      killGroup(child);
    }, graceMs);
    await closed;
    clearTimeout(timer);
  }

  /** Polls /readyz of the process just started until it is ready or has ended. */
  async #becomeReady(child: ChildProcess): Promise<void> {
    this.#notReady = 'it has not said that it is ready';
    const ended = () => child.exitCode !== null || child.signalCode !== null;
    await within(Number.POSITIVE_INFINITY, async () => ended() || (await this.#isReady()));
    if (ended()) return;
    this.#ready = true;
    this.#everReady = true;
    this.#firstReady.resolve();
    if (this.#restarts > 0) this.#options.log(this.name, 'ready again');
  }

  async #isReady(): Promise<boolean> {
    if (this.#adminPort === undefined) return false;
    try {
      const answer = await fetch(`http://127.0.0.1:${this.#adminPort}/readyz`, {
        signal: AbortSignal.timeout(2_000),
      });
      const text = await answer.text();
      this.#notReady = text;
      return answer.ok;
    } catch (error) {
      this.#notReady = (error as Error).message;
      return false;
    }
  }

  #line(line: string): void {
    this.#lastLines.push(readable(line));
    if (this.#lastLines.length > keptLines) this.#lastLines.shift();
    this.#options.log(this.name, readable(line));
  }

  #startAgain(child: ChildProcess, ranMs: number): void {
    const how = child.signalCode ? `was killed by ${child.signalCode}` : `ended with code ${child.exitCode}`;
    const delay = this.#backOff.next(ranMs);
    if (!this.#everReady && this.#backOff.failures >= hopeless) {
      const lines = this.#lastLines.join('\n');
      this.#firstReady.reject(
        new StartError(`${this.name} did not start: it ${how} ${hopeless} times.\n${lines}`),
      );
      return;
    }
    this.#options.log(this.name, `${how}; starting it again in ${delay} ms`);
    this.#restart = setTimeout(() => {
      this.#restarts += 1;
      this.start();
    }, delay);
  }
}

function killGroup(child: ChildProcess): void {
  try {
    process.kill(-(child.pid as number), 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}
