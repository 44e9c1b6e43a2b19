import { randomUUID } from 'node:crypto';
import { type Bus, connectBus } from '@bellwether/bus';
import {
  CONTROL_JOURNAL,
  type CommandReply,
  type CommandRequest,
  LogStreams,
  ManualClock,
  measurementJournal,
  type PointColumns,
  type SloStatus,
  Subjects,
  sloDefinition,
} from '@bellwether/contracts';
import { EventLog, type RecordedEvent } from '@bellwether/event-log';
import { createLogger, loadConfig, type RunningService, runService } from '@bellwether/service';
import {
  createDatabase,
  startNats,
  type TestDatabase,
  type TestNats,
  eventually as within,
} from '@bellwether/testing';
import { Registry as MetricsRegistry } from 'prom-client';
import { dumpRecomputed, dumpStored } from '../buckets/recompute.js';
import { evaluatorConfig } from '../config.js';
import { Evaluator, type EvaluatorOptions } from '../evaluator.js';
import { buildEvaluatorService, SERVICE } from '../evaluator-service.js';
import { Registry } from '../registry/registry.js';
import { SeriesStore } from '../store/series-store.js';

export const MINUTE = 60_000;
export const DAY = 1440 * MINUTE;

/** Repeats an assertion until it passes, as long as a busy machine may take. */
export const eventually = <T>(assertion: () => Promise<T> | T): Promise<T> =>
  within(assertion, { timeoutMs: 60_000 });

/** An SLO over `checkout/availability`, with differences. */
export const sloBody = (overrides: object = {}) => ({
  name: 'checkout-availability',
  service: 'checkout',
  sli: 'availability',
  objective: 0.999,
  indicator: { kind: 'ratio' },
  budgeting: { method: 'occurrences' },
  window: { rolling: '30d' },
  ...overrides,
});

/** The evaluator on a real Postgres and a real NATS, with a clock that is moved by hand. */
export class Rehearsal {
  readonly clock = new ManualClock('2026-11-22T10:00:00.000Z');
  readonly logger = createLogger({ BELLWETHER_LOG_LEVEL: 'error', name: 'evaluator' });
  readonly #services: RunningService[] = [];
  readonly #instances: Evaluator[] = [];
  readonly #logs: EventLog[] = [];

  private constructor(
    readonly database: TestDatabase,
    readonly nats: TestNats,
    readonly log: EventLog,
    readonly bus: Bus,
  ) {}

  /** @param on a database with a log; one on the run's server when absent */
  static async start(on?: TestDatabase): Promise<Rehearsal> {
    const [database, nats] = await Promise.all([on ?? createDatabase({ migrate: true }), startNats()]);
    const bus = await connectBus({ servers: nats.url, name: 'rehearsal' });
    const clock = new ManualClock();
    const log = EventLog.open({
      connectionString: database.url,
      clock,
      onAppended: (journal, position) => bus.nudge(journal, position),
    });
    const rehearsal = new Rehearsal(database, nats, log, bus);
    clock.now = () => rehearsal.clock.now();
    return rehearsal;
  }

  /** The whole service, with its commands. */
  async startService(): Promise<RunningService> {
    const config = loadConfig(evaluatorConfig, {
      DATABASE_URL: this.database.url,
      NATS_URL: this.nats.url,
      BELLWETHER_CLOCK_FILE: 'by-hand', // the log stamps with the clock of the stage, too
      BELLWETHER_LOG_LEVEL: 'error',
    });
    const service = await runService({
      name: SERVICE,
      config,
      build: (context) => buildEvaluatorService({ ...context, clock: this.clock }),
    });
    this.#services.push(service);
    await service.becameReady;
    return service;
  }

  /** An instance of the evaluator by itself, whose leases expire by the manual clock too. */
  async startInstance(
    name: string,
    options: Partial<Pick<EvaluatorOptions, 'leaseTtlMs' | 'logger'>> = {},
  ): Promise<Evaluator> {
    const log = EventLog.open({
      connectionString: this.database.url,
      clock: this.clock,
      onAppended: (journal, position) => this.bus.nudge(journal, position),
    });
    this.#logs.push(log);
    const evaluator = new Evaluator({
      log,
      connectionString: this.database.url,
      bus: this.bus,
      instance: name,
      clock: this.clock,
      leaseClock: this.clock,
      logger: this.logger,
      metrics: new MetricsRegistry(),
      ...options,
    });
    this.#instances.push(evaluator);
    await evaluator.start();
    return evaluator;
  }

  /** Ends an instance as a crash would. */
  async kill(evaluator: Evaluator): Promise<void> {
    this.#instances.splice(this.#instances.indexOf(evaluator), 1);
    await evaluator.vanish();
  }

