import { type MeasurementPublisher, publishOverHttp, publishOverNats } from '@bellwether/client';
import type { EventEnvelope, Incident, PageRequested } from '@bellwether/contracts';
import { EventLog } from '@bellwether/event-log';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '../eventually.js';
import { WebhookReceiver } from '../webhook-receiver.js';
import { dumpReadModel, query, recordedPoints } from './derived-state.fixture.js';
import { definePeople } from './people.fixture.js';
import { WholeSystem } from './system.fixture.js';

const KILLS = 50;
const EVERY_MILLIS = 3_000;
const VICTIMS = ['ingest', 'evaluator', 'incident', 'paging', 'api', 'relay', 'nats', 'postgres'];

/** A generator of the same numbers for the same seed, so that a run can be repeated. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/**
 * One running system under load; every process of it is killed with SIGKILL, in turn and at random. What was accepted
 * must be there once, and whatever is derived must be what the log says.
 */
describe(`${KILLS} kills under load`, () => {
  let system: WholeSystem;
  let pager: WebhookReceiver;
  const seed = Number(process.env.BELLWETHER_CHAOS_SEED ?? Date.now() % 1_000_000);
  const acknowledged = { nats: [] as number[], http: [] as number[] };
  const SLIS = { nats: 'over-nats', http: 'over-http' } as const;

  beforeAll(async () => {
    pager = await WebhookReceiver.start();
    system = await WholeSystem.start();
    await definePeople(system, 'shop', pager.url('/'));
    for (const sli of Object.values(SLIS)) {
      await system.put(`/v1/slos/${sli}`, {
        name: sli,
        service: 'shop',
        sli,
        objective: 0.99,
        indicator: { kind: 'ratio' },
        budgeting: { method: 'occurrences' },
        window: { rolling: '30d' },
        alerting: { windows: [{ severity: 'page', tier: 'fast', long: '10m', short: '2m', burn: 10 }] },
      });
    }
  }, 120_000);
  afterAll(async () => {
    await system?.stop();
    await pager?.stop();
  });

  /** Publishes points, each a message of its own and each at a millisecond of its own, until told to stop. */
  async function load(
    publisher: MeasurementPublisher,
    way: 'nats' | 'http',
    stop: AbortSignal,
  ): Promise<number> {
    let at = Date.now();
    let published = 0;
    const pending = new Set<Promise<void>>();
    for (let i = 0; !stop.aborted; i++) {
      const moment = Math.max(at + 1, Date.now());
      at = moment;
      // A third of everything fails from the fifth second on: an alert, an incident and a page while all is falling over.
      const point = { at: new Date(moment).toISOString(), good: i > 250 && i % 3 === 0 ? 0 : 10, total: 10 };
      const one = publisher.publish('shop', SLIS[way], point).then(() => void acknowledged[way].push(moment));
      pending.add(one);
      void one.finally(() => pending.delete(one)).catch(() => {});
      published++;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await Promise.all(pending);
    return published;
  }

  test(`every process dies again and again (seed ${seed})`, async () => {
    const stop = new AbortController();
    const overNats = await publishOverNats({
      servers: system.local.natsUrl(),
      acknowledge: 'log',
      batchPoints: 1,
      lingerMs: 0,
      receiptTimeoutMs: 3_000,
      retryMs: [50, 500],
    });
    const overHttp = publishOverHttp({
      url: system.local.ingestUrl,
      token: system.local.token,
      batchPoints: 1,
      lingerMs: 0,
      timeoutMs: 5_000,
      retryMs: [50, 500],
    });
    const loads = [load(overNats, 'nats', stop.signal), load(overHttp, 'http', stop.signal)];
    const random = randomFrom(seed);
    for (let kill = 0; kill < KILLS; kill++) {
      // A rhythm, not a wait for something: the kills are what is being tested.
      await new Promise((resolve) => setTimeout(resolve, EVERY_MILLIS));
      const victim = (
        kill % 2 === 0 ? VICTIMS[(kill / 2) % VICTIMS.length] : VICTIMS[Math.floor(random() * VICTIMS.length)]
      ) as string;
      system.local.kill(victim, 'SIGKILL');
    }
    stop.abort();
    const [natsPublished, httpPublished] = await Promise.all(loads);
    expect(acknowledged.nats).toHaveLength(natsPublished as number);
    expect(acknowledged.http).toHaveLength(httpPublished as number);
    await overNats.close();
    await overHttp.close();
  }, 400_000);

  test('every accepted measurement is in the log exactly once', async () => {
    for (const way of ['nats', 'http'] as const) {
      const recorded = await recordedPoints(system.local.databaseUrl, `measurement:shop/${SLIS[way]}`);
      expect(recorded.sort((a, b) => a - b)).toEqual(acknowledged[way].sort((a, b) => a - b));
    }
  });

  /** Waits until everything derived has come to the head of the log, and the head stands still. */
  async function settled(): Promise<void> {
    let head = -1;
    await eventually(
      async () => {
        const state = await system.get<{ head: number; projections: { position: number; name: string }[] }>(
          '/v1/system',
        );
        const before = head;
        head = state.head;
        expect(state.head).toBe(before);
        for (const projection of state.projections)
          expect([projection.name, projection.position]).toEqual([projection.name, state.head]);
      },
      { timeoutMs: 60_000 },
    );
  }

  test('one incident, and one intent for each step', async () => {
    await eventually(
      async () => {
        for (const sli of Object.values(SLIS))
          expect(await system.get(`/v1/slos/${sli}/status`)).toMatchObject({
            total: acknowledged[sli === 'over-nats' ? 'nats' : 'http'].length * 10,
          });
      },
      { timeoutMs: 60_000 },
    );
    await settled();
    expect(await system.all<Incident>('/v1/incidents')).toHaveLength(1);
    const events = await system.all<EventEnvelope>('/v1/events?after=0');
    expect(events.map((event) => event.position)).toEqual(events.map((_, i) => i + 1));
    const requested = events
      .filter((event) => event.type === 'bellwether.page.requested.v1')
      .map((event) => event.data as PageRequested);
    const steps = requested.map(
      ({ page, step, cycle, reason }) =>
        `${page}/${step}/${cycle}/${reason === 'timeout' || reason === 'declared' ? '' : reason}`,
    );
    expect(requested.length).toBeGreaterThan(0);
    expect(new Set(steps).size).toBe(steps.length);
    const intents = requested.flatMap((request) => request.intents.map((intent) => intent.idempotencyKey));
    expect(new Set(intents).size).toBe(intents.length);
    // At least once to each receiver, and never under a key that is not an intent's.
    const called = new Set(pager.requests.map((request) => request.headers['webhook-id']));
    for (const key of intents) expect(called).toContain(key);
    for (const key of called) expect(intents).toContain(key);
  }, 180_000);

  test('read models and buckets rebuilt from the log equal the live ones byte for byte', async () => {
    await settled();
    const { projections } = await system.get<{ projections: { name: string; version: number }[] }>(
      '/v1/system',
    );
    expect(projections.length).toBeGreaterThan(0);
    const live = await readModels();
    for (const { name } of projections) {
      await system.post(`/v1/system/projections/${name}/rebuild`);
      await eventually(
        async () => {
          const state = await system.get<{ projections: { name: string; building: unknown }[] }>(
            '/v1/system',
          );
          expect(state.projections.find((p) => p.name === name)?.building ?? null).toBeNull();
        },
        { timeoutMs: 60_000 },
      );
    }
    await settled();
    expect(await readModels()).toEqual(live);
  }, 180_000);

  /** The tables that the api reads, by projection. */
  async function readModels(): Promise<Record<string, Record<string, string>>> {
    const { projections } = await system.get<{ projections: { name: string }[] }>('/v1/system');
    const models: Record<string, Record<string, string>> = {};
    for (const { name } of projections) {
      const schemas = await query<{ schema: string }>(
        system.local.databaseUrl,
        `select schema_name as schema from information_schema.schemata where schema_name like $1 order by 1`,
        [`api\\_${name}\\_v%`],
      );
      expect(schemas.length).toBeGreaterThan(0);
      for (const { schema } of schemas)
        models[schema.replace(/_v\d+.*$/, '')] = await dumpReadModel(system.local.databaseUrl, schema);
    }
    return models;
  }

  test('the log verifies', async () => {
    const log = EventLog.open({ connectionString: system.local.databaseUrl });
    try {
      expect(await log.verify()).toMatchObject({ ok: true });
    } finally {
      await log.close();
    }
  }, 60_000);
});
