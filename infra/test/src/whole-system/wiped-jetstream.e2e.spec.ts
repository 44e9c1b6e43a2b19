import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { subscribe } from '@bellwether/client';
import type { EventEnvelope, Incident, Page, PageRequested, SloStatus } from '@bellwether/contracts';
import { EventLog } from '@bellwether/event-log';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { eventually } from '../eventually.js';
import { natsAddress } from '../nats-address.js';
import { temporaryFolder } from '../temporary-folder.js';
import { WebhookReceiver } from '../webhook-receiver.js';
import {
  buckets,
  dumpReadModels,
  rebuildAll,
  recordedPoints,
  settled,
  unmoved,
} from './derived-state.fixture.js';
import { Load } from './load.fixture.js';
import { acknowledge, dataOf, expectOneIntentEach } from './pages.fixture.js';
import { definePeople } from './people.fixture.js';
import { WholeSystem } from './system.fixture.js';

const SLIS = ['over-nats', 'over-http'];

/** JetStream's folder vanishes under a running system: nothing that was accepted may be missing afterwards. */
describe('JetStream is deleted under a running system and its load', () => {
  jest.setTimeout(180_000);
  const dataDir = path.join(temporaryFolder('wiped'), 'data');
  const store = path.join(dataDir, 'nats/jetstream');
  let system: WholeSystem;
  let pager: WebhookReceiver;
  let loads: Load[];
  let witness: Awaited<ReturnType<typeof subscribe>>;
  const witnessed: number[] = [];
  let events: EventEnvelope[];
  let arrived = 0;

  beforeAll(async () => {
    [pager, system] = await Promise.all([WebhookReceiver.start(), WholeSystem.start({ dataDir })]);
    await definePeople(system, 'shop', pager.url('/'));
    for (const sli of SLIS) {
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
    witness = await subscribe({
      servers: system.local.natsUrl('subscriber'),
      durable: 'witness',
      api: { url: system.local.apiUrl, token: system.local.token },
      from: 'beginning',
      onEvent: ({ position }) => void witnessed.push(position),
      onError: () => {},
    });
    // Well at first, and failing from the fifth second on.
    loads = [
      await Load.overNats(system, 'shop', 'over-nats'),
      await Load.overHttp(system, 'shop', 'over-http'),
    ];
    await moreAccepted(50);
  });
  afterAll(async () => {
    await witness?.stop();
    await system?.stop();
    await pager?.stop();
  });

  /** What a subscriber that is not of the system sees. */
  async function asSubscriber<T>(look: (nc: NatsConnection) => Promise<T>): Promise<T> {
    const nc = await connect(natsAddress(system.local.natsUrl('subscriber')));
    try {
      return await look(nc);
    } finally {
      await nc.close();
    }
  }

  /** A server has another id each time that it starts. */
  const serverId = () => asSubscriber(async (nc) => nc.info?.server_id);

  /** Waits until so many more measurements of each load were accepted, and until they are counted. */
  async function moreAccepted(count: number): Promise<void> {
    const accepted = loads.map(({ acknowledged }) => acknowledged.length + count);
    await eventually(
      async () => {
        for (const [i, { sli, acknowledged }] of loads.entries()) {
          expect(acknowledged.length).toBeGreaterThanOrEqual(accepted[i] as number);
          const { total } = await system.get<SloStatus>(`/v1/slos/${sli}/status`);
          expect(total).toBeGreaterThanOrEqual(10 * (accepted[i] as number));
        }
      },
      { timeoutMs: 90_000 },
    );
  }

  /** An event is appended, and the outside subscriber hears of it. */
  async function heardOf(note: string): Promise<void> {
    const { headers } = await system.request('POST', '/v1/incidents/INC-1/notes', { text: note });
    expect(headers.get('etag')).not.toBeNull();
    const heard = await eventually(
      async () => {
        const found = (await system.all<EventEnvelope>('/v1/events?after=0&type=incident.note-added')).find(
          ({ data }) => (data as { text: string }).text === note,
        );
        expect(found).toBeDefined();
        return found as EventEnvelope;
      },
      { timeoutMs: 60_000 },
    );
    await eventually(() => expect(witnessed).toContain(heard.position), { timeoutMs: 90_000 });
  }

  /** Positions of the events that a subscriber finds in stream EVENTS, from its beginning. */
  const copied = () =>
    asSubscriber(async (nc) => {
      const { consumers } = (await jetstreamManager(nc)).jetstream();
      const consumer = await consumers.get('EVENTS');
      const positions: number[] = [];
      for await (const message of await consumer.fetch({ max_messages: 1_000, expires: 1_000 })) {
        positions.push((message.json() as EventEnvelope).position);
        if (message.info.pending === 0) break;
      }
      return positions;
    });

  /** The copy has the whole log again, and who listened all the time has heard of all of it in order. */
  const copyIsComplete = () =>
    eventually(
      async () => {
        const { length } = await system.all<EventEnvelope>('/v1/events?after=0');
        const whole = Array.from({ length }, (_, i) => i + 1);
        expect(await copied()).toEqual(whole);
        expect([...new Set(witnessed)]).toEqual(whole);
      },
      { timeoutMs: 90_000 },
    );

  test('the folder goes while the server runs: what is accepted goes on to be counted, and to page', async () => {
    const before = await serverId();
    expect(existsSync(store)).toBe(true);
    rmSync(store, { recursive: true, force: true });
    await moreAccepted(300);
    const [incident, ...others] = await eventually(
      async () => {
        const found = await system.all<Incident>('/v1/incidents');
        expect(found[0]?.alerts.map(({ name }) => name).sort()).toEqual([...SLIS].sort());
        return found;
      },
      { timeoutMs: 90_000 },
    );
    expect([incident?.id, others]).toEqual(['INC-1', []]);
    await pager.received(1, 60_000);
    await heardOf('after the folder went');
    await copyIsComplete();
    // It was made anew under the server, which nobody restarted.
    expect(await serverId()).toBe(before);
    expect(existsSync(store)).toBe(true);
  });

  test('it goes again, with the server: both come back', async () => {
    const before = await serverId();
    system.local.kill('nats', 'SIGKILL');
    rmSync(store, { recursive: true, force: true });
    await moreAccepted(100);
    await heardOf('after the server went');
    await copyIsComplete();
    expect(await serverId()).not.toBe(before);
  });

  test('every accepted measurement is in the log exactly once, and counted', async () => {
    for (const load of loads) expect(load.acknowledged).toHaveLength(await load.stop());
    arrived = await acknowledge(system, 'INC-1-P1');
    await system.post('/v1/incidents/INC-1/status', { status: 'resolved', note: 'over' });
    await settled(system);
    for (const { sli, acknowledged, sums } of loads) {
      const recorded = await recordedPoints(system.local.databaseUrl, `measurement:shop/${sli}`);
      expect(recorded.sort((a, b) => a - b)).toEqual(acknowledged.map(({ at }) => at).sort((a, b) => a - b));
      expect(await system.get<SloStatus>(`/v1/slos/${sli}/status`)).toMatchObject(sums);
    }
  });

  test('each alert fired once; one incident, one page, one intent for each step', async () => {
    // The notice to who was paged is the last that happens.
    await eventually(
      () =>
        expect(
          pager.requests.filter(({ json }) => (json as { type: string }).type === 'page.resolved'),
        ).not.toEqual([]),
      { timeoutMs: 60_000 },
    );
    await settled(system);
    events = await system.all<EventEnvelope>('/v1/events?after=0');
    const fired = dataOf<{ slo: string }>(events, 'slo.alert.fired').map(({ slo }) => slo);
    expect(fired.sort()).toEqual([...SLIS].sort());
    expect(dataOf(events, 'incident.declared')).toHaveLength(1);
    expect(await system.all<Incident>('/v1/incidents')).toEqual([
      expect.objectContaining({ id: 'INC-1', status: 'resolved' }),
    ]);
    expect(await system.all<Page>('/v1/pages')).toEqual([
      expect.objectContaining({ id: 'INC-1-P1', status: 'cancelled' }),
    ]);
    expectOneIntentEach(dataOf<PageRequested>(events, 'page.requested'), pager, arrived);
    expect(await system.all('/v1/system/dead-letters')).toEqual([]);
  });

  test('the copy is complete, and a subscriber has heard of every event in order', copyIsComplete);

  test('read models and buckets are what the log says, and the log verifies', async () => {
    const url = system.local.databaseUrl;
    const live = await unmoved(system, async () => ({
      readModels: await dumpReadModels(url),
      buckets: await buckets(url, 'dump'),
    }));
    expect(live.buckets).toBe(await buckets(url, 'recompute'));
    await rebuildAll(system);
    await settled(system);
    expect(await dumpReadModels(url)).toEqual(live.readModels);
    expect(await buckets(url, 'dump')).toBe(live.buckets);
    const log = EventLog.open({ connectionString: url });
    try {
      expect(await log.verify()).toMatchObject({ ok: true });
    } finally {
      await log.close();
    }
  });
});
