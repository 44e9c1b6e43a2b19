import {
  CONTROL_JOURNAL,
  LogStreams,
  type MeasurementRecorded,
  type SliSourceChanged,
  sli,
} from '@bellwether/contracts';
import { HEALTHY, type RunningService, startShopService } from '@bellwether/demo';
import { eventually, prometheus, startPrometheus, type TestPrometheus } from '@bellwether/testing';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { IngestStage } from '../ingest-stage.fixture.js';
import { type RunningIngest, startIngest } from '../running-ingest.fixture.js';

// A real Prometheus that scrapes the demo’s shop twice a second, and SLIs that are fetched from it every second.
jest.setTimeout(60_000);

const withPrometheus = prometheus === null ? test.skip : test;
const patient = { timeoutMs: 30_000 };

/** The payment service of the demo's shop, which counts its requests for Prometheus; and how many there were. */
class Shop {
  served = 0;
  failed = 0;
  #payment: RunningService | null = null;

  async start(): Promise<string> {
    this.#payment = await startShopService('payment', {}, { measure: () => {} });
    return new URL(this.#payment.url).host;
  }

  /** Has it answer requests, of which some fail. */
  async serve(requests: number, failures: number): Promise<void> {
    await this.#answer(requests - failures, 0, 200);
    await this.#answer(failures, 1, 503);
    this.served += requests;
    this.failed += failures;
  }

  async #answer(requests: number, failRate: number, status: number): Promise<void> {
    const fault = { ...HEALTHY, failRate };
    await fetch(`${this.#payment?.url}/fault`, { method: 'PUT', body: JSON.stringify(fault) });
    for (let left = requests; left > 0; left -= 20) {
      const some = Array.from({ length: Math.min(20, left) }, () =>
        fetch(`${this.#payment?.url}/payments`, { method: 'POST', body: '{}' }),
      );
      for (const response of await Promise.all(some)) {
        await response.arrayBuffer();
        expect(response.status).toBe(status);
      }
    }
  }

  async stop(): Promise<void> {
    await this.#payment?.stop();
  }
}

const settings = {
  // More than a look may take, with what the machine has to do besides.
  BELLWETHER_PROMETHEUS_DELAY: '3s',
  BELLWETHER_PROMETHEUS_LOOKBACK: '1m',
};
const shop = new Shop();
let scraper: TestPrometheus;
let stage: IngestStage;
beforeAll(async () => {
  if (prometheus === null) return;
  const target = await shop.start();
  [scraper, stage] = await Promise.all([startPrometheus([target]), IngestStage.start(settings)]);
  await eventually(async () => expect(await scraped()).toBe(true), patient);
});
afterAll(async () => {
  await stage?.stop();
  await scraper?.stop();
  await shop.stop();
});

/** Whether the shop has been looked at for the length of a period. */
async function scraped(): Promise<boolean> {
  const query = encodeURIComponent('http_requests_total offset 1s');
  const response = await fetch(`${scraper.url}/api/v1/query?query=${query}`);
  const { data } = (await response.json()) as { data: { result: unknown[] } };
  return data.result.length > 0;
}

/** What Prometheus says of a query at a time. */
async function valueAt(query: string, at: number): Promise<number> {
  const asked = new URLSearchParams({ query, time: String(at / 1000) });
  const { data } = (await (await fetch(`${scraper.url}/api/v1/query?${asked}`)).json()) as {
    data: { result: { value: [number, string] }[] };
  };
  return Number(data.result[0]?.value[1]);
}

/** How often Prometheus was asked for ranges, as it counts itself. */
async function asked(): Promise<number> {
  const text = await (await fetch(`${scraper.url}/metrics`)).text();
  const lines = text.matchAll(/^prometheus_http_requests_total\{.*"\/api\/v1\/query_range".*\} (\d+)$/gm);
  return [...lines].reduce((sum, [, count]) => sum + Number(count), 0);
}

/**
 * How much a counter has risen in a period: what rose between two looks is in exactly one of them. The last value counts
 * where a look failed, on a machine that is busy.
 */
const risen = (series: string) =>
  `sum(last_over_time(${series}[5m])) - sum(last_over_time(${series}[5m] offset {{.window}}))`;

async function define(name: string, queries: object, every = '1s'): Promise<void> {
  const data = sli.parse({
    service: 'shop',
    name,
    source: { prometheus: { url: scraper.url, ...queries }, every },
  });
  await stage.log.append({
    journal: CONTROL_JOURNAL,
    stream: LogStreams.sli('shop', name),
    expectedVersion: 'any',
    events: [
      {
        type: 'sli.defined',
        data,
        meta: { correlationId: 'test', causationId: null, actor: 'user:test', source: '/bellwether/test' },
        occurredAt: new Date(),
      },
    ],
  });
}

const countsOf = ({ columns }: MeasurementRecorded, of: 'good' | 'total'): number =>
  columns.flatMap((each) => (each.kind === 'counts' ? [...each[of]] : [])).reduce((a, b) => a + b, 0);

/** What the log has of an SLI: ends of its periods in order, and what they add up to. */
async function measured(name: string): Promise<{ ends: number[]; good: number; total: number }> {
  const events = await stage.log.readStream(LogStreams.measurement('shop', name));
  const all = events.map(({ data }) => data as MeasurementRecorded);
  const sum = (of: 'good' | 'total') => all.reduce((whole, each) => whole + countsOf(each, of), 0);
  const ends = all
    .map(({ identity }) => Date.parse(identity.split(' ').at(-1) as string))
    .sort((a, b) => a - b);
  return { ends, good: sum('good'), total: sum('total') };
}

