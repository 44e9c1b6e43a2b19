import { randomBytes, randomUUID } from 'node:crypto';
import { type Bus, connectBus } from '@bellwether/bus';
import {
  CONTROL_JOURNAL,
  type CommandReply,
  type CommandRequest,
  type EventData,
  type EventType,
  LogStreams,
  ManualClock,
  type Page,
  type PageNotification,
  parseEventData,
  Subjects,
} from '@bellwether/contracts';
import { EventLog, type RecordedEvent } from '@bellwether/event-log';
import { pageView } from '@bellwether/oncall';
import { createLogger, loadConfig, type RunningService, runService } from '@bellwether/service';
import {
  createDatabase,
  eventually,
  type ReceivedRequest,
  startNats,
  type TestDatabase,
  type TestNats,
  WebhookReceiver,
} from '@bellwether/testing';
import { pagingConfig } from '../config.js';
import { loadPage } from '../page-stream.js';
import { buildPagingService, type PagingOptions, SERVICE } from '../paging-service.js';

export const minute = 60_000;
export const secretKey = randomBytes(32).toString('base64');
/** Of what other services wrote. */
export const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
export const webhookSecret = `whsec_${randomBytes(24).toString('base64')}`;

/** The paging service on a real Postgres and a real NATS, with a clock that is moved by hand. */
export class Rehearsal {
  readonly clock = new ManualClock('2026-11-22T10:00:00.000Z');
  readonly printed: string[] = [];
  /** Lines of the service's log. */
  readonly said: Record<string, unknown>[] = [];
  readonly #services: RunningService[] = [];
  readonly #receivers: WebhookReceiver[] = [];

  private constructor(
    readonly database: TestDatabase,
    readonly nats: TestNats,
    readonly log: EventLog,
    readonly bus: Bus,
  ) {}

  static async start(
    environment: Record<string, string> = {},
    options: PagingOptions = {},
  ): Promise<Rehearsal> {
    const rehearsal = await Rehearsal.withoutService();
    await rehearsal.startService(environment, options);
    return rehearsal;
  }

  static async withoutService(): Promise<Rehearsal> {
    const [database, nats] = await Promise.all([createDatabase({ migrate: true }), startNats()]);
    const bus = await connectBus({ servers: nats.url, name: 'rehearsal' });
    const log = EventLog.open({
      connectionString: database.url,
      onAppended: (journal, position) => bus.nudge(journal, position),
    });
    return new Rehearsal(database, nats, log, bus);
  }

  get environment(): Record<string, string> {
    return {
      DATABASE_URL: this.database.url,
      NATS_URL: this.nats.url,
      BELLWETHER_LOG_LEVEL: 'info',
      BELLWETHER_SECRET_KEY: secretKey,
      BELLWETHER_PUBLIC_URL: 'http://bellwether.test',
    };
  }

  async startService(
    environment: Record<string, string> = {},
    options: PagingOptions = {},
  ): Promise<RunningService> {
    const config = loadConfig(pagingConfig, { ...this.environment, ...environment });
    const logger = createLogger(
      { BELLWETHER_LOG_LEVEL: config.BELLWETHER_LOG_LEVEL },
      { write: (line) => void this.said.push(JSON.parse(line)) },
    );
    const service = await runService(
      {
        name: SERVICE,
        config,
        build: (context) =>
          buildPagingService(
            { ...context, clock: this.clock },
            { print: (line) => this.printed.push(line), ...options },
          ),
      },
      { logger },
    );
    this.#services.push(service);
    await service.becameReady;
    return service;
  }

