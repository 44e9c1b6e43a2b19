import { DataFolder, newPassword, newSecretKey, newToken } from './data-folder.js';
import { ensureDatabase, migrateLog } from './database.js';
import { Guard } from './guard.js';
import { KeptServer } from './kept-server.js';
import { natsAccess } from './nats-access.js';
import { NatsServer } from './nats-server.js';
import { requireNats } from './own-nats.js';
import { requireFreePorts } from './port-check.js';
import { freePort } from './ports.js';
import { reachableBinaries } from './postgres-binaries.js';
import { postgresPlace } from './postgres-folder.js';
import { PostgresServer } from './postgres-server.js';
import { identify } from './process-identity.js';
import { RunLock } from './run-lock.js';
import { ServiceProcess, type ServiceState } from './service-process.js';
import type { ServiceDefinition } from './services.js';
import type { Ports, Settings } from './settings.js';
import { StartError } from './start-error.js';

export interface SupervisorOptions {
  settings: Settings;
  services: readonly ServiceDefinition[];
  /** Environment that the services get beside what is made here. */
  env: NodeJS.ProcessEnv;
  /** Takes every line: of the services, and the supervisor's own (source `bellwether`). */
  log: (source: string, line: string) => void;
  /** Told what makes it impossible to go on: whoever started the run is to stop it. */
  onFailure: (error: StartError) => void;
  /** How long services may take to be ready. Default 60 s. */
  readyTimeoutMs?: number;
}

/** The start was given up because `stop` was called meanwhile. */
export class StartAborted extends Error {
  override name = 'StartAborted';
}

const database = 'bellwether';
const drainMs = 10_000;
const guardDied =
  'the guard process has died, which starts Postgres and NATS and would end everything if this process were killed. ' +
  'Start again.';

