import { setTimeout as sleep } from 'node:timers/promises';
import { subscribe } from '@bellwether/client';
import type {
  EventEnvelope,
  Page,
  PageAttempted,
  PageRequested,
  SloStatus,
  SystemState,
} from '@bellwether/contracts';
import { freePort, services } from '@bellwether/local';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { eventually } from '../eventually.js';
import { WebhookReceiver } from '../webhook-receiver.js';
import { buckets, query, recordedPoints, settled } from './derived-state.fixture.js';
import { Load } from './load.fixture.js';
import { acknowledge, dataOf, expectOneIntentEach } from './pages.fixture.js';
import { definePeople } from './people.fixture.js';
import { WholeSystem } from './system.fixture.js';

const TWINS = ['ingest', 'evaluator', 'incident', 'paging', 'relay'];
const SLIS = ['over-nats', 'over-http'];
/** What the system promises for partitions of an instance that is lost is ten seconds; twice that on a busy machine. */
const MOVED_WITHIN_MS = 20_000;
/** Longer than any acknowledgement is waited for (30 s). */
const HANG_MS = 32_000;

/** Two of each service share the work; one of them is killed, or hangs and comes back. */
describe('two of each service', () => {
  jest.setTimeout(180_000);
  let system: WholeSystem;
  let pager: WebhookReceiver;
  let loads: Load[];
  let witness: Awaited<ReturnType<typeof subscribe>>;
  const witnessed = new Set<number>();
  let notes = 0;

  beforeAll(async () => {
    const secondIngest = await freePort();
    pager = await WebhookReceiver.start();
    system = await WholeSystem.start({
      services: [
        ...services,
        ...services
          .filter(({ name }) => TWINS.includes(name))
          .map((service) => ({
            ...service,
            name: `${service.name}-2`,
            env: { BELLWETHER_INGEST_PORT: String(secondIngest) },
          })),
      ],
    });
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
    witness = await subscribe({
      servers: system.local.natsUrl('subscriber'),
      durable: 'witness',
      api: { url: system.local.apiUrl, token: system.local.token },
      from: 'beginning',
      onEvent: ({ position }) => void witnessed.add(position),
      onError: () => {},
    });
    loads = [
      await Load.overNats(system, 'shop', 'over-nats'),
      await Load.overHttp(system, 'shop', 'over-http', `http://127.0.0.1:${secondIngest}`),
    ];
  });
  afterAll(async () => {
    await witness?.stop();
    await system?.stop();
    await pager?.stop();
  });

  const pidOf = (name: string) => system.local.services().find((service) => service.name === name)?.pid;

  /** Process ids of the evaluators that hold partitions, with how many. */
  async function holders(): Promise<Map<number, number>> {
    const rows = await query<{ holder: string | null; partitions: number }>(
      system.local.databaseUrl,
      'select holder, count(*)::int as partitions from evaluator.leases group by holder',
    );
    // <host>/<process id>/<unique id>
    return new Map(rows.map(({ holder, partitions }) => [Number(holder?.split('/')[1]), partitions]));
  }

  const sharedByBoth = () =>
    eventually(
      async () =>
        expect(Object.fromEntries(await holders())).toEqual({
          [String(pidOf('evaluator'))]: 8,
          [String(pidOf('evaluator-2'))]: 8,
        }),
      { timeoutMs: 60_000 },
    );

  /** The relay that leads. */
  const leader = (): Promise<string> =>
    eventually(
      async () => {
        for (const { name, adminPort } of system.local.services()) {
          if (!name.startsWith('relay')) continue;
          const metrics = await fetch(`http://127.0.0.1:${adminPort}/metrics`).then((answer) =>
            answer.text(),
          );
          if (/^relay_leader(\{.*\})? 1$/m.test(metrics)) return name;
        }
        throw new Error('no relay leads');
      },
      { timeoutMs: 60_000 },
    );

  /** What is published from now on is counted, and what is appended from now on is heard of by subscribers. */
  async function expectProgress(): Promise<void> {
    const published = loads.map((load) => load.acknowledged.length);
    await eventually(
      async () => {
        for (const [i, { sli, acknowledged }] of loads.entries()) {
          expect(acknowledged.length).toBeGreaterThan((published[i] as number) + 50);
          const { total } = await system.get<SloStatus>(`/v1/slos/${sli}/status`);
          expect(total).toBeGreaterThan((published[i] as number) * 10);
        }
      },
      { timeoutMs: 60_000 },
    );
    // A command whose answer is lost is carried out once all the same: its key says that it is the same.
    const text = `note ${++notes}`;
    await system.keepPosting('/v1/incidents/INC-1/notes', { text }, text.replace(' ', '-'));
    const { head } = await eventually(() => system.get<SystemState>('/v1/system'), { timeoutMs: 60_000 });
    await eventually(() => expect(witnessed).toContain(head), { timeoutMs: 60_000 });
  }

  test('share the partitions, and the incident is there once', async () => {
    await sharedByBoth();
    await eventually(async () => expect(await system.all('/v1/incidents')).toHaveLength(1), {
      timeoutMs: 60_000,
    });
    await pager.received(1, 60_000);
    await expectProgress();
  });

  test('one of the evaluators is killed: its partitions move within ten seconds', async () => {
    const killed = pidOf('evaluator') as number;
    system.local.kill('evaluator', 'SIGKILL');
    await eventually(async () => expect([...(await holders()).keys()]).not.toContain(killed), {
      timeoutMs: MOVED_WITHIN_MS,
    });
    await sharedByBoth();
  });

  test.each(['ingest', 'incident', 'paging', 'relay'])(
    'one %s is killed: the other goes on',
    async (name) => {
      system.local.kill(name === 'relay' ? await leader() : name, 'SIGKILL');
      await expectProgress();
    },
  );

  test('one of each hangs for longer than anything is waited for: the other goes on, and it comes back', async () => {
    const hanging = ['ingest', 'evaluator', 'incident', 'paging', await leader()];
    const hung = pidOf('evaluator') as number;
    for (const name of hanging) system.local.kill(name, 'SIGSTOP');
    const since = performance.now();
    await eventually(async () => expect([...(await holders()).keys()]).not.toContain(hung), {
      timeoutMs: MOVED_WITHIN_MS,
    });
    await expectProgress();
    // A span of time is what is being tested.
    await sleep(Math.max(0, HANG_MS - (performance.now() - since)));
    await expectProgress();
    for (const name of hanging) system.local.kill(name, 'SIGCONT');
    await sharedByBoth();
    await expectProgress();
    await system.ready();
  });

  test('nothing happened twice, and nothing is missing', async () => {
    for (const load of loads) expect(load.acknowledged).toHaveLength(await load.stop());
    const arrived = await acknowledge(system, 'INC-1-P1');
    const head = await settled(system);
    const url = system.local.databaseUrl;
    for (const { sli, acknowledged, sums } of loads) {
      const recorded = await recordedPoints(url, `measurement:shop/${sli}`);
      expect(recorded.sort((a, b) => a - b)).toEqual(acknowledged.map(({ at }) => at).sort((a, b) => a - b));
      expect(await system.get<SloStatus>(`/v1/slos/${sli}/status`)).toMatchObject(sums);
    }
    expect(await buckets(url, 'dump')).toBe(await buckets(url, 'recompute'));
    const events = await system.all<EventEnvelope>('/v1/events?after=0');
    const ofType = <T>(type: string) => dataOf<T>(events, type);
    expect(ofType('incident.note-added')).toHaveLength(notes);
    const fired = ofType<{ slo: string }>('slo.alert.fired').map(({ slo }) => slo);
    expect(fired.sort()).toEqual([...SLIS].sort());
    expect(ofType('incident.declared')).toHaveLength(1);
    expect(await system.all<Page>('/v1/pages')).toHaveLength(1);
    expectOneIntentEach(ofType<PageRequested>('page.requested'), pager, arrived);
    const attempts = ofType<PageAttempted>('page.attempted').map(
      ({ idempotencyKey, attempt }) => `${idempotencyKey} ${attempt}`,
    );
    expect(new Set(attempts).size).toBe(attempts.length);
    await eventually(() => expect(witnessed.size).toBe(head), { timeoutMs: 60_000 });
    expect(await system.all('/v1/system/dead-letters')).toEqual([]);
  });
});
