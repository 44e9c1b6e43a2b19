import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { within } from './deadline.js';
import type { Guard, GuardedProcess } from './guard.js';
import { logTail } from './log-tail.js';
import { stopOrphan } from './orphan.js';
import type { PostgresBinaries } from './postgres-binaries.js';
import type { UnprivilegedUser } from './unprivileged-user.js';

export interface PostgresOptions {
  guard: Guard;
  binaries: PostgresBinaries;
  /** Folder of this server alone: holds `data` and `postgres.log`. Made, and given to `user`, when missing. */
  folder: string;
  port: number;
  /** Who runs it; null is ourselves. */
  user: UnprivilegedUser | null;
  /** The superuser's password; absent: everybody on loopback is trusted (tests). */
  password?: string;
  /** Server parameters, as in postgresql.conf. */
  settings?: Record<string, string>;
  /** How long a start may take, crash recovery included. Default 60 s. */
  startTimeoutMs?: number;
}

const superuser = 'bellwether';
const recoveryMs = 60_000;

/** A PostgreSQL server of our own, on loopback, as a child of the guard. */
export class PostgresServer {
  #process: GuardedProcess | null = null;
  readonly #data: string;
  readonly #log: string;

  constructor(readonly options: PostgresOptions) {
    this.#data = path.join(options.folder, 'data');
    this.#log = path.join(options.folder, 'postgres.log');
  }

  get port(): number {
    return this.options.port;
  }

  get pid(): number | undefined {
    return this.#process?.exit ? undefined : this.#process?.pid;
  }

  /** Connection string of the superuser, to the named database. It holds the password: not for logs. */
  url(database = 'postgres'): string {
    const { port, password } = this.options;
    const secret = password === undefined ? '' : `:${encodeURIComponent(password)}`;
    return `postgresql://${superuser}${secret}@127.0.0.1:${port}/${database}`;
  }

  /** Makes the cluster if there is none, ends what a killed run left running, and starts. */
  async start(): Promise<void> {
    const { folder, user } = this.options;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (user) chownSync(folder, user.uid, user.gid);
    if (existsSync(this.#data)) await this.clearOrphan();
    else await this.#initialize();

    const deadline = performance.now() + recoveryMs;
    for (;;) {
      if (await this.#launch()) return;
      // Backends of a postmaster that was killed hold its shared memory for a moment.
      const tail = logTail(this.#log);
      const transient = /pre-existing shared memory block/.test(tail) && performance.now() < deadline;
      if (!transient) throw new Error(`PostgreSQL did not start:\n${tail}`);
      await within(200, () => false);
    }
  }

  /** Ends sessions and shuts down cleanly (a "fast" shutdown). */
  async stop(): Promise<void> {
    await this.#end('SIGINT');
  }

  /** As a crash of the machine's power would, for this process: SIGKILL. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Starts again on the same data and port. */
  async restart(): Promise<void> {
    await this.stop();
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
  }

  async #launch(): Promise<boolean> {
    const { guard, binaries, folder, port, user, settings } = this.options;
    const parameters = {
      port: String(port),
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      ...settings,
    };
    const running = await guard.spawn({
      file: path.join(binaries.folder, 'bin/postgres'),
      args: [
        '-D',
        this.#data,
        ...Object.entries(parameters).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ],
      cwd: folder,
      env: environment,
      log: this.#log,
      stopSignal: 'SIGINT',
      graceMs: 20_000,
      uid: user?.uid,
      gid: user?.gid,
    });
    this.#process = running;
    await within(
      this.options.startTimeoutMs ?? 60_000,
      () => running.exit !== null || this.#isReady(running.pid),
    );
    return running.exit === null && this.#isReady(running.pid);
  }

  /** The postmaster writes its state as the eighth line of its pid file; it is what pg_ctl waits for, too. */
  #isReady(pid: number): boolean {
    try {
      const lines = readFileSync(path.join(this.#data, 'postmaster.pid'), 'utf8').split('\n');
      return Number(lines[0]) === pid && lines[7]?.trim() === 'ready';
    } catch {
      return false;
    }
  }

  async clearOrphan(): Promise<void> {
    const file = path.join(this.#data, 'postmaster.pid');
    if (!existsSync(file)) return;
    const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
    await stopOrphan(pid, this.#data, 'SIGINT', 20_000);
    rmSync(file, { force: true });
  }

  /** A new cluster, made beside its place and renamed, so that one cut short is not taken for a whole one. */
  async #initialize(): Promise<void> {
    const { guard, binaries, folder, user, password } = this.options;
    const draft = path.join(folder, 'data.new');
    const secret = path.join(folder, 'password.new');
    rmSync(draft, { recursive: true, force: true });
    const authentication = ['--auth=trust'];
    if (password !== undefined) {
      writeFileSync(secret, password, { mode: 0o600 });
      chmodSync(secret, 0o600);
      if (user) chownSync(secret, user.uid, user.gid);
      authentication.splice(0, 1, '--auth=scram-sha-256', `--pwfile=${secret}`);
    }
    const { code } = await guard.run({
      file: path.join(binaries.folder, 'bin/initdb'),
      args: [
        `--pgdata=${draft}`,
        `--username=${superuser}`,
        ...authentication,
        '--encoding=UTF8',
        '--locale=C',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--data-checksums',
        '--no-instructions',
        ...(this.options.settings?.fsync === 'off' ? ['--no-sync'] : []),
      ],
      cwd: folder,
      env: environment,
      log: this.#log,
      uid: user?.uid,
      gid: user?.gid,
    });
    rmSync(secret, { force: true });
    if (code !== 0) throw new Error(`initdb failed:\n${logTail(this.#log)}`);
    renameSync(draft, this.#data);
  }
}

/** Nothing of the caller's environment: PGDATA, PGOPTIONS or LC_ALL of a developer would change the server. */
const environment = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };
