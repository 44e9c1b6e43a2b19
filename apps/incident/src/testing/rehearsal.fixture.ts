import { randomUUID } from 'node:crypto';
import { type Bus, connectBus } from '@bellwether/bus';
import {
  CONTROL_JOURNAL,
  type CommandReply,
  type CommandRequest,
  type EventData,
  type EventType,
  type Incident,
  LogStreams,
  ManualClock,
  Subjects,
} from '@bellwether/contracts';
import { EventLog, type RecordedEvent } from '@bellwether/event-log';
import { fold, type IncidentState, incidentEvent } from '@bellwether/incident';
import { loadConfig, type RunningService, runService } from '@bellwether/service';
import { createDatabase, eventually, startNats, type TestDatabase, type TestNats } from '@bellwether/testing';
import { incidentConfig } from '../config.js';
import { buildIncidentService, SERVICE } from '../incident-service.js';

type Alert = Partial<EventData<'slo.alert.fired'>>;

/** Instances of the incident service on a real Postgres and a real NATS, with a clock that is moved by hand. */
export class Rehearsal {
  readonly clock = new ManualClock('2026-11-22T10:00:00.000Z');
  readonly #services: RunningService[] = [];
  #alerts = 0;

  private constructor(
    readonly database: TestDatabase,
    readonly nats: TestNats,
    readonly log: EventLog,
    readonly bus: Bus,
  ) {}

  static async start(instances = 1, environment: Record<string, string> = {}): Promise<Rehearsal> {
    const [database, nats] = await Promise.all([createDatabase({ migrate: true }), startNats()]);
    const bus = await connectBus({ servers: nats.url, name: 'rehearsal' });
    const log = EventLog.open({
      connectionString: database.url,
      onAppended: (journal, position) => bus.nudge(journal, position),
    });
    const rehearsal = new Rehearsal(database, nats, log, bus);
    try {
      for (let i = 0; i < instances; i++) await rehearsal.startService(environment);
    } catch (error) {
      await rehearsal.stop();
      throw error;
    }
    return rehearsal;
  }

  async startService(environment: Record<string, string> = {}): Promise<RunningService> {
    const config = loadConfig(incidentConfig, {
      DATABASE_URL: this.database.url,
      NATS_URL: this.nats.url,
      BELLWETHER_LOG_LEVEL: 'error',
      ...environment,
    });
    const service = await runService({
      name: SERVICE,
      config,
      build: (context) => buildIncidentService({ ...context, clock: this.clock }),
    });
    this.#services.push(service);
    await service.becameReady;
    return service;
  }

