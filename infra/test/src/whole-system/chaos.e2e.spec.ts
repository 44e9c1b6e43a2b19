import { setTimeout as sleep } from 'node:timers/promises';
import { subscribe } from '@bellwether/client';
import type {
  EventEnvelope,
  Incident,
  Page,
  PageRequested,
  SloStatus,
  SystemState,
  TimelineEntry,
} from '@bellwether/contracts';
import { EventLog } from '@bellwether/event-log';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { eventually } from '../eventually.js';
import { WebhookReceiver } from '../webhook-receiver.js';
import {
  buckets,
  damage,
  dumpReadModels,
  rebuildAll,
  recordedPoints,
  settled,
  unmoved,
} from './derived-state.fixture.js';
import { Load, randomFrom } from './load.fixture.js';
import { acknowledge, dataOf, expectOneIntentEach } from './pages.fixture.js';
import { definePeople } from './people.fixture.js';
import { WholeSystem } from './system.fixture.js';

const KILLS = 50;
const EVERY_MILLIS = 3_000;
const VICTIMS = ['ingest', 'evaluator', 'incident', 'paging', 'api', 'relay', 'nats', 'postgres'];
const SLIS = ['over-nats', 'over-http'];

/**
 * One running system under load; every process of it is killed with SIGKILL, in turn and at random. What was accepted
 * must be there once, and whatever is derived must be what the log says.
 */