async function expectNoGap(name: string): Promise<void> {
  const { ends } = await measured(name);
  expect(ends).toEqual(ends.map((_, i) => (ends[0] as number) + i * 1_000));
}

async function states(name: string): Promise<SliSourceChanged[]> {
  const events = await stage.log.readStream(LogStreams.source('shop', name));
  return events.map(({ data }) => data as SliSourceChanged);
}

const expectCounted = (name: string) =>
  eventually(async () => {
    const { good, total } = await measured(name);
    expect({ good, total }).toEqual({ good: shop.served - shop.failed, total: shop.served });
  }, patient);

withPrometheus('what is fetched is what the shop counted', async () => {
  await define('availability', {
    bad: risen('http_requests_total{code="503"}'),
    total: risen('http_requests_total'),
  });
  await eventually(
    async () => expect((await measured('availability')).ends.length).toBeGreaterThan(0),
    patient,
  );
  for (let i = 1; i <= 5; i++) await shop.serve(40 * i, i);
  await expectCounted('availability');
  await expectNoGap('availability');
  expect((await states('availability')).map(({ state, n }) => [state, n])).toEqual([['ok', 1]]);
});

withPrometheus(
  'while Prometheus is away the source is failing, and what was missed comes after that',
  async () => {
    await scraper.halt();
    const [, failing] = await eventually(async () => {
      const found = await states('availability');
      expect(found).toHaveLength(2);
      return found;
    }, patient);
    expect(failing).toMatchObject({
      state: 'failing',
      n: 2,
      error: `${scraper.url} does not answer: ECONNREFUSED`,
      lastSuccessAt: expect.any(String),
    });
    await shop.serve(400, 200);
    await scraper.start();
    await expectCounted('availability');
    await expectNoGap('availability');
    expect(await states('availability')).toMatchObject([{}, {}, { state: 'ok', error: null, n: 3 }]);
  },
);

withPrometheus('a Prometheus that hangs is failing, too, and what was missed comes after that', async () => {
  scraper.hang();
  try {
    await eventually(async () => expect(await states('availability')).toHaveLength(4), patient);
  } finally {
    scraper.goOn();
  }
  expect((await states('availability')).at(-1)).toMatchObject({
    state: 'failing',
    error: `${scraper.url} did not answer within 5 s`,
  });
  await shop.serve(50, 5);
  await expectCounted('availability');
  await expectNoGap('availability');
  expect((await states('availability')).at(-1)).toMatchObject({ state: 'ok', n: 5 });
});

withPrometheus('rates are the events that they stand for', async () => {
  const rate = (series: string) => `sum(rate(${series}[{{.window}}]))`;
  const queries = { bad: rate('http_requests_total{code="503"}'), total: rate('http_requests_total') };
  await define('rates', { ...queries, per: 'second' }, '3s');
  await shop.serve(100, 25);
  // What a rate says is an estimate: it is compared with what Prometheus says of the same time.
  const [event] = await eventually(async () => {
    const events = await stage.log.readStream(LogStreams.measurement('shop', 'rates'));
    const some = events.filter((each) => countsOf(each.data as MeasurementRecorded, 'total') > 0);
    expect(some.length).toBeGreaterThan(0);
    return some;
  }, patient);
  const recorded = event?.data as MeasurementRecorded;
  const end = Date.parse(recorded.identity.split(' ').at(-1) as string);
  const perSecond = await valueAt(queries.total.replace('{{.window}}', '3s'), end);
  expect(countsOf(recorded, 'total')).toBeCloseTo(perSecond * 3, 6);
});

withPrometheus(
  'a start goes on where the log says it was left; of two processes one asks, and the other follows',
  async () => {
    await stage.ingest.stop();
    await shop.serve(100, 30);
    const first = await startIngest(stage, settings);
    let second: RunningIngest | undefined;
    try {
      await expectCounted('availability');
      second = await startIngest(stage, settings);
      const before = { asked: await asked(), periods: (await measured('availability')).ends.length };
      await eventually(async () => {
        expect((await measured('availability')).ends.length).toBeGreaterThanOrEqual(before.periods + 2);
      }, patient);
      const periods = (await measured('availability')).ends.length - before.periods;
      // Two queries a period, and one that may be under way at either end.
      expect((await asked()) - before.asked).toBeLessThanOrEqual(2 * (periods + 2));
      await first.stop();
      await shop.serve(70, 7);
      await expectCounted('availability');
      await expectNoGap('availability');
      const { ends } = await measured('availability');
      expect(new Set(ends).size).toBe(ends.length);
    } finally {
      await Promise.all([first.stop(), second?.stop()]);
    }
  },
);

withPrometheus('series of a query are points with labels, and no data is no measurement', async () => {
  const again = await startIngest(stage, settings);
  try {
    await define('by-code', { query: 'sum by (code) (http_requests_total)' });
    await define('nothing', { query: 'absent_metric / 0' });
    const found = await eventually(async () => {
      const [event] = await stage.log.readStream(LogStreams.measurement('shop', 'by-code'));
      const columns = (event?.data as MeasurementRecorded | undefined)?.columns ?? [];
      expect(columns).toHaveLength(4);
      return columns;
    }, patient);
    expect(found.map(({ kind, labels }) => [kind, labels])).toEqual(
      ['200', '201', '502', '503'].map((code) => ['values', { code }]),
    );
    expect(await stage.log.readStream(LogStreams.measurement('shop', 'nothing'))).toEqual([]);
  } finally {
    await again.stop();
  }
});