  async stopServices(): Promise<void> {
    await Promise.all(this.#services.splice(0).map((service) => service.stop()));
    await Promise.all(this.#instances.splice(0).map((evaluator) => evaluator.stop()));
    await Promise.all(this.#logs.splice(0).map((log) => log.close()));
  }

  async stop(): Promise<void> {
    await this.stopServices();
    await this.log.close();
    await this.bus.drain();
    await Promise.all([this.database.drop(), this.nats.stop()]);
  }

  async ask<T>(name: string, data: unknown, options: Partial<CommandRequest> = {}): Promise<CommandReply<T>> {
    const request: CommandRequest = {
      id: randomUUID(),
      actor: 'user:ada',
      role: 'admin',
      correlationId: randomUUID(),
      at: this.clock.now().toISOString(),
      data,
      ...options,
    };
    // What is tested here is what is answered, not how soon.
    return await this.bus.request<T>(Subjects.command(SERVICE, name), request, { timeoutMs: 60_000 });
  }

  /** A command that must be carried out. */
  async must<T>(name: string, data: unknown, options: Partial<CommandRequest> = {}) {
    const reply = await this.ask<T>(name, data, options);
    if (!reply.ok) throw new Error(JSON.stringify(reply.problem));
    return reply;
  }

  async status(slo = 'checkout-availability'): Promise<SloStatus> {
    return (await this.must<SloStatus>('slo-status', { slo })).data;
  }

  /** Defines an SLO through the log alone, as an instance of the evaluator has no commands by itself. */
  async define(overrides: object = {}): Promise<void> {
    const data = sloDefinition.parse(sloBody(overrides));
    await this.log.append({
      journal: CONTROL_JOURNAL,
      stream: LogStreams.slo(data.name),
      expectedVersion: 'any',
      events: [
        {
          type: 'slo.defined',
          data,
          occurredAt: this.clock.now(),
          meta: { correlationId: 'test', causationId: null, actor: 'user:ada', source: '/test' },
        },
      ],
    });
  }

  /** Records counts of `checkout/availability`: `[millis, good, total]` each. Answers the event's place in the log. */
  async measure(
    points: readonly (readonly [at: number, good: number, total: number])[],
    options: { service?: string; sli?: string } = {},
  ): Promise<{ id: string; position: number; journal: string }> {
    return await this.record(
      [
        {
          kind: 'counts',
          at: points.map(([at]) => at),
          good: points.map(([, good]) => good),
          total: points.map(([, , total]) => total),
        },
      ],
      options,
    );
  }

  async record(
    columns: PointColumns[],
    { service = 'checkout', sli = 'availability' }: { service?: string; sli?: string } = {},
  ): Promise<{ id: string; position: number; journal: string }> {
    const journal = measurementJournal(service, sli);
    const identity = randomUUID();
    const points = columns.reduce((sum, { at }) => sum + at.length, 0);
    const result = await this.log.append({
      journal,
      stream: LogStreams.measurement(service, sli),
      expectedVersion: 'any',
      events: [
        {
          type: 'measurement.recorded',
          data: { service, sli, identity, points, columns },
          occurredAt: this.clock.now(),
          meta: {
            correlationId: identity,
            causationId: null,
            actor: 'key:shop',
            source: '/bellwether/ingest',
          },
        },
      ],
    });
    const [event] = result.events;
    return { id: event?.id as string, position: event?.position as number, journal };
  }

  /** Clean history: a point a minute over the `millis` before now, in messages of 1,000 points. */
  async history(millis: number, good = 100, total = 100): Promise<void> {
    const now = this.clock.now().getTime();
    const points: [number, number, number][] = [];
    for (let at = now - millis; at < now; at += MINUTE) points.push([at, good, total]);
    for (let i = 0; i < points.length; i += 1000) await this.measure(points.slice(i, i + 1000));
  }

  /** What the evaluator appended about SLOs and SLIs, oldest first. */
  async transitions(): Promise<RecordedEvent[]> {
    const events = await this.log.readJournal(CONTROL_JOURNAL, { after: 0, limit: 10_000 });
    return events.filter((event) => /^(slo[.](alert|budget)|rule[.]alert)/.test(event.type));
  }

  /** The alerts of the log in short: `fired page fast 1`. */
  async alerts(): Promise<string[]> {
    return (await this.transitions())
      .filter((event) => event.type.startsWith('slo.alert'))
      .map(({ type, data }) => {
        const { severity, tier, n } = data as { severity: string; tier: string; n: number };
        return `${type.slice('slo.alert.'.length)} ${severity} ${tier} ${n}`;
      });
  }

  /** Resolves when the evaluator has read all measurements that are recorded, and its buckets are complete. */
  async settled(): Promise<void> {
    await eventually(async () => {
      const heads = await this.log.heads();
      const { rows } = await this.log.pool.query<{ partition: number; position: string }>(
        'select partition, position from evaluator.checkpoints',
      );
      for (const { partition, position } of rows) {
        const head = heads.get(`measurement-${String(partition).padStart(2, '0')}`) ?? 0;
        if (Number(position) < head) throw new Error(`partition ${partition} is at ${position} of ${head}`);
      }
      const building = await this.log.pool.query('select from evaluator.series where backfilled is not null');
      if (building.rowCount !== 0) throw new Error('buckets are still being made');
    });
  }

  /** The stored buckets, and the same made anew from the log. */
  async buckets(): Promise<{ stored: string; recomputed: string }> {
    const registry = new Registry({ log: this.log, logger: this.logger });
    return {
      stored: await text(dumpStored(new SeriesStore(this.log.pool))),
      recomputed: await text(dumpRecomputed(this.log, registry)),
    };
  }
}

async function text(lines: AsyncIterable<string>): Promise<string> {
  let all = '';
  for await (const line of lines) all += line;
  return all;
}