  async stopServices(): Promise<void> {
    await Promise.all(this.#services.splice(0).map((service) => service.stop()));
  }

  async stop(): Promise<void> {
    await this.stopServices();
    await Promise.all(this.#receivers.map((receiver) => receiver.stop()));
    await this.bus.drain();
    await this.log.close();
    await Promise.all([this.nats.stop(), this.database.drop()]);
  }

  async receiver(): Promise<WebhookReceiver> {
    const receiver = await WebhookReceiver.start();
    this.#receivers.push(receiver);
    return receiver;
  }

  /** Writes what another service would. */
  async append<T extends EventType>(stream: string, type: T, data: EventData<T>): Promise<string> {
    const { events } = await this.log.append({
      journal: CONTROL_JOURNAL,
      stream,
      expectedVersion: 'any',
      events: [
        {
          type,
          data: parseEventData(type, data),
          meta: {
            correlationId: `story-${stream}`,
            causationId: null,
            actor: 'user:ada',
            source: '/bellwether/test',
            traceparent,
          },
          occurredAt: this.clock.now(),
        },
      ],
    });
    return events[0]?.id as string;
  }

  declare(incident: string, more: Partial<EventData<'incident.declared'>> = {}): Promise<string> {
    const now = this.clock.now().toISOString();
    return this.append(LogStreams.incident(incident), 'incident.declared', {
      incident,
      title: 'checkout burns its budget',
      severity: 'sev2',
      services: ['checkout'],
      startedAt: now,
      detectedAt: now,
      labels: {},
      ...more,
    });
  }

  resolve(incident: string): Promise<string> {
    return this.append(LogStreams.incident(incident), 'incident.resolved', {
      incident,
      at: this.clock.now().toISOString(),
      note: 'fixed',
      automatic: false,
    });
  }

  /** What the api would ask. */
  ask<T = unknown>(name: string, data: object, over: Partial<CommandRequest> = {}): Promise<CommandReply<T>> {
    return this.bus.request<T>(Subjects.command(SERVICE, name), {
      id: `http:user:ada:${randomUUID()}`,
      actor: 'user:ada',
      role: 'admin',
      correlationId: randomUUID(),
      at: this.clock.now().toISOString(),
      data,
      ...over,
    });
  }

  /** As `ask`, for a command that is to succeed. */
  async does<T = unknown>(name: string, data: object, over: Partial<CommandRequest> = {}): Promise<T> {
    const reply = await this.ask<T>(name, data, over);
    if (!reply.ok) throw new Error(`${name} was refused: ${reply.problem.status} ${reply.problem.detail}`);
    return reply.data;
  }

  /** As `ask`, for a command that is to be refused. @returns the status */
  async refused(name: string, data: object, over: Partial<CommandRequest> = {}): Promise<number> {
    const reply = await this.ask(name, data, over);
    if (reply.ok) throw new Error(`${name} was carried out`);
    return reply.problem.status;
  }

  /** A user who is paged at once, by a webhook, in whatever urgency. */
  user(name: string, address: string, more: object = {}): Promise<unknown> {
    return this.does('user-define', {
      name,
      contactMethods: [{ id: 'hook', kind: 'webhook', address, secret: webhookSecret, verified: true }],
      ...more,
    });
  }

  /** The installation's policy: each step pages these users. */
  policy(steps: { users: string[]; timeoutMinutes?: number }[], more: object = {}): Promise<unknown> {
    return this.does('policy-define', {
      name: 'default',
      steps: steps.map(({ users, timeoutMinutes = 5 }) => ({
        targets: users.map((name) => ({ kind: 'user', name })),
        timeoutMinutes,
      })),
      ...more,
    });
  }

  async page(id: string): Promise<Page> {
    const { state, version } = await loadPage(this.log, id);
    if (!state) throw new Error(`there is no ${id}`);
    return pageView(state, version);
  }

  /** Resolves with the page when it is as told. */
  until(id: string, told: (page: Page) => boolean): Promise<Page> {
    return eventually(
      async () => {
        const page = await this.page(id);
        if (!told(page)) throw new Error(`${id} is ${JSON.stringify(page)}`);
        return page;
      },
      { timeoutMs: 60_000 },
    );
  }

  events(): Promise<RecordedEvent[]> {
    return this.log.readJournal(CONTROL_JOURNAL, { after: 0, limit: 10_000 });
  }

  async typesOf(stream: string): Promise<string[]> {
    return (await this.log.readStream(stream)).map((event) => event.type);
  }

  /** Resolves when every event is handled, those that the handling led to included. */
  async settled(): Promise<void> {
    await eventually(
      async () => {
        const { rows } = await this.log.pool.query('select position from paging.consumer_checkpoints');
        const { position } = await this.log.head(CONTROL_JOURNAL);
        if (Number(rows[0]?.position ?? 0) !== position)
          throw new Error(`at ${rows[0]?.position} of ${position}`);
      },
      { timeoutMs: 20_000 },
    );
  }

  /** Resolves when the service has looked at what is due at this time and has done it. */
  async quiet(): Promise<void> {
    await this.settled();
    await eventually(
      async () => {
        const { rows } = await this.log.pool.query('select * from paging.due where due_at <= $1', [
          this.clock.now(),
        ]);
        if (rows.length > 0) throw new Error(`still due: ${JSON.stringify(rows)}`);
      },
      { timeoutMs: 20_000 },
    );
    await this.settled();
  }
}

/** The notification of a webhook's request. */
export function notificationOf(request: ReceivedRequest | undefined): PageNotification {
  return request?.json as PageNotification;
}