  async stopServices(): Promise<void> {
    await Promise.all(this.#services.splice(0).map((service) => service.stop()));
  }

  async stop(): Promise<void> {
    await this.stopServices();
    await this.bus.drain();
    await this.log.close();
    await Promise.all([this.nats.stop(), this.database.drop()]);
  }

  /** Writes what another service would. @returns the event's id */
  async append<T extends EventType>(
    stream: string,
    type: T,
    data: EventData<T>,
    actor: string,
  ): Promise<string> {
    const { events } = await this.log.append({
      journal: CONTROL_JOURNAL,
      stream,
      expectedVersion: 'any',
      events: [
        {
          type,
          data,
          meta: { correlationId: randomUUID(), causationId: null, actor, source: '/bellwether/rehearsal' },
          occurredAt: this.clock.now(),
        },
      ],
    });
    return events[0]?.id as string;
  }

  /** A page alert of checkout's SLO fires now; the fault began four minutes ago. */
  alertFires(more: Alert = {}): Promise<string> {
    const { slo, service, ...rest } = transition(more, this.clock);
    const data = {
      ...rest,
      slo,
      service,
      n: ++this.#alerts,
      startedAt: new Date(this.clock.now().getTime() - 240_000).toISOString(),
      declare: more.declare === undefined ? ('sev2' as const) : more.declare,
      title: `${service} burns its budget`,
    };
    return this.append(LogStreams.slo(slo), 'slo.alert.fired', data, 'service:evaluator');
  }

  alertResolves(more: Alert = {}): Promise<string> {
    const data = {
      ...transition(more, this.clock),
      n: this.#alerts,
      firedAt: this.clock.now().toISOString(),
      reason: 'recovered' as const,
    };
    return this.append(LogStreams.slo(data.slo), 'slo.alert.resolved', data, 'service:evaluator');
  }

  acknowledges(by: string, incident = 'INC-1'): Promise<string> {
    const page = `${incident}-P1`;
    const data = {
      page,
      incident,
      by: `user:${by}`,
      via: 'link',
      at: this.clock.now().toISOString(),
    } as const;
    return this.append(LogStreams.page(page), 'page.acknowledged', data, `user:${by}`);
  }

  /** What the api would ask. */
  ask(name: string, data: object, over: Partial<CommandRequest> = {}): Promise<CommandReply<Incident>> {
    return this.bus.request<Incident>(Subjects.command(SERVICE, name), {
      id: `http:user:ada:${randomUUID()}`,
      actor: 'user:ada',
      role: 'responder',
      correlationId: randomUUID(),
      at: this.clock.now().toISOString(),
      data,
      ...over,
    });
  }

  /** As `ask`, for a command that is to succeed. */
  async does(name: string, data: object, over: Partial<CommandRequest> = {}): Promise<Incident> {
    const reply = await this.ask(name, data, over);
    if (!reply.ok) throw new Error(`${name} was refused: ${reply.problem.status} ${reply.problem.detail}`);
    return reply.data;
  }

  /** Resolves when every event is handled, those that the handling led to included. */
  async settled(): Promise<void> {
    await eventually(
      async () => {
        const { rows } = await this.log.pool.query('select position from incident.consumer_checkpoints');
        const { position } = await this.log.head(CONTROL_JOURNAL);
        if (Number(rows[0]?.position ?? 0) !== position)
          throw new Error(`at ${rows[0]?.position} of ${position}`);
      },
      { timeoutMs: 20_000 },
    );
  }

  events(): Promise<RecordedEvent[]> {
    return this.log.readJournal(CONTROL_JOURNAL, { after: 0, limit: 10_000 });
  }

  /** All incidents, from the log. */
  async incidents(): Promise<IncidentState[]> {
    const streams = Map.groupBy(
      (await this.events()).filter((event) => event.stream.startsWith('incident:')),
      (event) => event.stream,
    );
    return [...streams.values()].map((events) => fold(events.map(incidentEvent)) as IncidentState);
  }

  async incident(id = 'INC-1'): Promise<IncidentState> {
    const found = (await this.incidents()).find((incident) => incident.id === id);
    if (!found) throw new Error(`there is no ${id}`);
    return found;
  }

  /** Resolves when the incident is as told. */
  until(told: (incident: IncidentState) => boolean, id = 'INC-1'): Promise<void> {
    return eventually(async () => {
      const incident = await this.incident(id);
      if (!told(incident)) throw new Error(`${id} is ${JSON.stringify(incident)}`);
    });
  }

  /** The index tables, to compare one with another. */
  async index(): Promise<unknown> {
    const tables = ['incidents order by number', 'services order by name'];
    return await Promise.all(
      tables.map(async (table) => (await this.log.pool.query(`select * from incident.${table}`)).rows),
    );
  }
}

function transition(more: Alert, clock: ManualClock) {
  return {
    slo: more.slo ?? 'checkout-availability',
    service: more.service ?? 'checkout',
    ...(more.group && { group: more.group }),
    ...(more.runbookUrl && { runbookUrl: more.runbookUrl }),
    severity: more.severity ?? ('page' as const),
    tier: more.tier ?? 'fast',
    longWindow: '1h',
    shortWindow: '5m',
    longBurn: 20,
    shortBurn: 30,
    threshold: 14.4,
    budgetRemaining: 0.9,
    eventTime: clock.now().toISOString(),
    evidence: null,
  };
}
