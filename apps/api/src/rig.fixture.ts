import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { type Bus, connectBus } from '@bellwether/bus';
import { CONTROL_JOURNAL, type EventData, type EventType, ManualClock } from '@bellwether/contracts';
import { EventLog, migrate, type NewEvent, type RecordedEvent } from '@bellwether/event-log';
import { type RunningService, runService } from '@bellwether/service';
import { createDatabase, sourceWorker, startNats, type TestDatabase } from '@bellwether/testing';
import type { FastifyInstance } from 'fastify';
import { uuidv7 } from 'uuidv7';
import { type ApiSettings, buildApiService } from './api-service.js';
import { StandInServices } from './stand-in-services.fixture.js';

export const ADMIN = 'admin-token-of-the-tests';

const BACKTEST_WORKER = sourceWorker(path.join(import.meta.dirname, 'backtest/worker.ts'));

/** An answer, read. */
export interface Answered<T = unknown> {
  status: number;
  headers: Headers;
  body: T;
}

export interface AskOptions {
  token?: string | null;
  body?: unknown;
  headers?: Record<string, string>;
}

/** A database of the test's own server, or one of the run's. */
async function databaseOf(url: string | undefined): Promise<Pick<TestDatabase, 'url' | 'drop'>> {
  return url === undefined ? createDatabase({ migrate: true }) : { url, drop: async () => {} };
}

/** The api on a real Postgres and a real NATS, with stand-ins for its neighbours. */
export class Rig {
  private constructor(
    readonly api: RunningService,
    readonly log: EventLog,
    readonly bus: Bus,
    readonly services: StandInServices,
    readonly clock: ManualClock,
    private readonly ends: (() => Promise<unknown>)[],
    readonly secretKey: string,
    /** What the server was told to serve, past the health routes. */
    readonly routes: readonly { method: string; url: string }[],
    private readonly restartApi: () => Promise<RunningService>,
  ) {}

  static async start(
    settings: ApiSettings & { services?: boolean; databaseUrl?: string } = {},
  ): Promise<Rig> {
    const clock = new ManualClock('2026-11-22T10:00:00.000Z');
    const [database, nats] = await Promise.all([databaseOf(settings.databaseUrl), startNats()]);
    // A copied database has the log's tables, but not the grants on the database itself.
    await migrate(database.url);
    const bus = await connectBus({ servers: nats.url, name: 'stand-in' });
    await bus.reconcile();
    const log = EventLog.open({
      connectionString: database.url,
      clock,
      onAppended: (journal, position) => bus.nudge(journal, position),
    });
    const services = new StandInServices(bus, log, () => clock.now());
    if (settings.services ?? true) await services.start();
    const secretKey = randomBytes(32).toString('base64');
    const routes: { method: string; url: string }[] = [];
    const startApi = () =>
      runService({
        name: 'api',
        config: {
          DATABASE_URL: database.url,
          NATS_URL: nats.url,
          BELLWETHER_ADMIN_HOST: '127.0.0.1',
          BELLWETHER_ADMIN_PORT: 0,
          BELLWETHER_HTTP_HOST: '127.0.0.1',
          BELLWETHER_API_PORT: 0,
          BELLWETHER_INGEST_PORT: 8081,
          BELLWETHER_TOKEN: ADMIN,
          BELLWETHER_SECRET_KEY: secretKey,
          BELLWETHER_LOG_LEVEL: (process.env.RIG_LOG as 'silent' | undefined) ?? ('silent' as const),
        },
        build: async (context) => {
          const backtests = { worker: BACKTEST_WORKER, ...settings.backtests };
          const parts = await buildApiService({ ...context, clock }, { ...settings, backtests });
          const configure = parts.http?.configure;
          if (parts.http) {
            parts.http.configure = async (app) => {
              const server = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
              server.addHook('onRoute', ({ method, url }) => {
                for (const each of [method].flat()) routes.push({ method: each, url });
              });
              await configure?.(app);
            };
          }
          return parts;
        },
      });
    const api = await startApi();
    await api.becameReady;
    const ends = [
      () => services.stop(),
      () => log.close(),
      () => bus.drain(),
      () => nats.stop(),
      () => database.drop(),
    ];
    return new Rig(api, log, bus, services, clock, ends, secretKey, routes, startApi);
  }

  get url(): string {
    return `http://127.0.0.1:${this.api.httpPort}`;
  }

  /** A second instance of the api beside the first. */
  async another(): Promise<RunningService> {
    const api = await this.restartApi();
    await api.becameReady;
    return api;
  }

  async stop(): Promise<void> {
    await this.api.stop();
    for (const end of this.ends) await end();
  }

  async ask<T = Record<string, unknown>>(
    method: string,
    path: string,
    options: AskOptions = {},
  ): Promise<Answered<T>> {
    const { token = ADMIN, body, headers = {} } = options;
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = (response.headers.get('content-type') ?? '').includes('json');
    return {
      status: response.status,
      headers: response.headers,
      body: (isJson ? JSON.parse(text) : text) as T,
    };
  }

  get<T = Record<string, unknown>>(path: string, options?: AskOptions): Promise<Answered<T>> {
    return this.ask<T>('GET', path, options);
  }

  put<T = Record<string, unknown>>(path: string, body: unknown, options?: AskOptions): Promise<Answered<T>> {
    return this.ask<T>('PUT', path, { ...options, body });
  }

  post<T = Record<string, unknown>>(path: string, body: unknown, options?: AskOptions): Promise<Answered<T>> {
    return this.ask<T>('POST', path, { ...options, body });
  }

  /** A token of a role. */
  async token(role: 'viewer' | 'responder' | 'admin' | 'publisher', user?: string): Promise<string> {
    const { body } = await this.post<{ token: string }>('/v1/tokens', {
      name: `${role} of ${user ?? 'nobody'}`,
      role,
      ...(user ? { user } : {}),
    });
    return body.token;
  }

  /** Appends an event as some service would. */
  async append<T extends EventType>(
    stream: string,
    type: T,
    data: EventData<T>,
    options: {
      id?: string;
      journal?: string;
      causation?: string;
      correlation?: string;
      actor?: string;
      at?: Date;
    } = {},
  ): Promise<RecordedEvent> {
    const journal = options.journal ?? CONTROL_JOURNAL;
    const event: NewEvent = {
      id: options.id ?? uuidv7(),
      type,
      data,
      occurredAt: options.at ?? this.clock.now(),
      meta: {
        correlationId: options.correlation ?? 'story',
        causationId: options.causation ?? null,
        actor: options.actor ?? 'service:stand-in',
        source: '/bellwether/stand-in',
      },
    };
    const { lastPosition } = await this.log.append({
      journal,
      stream,
      expectedVersion: 'any',
      events: [event],
    });
    return (await this.log.readAt(journal, lastPosition)) as RecordedEvent;
  }
}
