import type { ServiceState } from './service-process.js';
import { serviceProblems } from './service-settings.js';
import { services as allServices, type ServiceDefinition } from './services.js';
import { type Ports, settingsFrom } from './settings.js';
import { Supervisor } from './supervisor.js';

export interface LocalOptions {
  /** Where it keeps its data. */
  dataDir: string;
  /** Ports on loopback; any free one where absent. */
  ports?: Partial<Ports>;
  /** Over `process.env`, for the settings and for the services. */
  env?: Record<string, string>;
  /** Instead of the system's own services. */
  services?: readonly ServiceDefinition[];
  /** Takes every line of output. Default: thrown away. */
  log?: (source: string, line: string) => void;
  readyTimeoutMs?: number;
}

/** A system that runs on this machine, as `npm start` runs it, in the hands of a program. */
export interface LocalSystem {
  readonly apiUrl: string;
  readonly ingestUrl: string;
  /** With the publisher's credentials; `natsUrl('subscriber')` for the subscriber's. */
  natsUrl(user?: 'publisher' | 'subscriber'): string;
  /** The log's database, as the superuser. */
  readonly databaseUrl: string;
  /** The admin token. */
  readonly token: string;
  /** The services, as they are now. */
  services(): ServiceState[];
  /** Sends a signal to a service, `postgres` or `nats`, which is then started again; false when it was not running. */
  kill(name: string, signal?: NodeJS.Signals): boolean;
  /** Stops everything in order; the data stay. */
  stop(): Promise<void>;
}

/** Starts the whole system and resolves when it is ready. Everything ends with the calling process, too. */
export async function startLocal(options: LocalOptions): Promise<LocalSystem> {
  const env = { ...process.env, ...options.env, BELLWETHER_DATA_DIR: options.dataDir };
  const services = options.services ?? allServices;
  const settings = settingsFrom(env, await serviceProblems(services, env));
  settings.ports = { api: 0, ingest: 0, nats: 0, postgres: 0, ...options.ports };
  const log = options.log ?? (() => {});
  const supervisor: Supervisor = new Supervisor({
    settings,
    env,
    services,
    log,
    onFailure: (error) => {
      log('bellwether', error.message);
      // A failure of the stop is the caller's to see, who stops it, too.
      supervisor.stop().catch(() => {});
    },
    ...(options.readyTimeoutMs === undefined ? {} : { readyTimeoutMs: options.readyTimeoutMs }),
  });
  try {
    await supervisor.start();
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
  return {
    apiUrl: supervisor.apiUrl,
    ingestUrl: supervisor.ingestUrl,
    natsUrl: (user = 'publisher') => supervisor.natsUrl(user),
    databaseUrl: supervisor.databaseUrl,
    token: supervisor.token,
    services: () => supervisor.states,
    kill: (name, signal = 'SIGKILL') => supervisor.kill(name, signal),
    stop: () => supervisor.stop(),
  };
}