/** Starts, watches and stops everything that a local run consists of. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #guard = new Guard();
  #lock: RunLock | null = null;
  #ports: Ports;
  #postgres: KeptServer<PostgresServer> | null = null;
  #nats: KeptServer<NatsServer> | null = null;
  #services: ServiceProcess[] = [];
  #token = '';
  #databaseUrl = '';
  #stopping: Promise<void> | null = null;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#ports = { ...options.settings.ports };
    this.#guard.onLost(() => options.onFailure(new StartError(guardDied)));
  }

  get apiUrl(): string {
    return `http://127.0.0.1:${this.#ports.api}`;
  }

  get ingestUrl(): string {
    return `http://127.0.0.1:${this.#ports.ingest}`;
  }

  /** NATS as a publisher or a subscriber reaches it; without them, without credentials. */
  natsUrl(user?: 'publisher' | 'subscriber'): string {
    const credentials = user ? `${user}:${encodeURIComponent(this.#token)}@` : '';
    return this.#options.settings.natsUrl ?? `nats://${credentials}127.0.0.1:${this.#ports.nats}`;
  }

  /** Connection string with password: not for logs. */
  get databaseUrl(): string {
    return this.#databaseUrl;
  }

  get token(): string {
    return this.#token;
  }

  get states(): ServiceState[] {
    return this.#services.map((service) => service.state);
  }

  /** Resolves when everything is ready. Whatever goes wrong, `stop` clears away what had been started. */
  async start(): Promise<void> {
    const { settings } = this.#options;
    const folder = DataFolder.open(settings.dataDir);
    for (const [name, port] of Object.entries(this.#ports) as [keyof Ports, number][]) {
      if (port === 0) this.#ports[name] = await freePort();
    }
    const urls = { apiUrl: this.apiUrl, ingestUrl: this.ingestUrl, natsUrl: this.natsUrl() };
    const { lock, afterCrash } = await RunLock.take(folder, urls);
    this.#lock = lock;
    this.#proceed();
    lock.update({ guard: identify(this.#guard.pid) });

    const token = this.#readToken(folder);
    const secretKey = settings.secretKey ?? folder.secret('secret-key', newSecretKey);
    const { api, ingest, nats, postgres } = this.#ports;
    const postgresServer = settings.databaseUrl ? null : this.#embeddedPostgres(folder);
    const { natsServer, natsUrl } = this.#natsFor(folder, token);
    // Servers that outlived a killed run hold their ports, and are stopped by these very starts.
    if (natsServer) await natsServer.server.clearOrphan();
    if (postgresServer) await postgresServer.server.clearOrphan();
    // All that are taken are named at once.
    await requireFreePorts(
      { api, ingest, ...(natsServer ? { nats } : {}), ...(postgresServer ? { postgres } : {}) },
      afterCrash ? 10_000 : 0,
    );
    this.#proceed();

    await allSettledOrThrow([
      this.#startDatabase(postgresServer),
      natsServer?.start() ?? requireNats(natsUrl),
    ]);
    this.#proceed();
    this.#startServices({
      ...(postgresServer ? { BELLWETHER_ARCHIVE_DIR: folder.file('archive') } : {}),
      ...inherited(this.#options.env),
      DATABASE_URL: this.#databaseUrl,
      NATS_URL: natsUrl,
      BELLWETHER_TOKEN: token,
      BELLWETHER_SECRET_KEY: secretKey,
      BELLWETHER_API_PORT: String(api),
      BELLWETHER_INGEST_PORT: String(ingest),
      BELLWETHER_ADMIN_PORT: '0',
      BELLWETHER_PUBLIC_URL: this.#options.env.BELLWETHER_PUBLIC_URL ?? this.apiUrl,
    });
    const readyTimeoutMs = this.#options.readyTimeoutMs ?? 60_000;
    await Promise.all(this.#services.map((service) => service.whenReady(readyTimeoutMs)));
    this.#proceed();
    folder.noteStarted();
  }

  /**
   * Sends a signal to a service, `postgres` or `nats`; it is then started again as after any other end.
   * @returns whether it was running
   */
  kill(name: string, signal: NodeJS.Signals): boolean {
    const service = this.#services.find((candidate) => candidate.name === name);
    if (service) return service.kill(signal);
    const server = name === 'postgres' ? this.#postgres : name === 'nats' ? this.#nats : null;
    if (!server) throw new Error(`there is no ${name} in this run`);
    const { pid } = server.server;
    if (pid === undefined) return false;
    process.kill(pid, signal);
    return true;
  }

  /** Stops everything, in order: what takes work in, what works, the relay, NATS, Postgres. May be called any time. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  async #stopAll(): Promise<void> {
    const order = new Map(this.#options.services.map(({ name, stopOrder }) => [name, stopOrder]));
    for (const turn of [...new Set(order.values())].sort((a, b) => a - b)) {
      const now = this.#services.filter(({ name }) => order.get(name) === turn);
      await Promise.all(now.map((service) => service.stop(drainMs)));
    }
    await this.#nats?.stop();
    await this.#postgres?.stop();
    await this.#guard.close();
    this.#lock?.release();
  }

  #proceed(): void {
    if (this.#stopping) throw new StartAborted('stopped while starting');
  }

  #readToken(folder: DataFolder): string {
    const { token } = this.#options.settings;
    if (token !== undefined) {
      this.#token = token;
      return token;
    }
    const value = folder.secret('token', newToken);
    // Until a start has succeeded: who had to mend something first has not kept what the failed one said.
    if (!folder.hasStarted) {
      const file = folder.file('token');
      this.#options.log('bellwether', `admin token: ${value}`);
      this.#options.log(
        'bellwether',
        `it is not shown again once a start has succeeded; to see it: cat ${file}`,
      );
    }
    this.#token = value;
    return value;
  }

  #embeddedPostgres(folder: DataFolder): KeptServer<PostgresServer> {
    const { stateDir } = this.#options.settings;
    const place = postgresPlace(folder, stateDir);
    const server = new PostgresServer({
      guard: this.#guard,
      binaries: reachableBinaries(place.user, stateDir),
      folder: place.folder,
      user: place.user,
      port: this.#ports.postgres,
      password: folder.secret('postgres-password', newPassword),
      settings: { max_connections: '200', shared_buffers: '128MB', log_min_messages: 'warning' },
    });
    this.#postgres = new KeptServer('postgres', server, this.#options.log);
    return this.#postgres;
  }

  #natsFor(
    folder: DataFolder,
    token: string,
  ): { natsServer: KeptServer<NatsServer> | null; natsUrl: string } {
    const { natsUrl } = this.#options.settings;
    if (natsUrl) return { natsServer: null, natsUrl };
    const password = folder.secret('nats-password', newPassword);
    const server = new NatsServer({
      guard: this.#guard,
      folder: folder.file('nats'),
      port: this.#ports.nats,
      storeDir: folder.file('nats', 'jetstream'),
      config: natsAccess({ services: password, clients: token }),
    });
    this.#nats = new KeptServer('nats', server, this.#options.log);
    return { natsServer: this.#nats, natsUrl: `nats://services:${password}@127.0.0.1:${this.#ports.nats}` };
  }

  async #startDatabase(postgres: KeptServer<PostgresServer> | null): Promise<void> {
    this.#databaseUrl = this.#options.settings.databaseUrl ?? postgres?.server.url(database) ?? '';
    if (postgres) {
      await postgres.start();
      await ensureDatabase(postgres.server.url(), database);
      const withoutPassword = new URL(this.#databaseUrl);
      withoutPassword.password = '';
      this.#lock?.update({ databaseUrl: withoutPassword.toString() });
    }
    await migrateLog(this.#databaseUrl);
  }

  #startServices(env: Record<string, string>): void {
    const pids: Record<string, NonNullable<ReturnType<typeof identify>>> = {};
    this.#services = this.#options.services.map(
      (definition) =>
        new ServiceProcess({
          definition,
          env,
          guard: this.#guard,
          log: this.#options.log,
          onStarted: (name, pid) => {
            const identity = identify(pid);
            if (identity) pids[name] = identity;
            this.#lock?.update({ services: pids });
          },
        }),
    );
    for (const service of this.#services) service.start();
  }
}

/**
 * What services get of the caller's environment: all but npm's own variables and Node's flags for this process. No
 * compile cache either: it is written when a process ends, a thousand files that Ctrl-C would wait seconds for.
 */
function inherited(env: NodeJS.ProcessEnv): Record<string, string> {
  const ours = Object.entries(env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined &&
      !/^npm_|^NODE_(OPTIONS|COMPILE_CACHE|CHANNEL_FD|CHANNEL_SERIALIZATION_MODE)$/.test(entry[0]),
  );
  return Object.fromEntries(ours);
}

/** Waits for all, so that nothing is still starting when the first failure is reported. */
async function allSettledOrThrow(work: Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}