describe(`${KILLS} kills under load`, () => {
  jest.setTimeout(180_000);
  let system: WholeSystem;
  let pager: WebhookReceiver;
  let loads: Load[];
  let events: EventEnvelope[];
  const notes: string[] = [];
  const witnessed: number[] = [];
  const seed = Number(process.env.BELLWETHER_CHAOS_SEED ?? Date.now() % 1_000_000);
  const kills = { first: 0, last: 0 };
  let arrived = 0;

  beforeAll(async () => {
    pager = await WebhookReceiver.start();
    system = await WholeSystem.start();
    // Steps of a minute: the page escalates while everything is falling over.
    await definePeople(system, 'shop', pager.url('/'), { timeoutMinutes: 1, repeat: 3 });
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
  });
  afterAll(async () => {
    await system?.stop();
    await pager?.stop();
  });

  const ofType = <T>(type: string) => dataOf<T>(events, type);

  /** Kills the next in turn, or any, that runs. */
  function killOne(turn: number, random: () => number): void {
    const start = turn % 2 === 0 ? turn / 2 : Math.floor(random() * VICTIMS.length);
    for (let i = 0; i < VICTIMS.length; i++) {
      if (system.local.kill(VICTIMS[(start + i) % VICTIMS.length] as string, 'SIGKILL')) return;
    }
    throw new Error('nothing runs at all');
  }

  /** A responder who writes a note to the incident each second, until told to stop. */
  async function takeNotes(stop: AbortSignal): Promise<void> {
    let incident: Incident | undefined;
    while (incident === undefined && !stop.aborted) {
      incident = await system
        .all<Incident>('/v1/incidents')
        .then(([first]) => first)
        .catch(() => undefined);
      await sleep(200);
    }
    for (let n = 1; incident !== undefined && !stop.aborted; n++) {
      const text = `note ${n}`;
      await system.keepPosting(`/v1/incidents/${incident.id}/notes`, { text }, text.replace(' ', '-'));
      notes.push(text);
      await sleep(1_000);
    }
  }

  test(`every process dies again and again (seed ${seed})`, async () => {
    const stop = new AbortController();
    loads = [
      await Load.overNats(system, 'shop', 'over-nats'),
      await Load.overHttp(system, 'shop', 'over-http'),
    ];
    const noting = takeNotes(stop.signal);
    const witness = await subscribe({
      servers: system.local.natsUrl('subscriber'),
      durable: 'witness',
      api: { url: system.local.apiUrl, token: system.local.token },
      from: 'beginning',
      onEvent: ({ position }) => void witnessed.push(position),
      onError: () => {},
    });
    const random = randomFrom(seed);
    for (let kill = 0; kill < KILLS; kill++) {
      // A rhythm, not a wait for something: the kills are what is being tested.
      await sleep(EVERY_MILLIS);
      killOne(kill, random);
      kills.last = Date.now();
      kills.first ||= kills.last;
    }
    stop.abort();
    for (const load of loads) expect(load.acknowledged).toHaveLength(await load.stop());
    await noting;
    await system.ready();
    // What a person does ends what would go on by itself.
    arrived = await acknowledge(system, 'INC-1-P1');
    const head = await settled(system);
    await eventually(() => expect(new Set(witnessed).size).toBe(head), { timeoutMs: 60_000 });
    await witness.stop();
    events = await system.all<EventEnvelope>('/v1/events?after=0');
    expect(events.map((event) => event.position)).toEqual(events.map((_, i) => i + 1));
  }, 400_000);

  test('every accepted measurement is in the log exactly once', async () => {
    for (const { sli, acknowledged } of loads) {
      const recorded = await recordedPoints(system.local.databaseUrl, `measurement:shop/${sli}`);
      expect(recorded.sort((a, b) => a - b)).toEqual(acknowledged.map(({ at }) => at).sort((a, b) => a - b));
    }
  });

  test('all of them are counted, and each SLO fired its alert once', async () => {
    for (const { sli, sums } of loads)
      expect(await system.get<SloStatus>(`/v1/slos/${sli}/status`)).toMatchObject(sums);
    expect(
      ofType<{ slo: string }>('slo.alert.fired')
        .map(({ slo }) => slo)
        .sort(),
    ).toEqual([...SLIS].sort());
    expect(ofType('slo.alert.resolved')).toEqual([]);
  });

  test('one incident, with both alerts and every note once', async () => {
    expect(ofType('incident.declared')).toHaveLength(1);
    const [incident, ...others] = await system.all<Incident>('/v1/incidents');
    expect(others).toEqual([]);
    expect(incident?.alerts.map(({ name }) => name).sort()).toEqual([...SLIS].sort());
    const timeline = await system.all<TimelineEntry>('/v1/incidents/INC-1/timeline');
    const noted = timeline.filter(({ kind, actor }) => kind === 'note' && !actor.startsWith('service:'));
    expect(noted.map(({ text }) => text)).toEqual(notes);
    expect(notes.length).toBeGreaterThan(0);
  });

  test('one page, requested in the midst of it: one intent for each step, delivered under its key', async () => {
    expect(await system.all<Page>('/v1/pages')).toEqual([
      expect.objectContaining({ id: 'INC-1-P1', status: 'acknowledged' }),
    ]);
    const times = events
      .filter((event) => event.type === 'bellwether.page.requested.v1')
      .map((event) => Date.parse(event.time));
    expect(times.filter((at) => at > kills.first && at < kills.last).length).toBeGreaterThanOrEqual(2);
    expectOneIntentEach(ofType<PageRequested>('page.requested'), pager, arrived);
  });

  test('a subscriber has heard of every event, in order', () => {
    const first = [...new Set(witnessed)];
    expect(first).toEqual(events.map(({ position }) => position));
  });

  test('every service is ready, and none has put anything aside', async () => {
    await system.ready();
    const { services } = await system.get<SystemState>('/v1/system');
    expect(services.map(({ name }) => name).sort()).toEqual(['evaluator', 'incident', 'ingest', 'paging']);
    for (const { name, ...state } of services)
      expect([name, state]).toEqual([name, { state: 'answering', deadLetters: 0 }]);
    expect(await system.all('/v1/system/dead-letters')).toEqual([]);
  });

  test('read models and buckets made anew from the log equal the live ones byte for byte', async () => {
    const url = system.local.databaseUrl;
    const live = await unmoved(system, async () => ({
      readModels: await dumpReadModels(url),
      buckets: await buckets(url, 'dump'),
    }));
    expect(live.buckets).toBe(await buckets(url, 'recompute'));
    expect(live.buckets.split('\n').length).toBeGreaterThan(SLIS.length);
    await rebuildAll(system);
    await settled(system);
    expect(await dumpReadModels(url)).toEqual(live.readModels);
    expect(await buckets(url, 'dump')).toBe(live.buckets);

    // The comparison can fail, and a rebuild is the way out.
    await damage(url);
    const damaged = await dumpReadModels(url);
    for (const [table, rows] of Object.entries(live.readModels))
      if (rows !== '') expect([table, damaged[table]]).not.toEqual([table, rows]);
    expect(await buckets(url, 'dump')).not.toBe(live.buckets);
    await rebuildAll(system);
    expect(await dumpReadModels(url)).toEqual(live.readModels);
    expect(await buckets(url, 'dump')).toBe(live.buckets);
  });

  test('the log verifies', async () => {
    const log = EventLog.open({ connectionString: system.local.databaseUrl });
    try {
      expect(await log.verify()).toMatchObject({ ok: true });
    } finally {
      await log.close();
    }
  });
});
