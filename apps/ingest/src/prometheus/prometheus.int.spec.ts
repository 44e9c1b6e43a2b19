import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  CONTROL_JOURNAL,
  LogStreams,
  type MeasurementRecorded,
  type SliSourceChanged,
  sli,
} from '@bellwether/contracts';
import { eventually, prometheus, startPrometheus, type TestPrometheus } from '@bellwether/testing';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { IngestStage } from '../ingest-stage.fixture.js';
import { type RunningIngest, startIngest } from '../running-ingest.fixture.js';

// A real Prometheus that scrapes a shop twice a second, and SLIs that are fetched from it every second.
jest.setTimeout(60_000);

const withPrometheus = prometheus === null ? test.skip : test;
const patient = { timeoutMs: 30_000 };

/** Answers requests, and counts them as programs do for Prometheus. */
class Shop {
  served = 0;
  failed = 0;
  #server: Server | null = null;

  async start(): Promise<string> {
    const server = createServer((_, response) => {
      const lines = [
        '# TYPE shop_requests_total counter',
        `shop_requests_total{code="200"} ${this.served - this.failed}`,
        `shop_requests_total{code="500"} ${this.failed}`,
      ];
      response.setHeader('content-type', 'text/plain; version=0.0.4');
      response.end(`${lines.join('\n')}\n`);
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  serve(requests: number, failures: number): void {
    this.served += requests;
    this.failed += failures;
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
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
  [scraper, stage] = await Promise.all([startPrometheus(target), IngestStage.start(settings)]);
  await eventually(async () => expect(await scraped()).toBe(true), patient);
});
afterAll(async () => {
  await stage?.stop();
  await scraper?.stop();
  await shop.stop();
});

/** Whether the shop has been looked at for the length of a period. */
async function scraped(): Promise<boolean> {
  const query = encodeURIComponent('shop_requests_total offset 1s');
  const response = await fetch(`${scraper.url}/api/v1/query?query=${query}`);
  const { data } = (await response.json()) as { data: { result: unknown[] } };
  return data.result.length > 0;
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

async function define(name: string, queries: object): Promise<void> {
  const data = sli.parse({
    service: 'shop',
    name,
    source: { prometheus: { url: scraper.url, ...queries }, every: '1s' },
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

/** What the log has of an SLI: ends of its periods in order, and what they add up to. */
async function measured(name: string): Promise<{ ends: number[]; good: number; total: number }> {
  const events = await stage.log.readStream(LogStreams.measurement('shop', name));
  const all = events.map(({ data }) => data as MeasurementRecorded);
  const counts = all.flatMap(({ columns }) => columns.map((each) => (each.kind === 'counts' ? each : null)));
  const sum = (of: 'good' | 'total') =>
    counts.reduce((whole, each) => whole + (each?.[of].reduce((a, b) => a + b, 0) ?? 0), 0);
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
    bad: risen('shop_requests_total{code="500"}'),
    total: risen('shop_requests_total'),
  });
  await eventually(
    async () => expect((await measured('availability')).ends.length).toBeGreaterThan(0),
    patient,
  );
  for (let i = 1; i <= 5; i++) shop.serve(100 * i, i);
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
    shop.serve(1_000, 500);
    await scraper.start();
    await expectCounted('availability');
    await expectNoGap('availability');
    expect(await states('availability')).toMatchObject([{}, {}, { state: 'ok', error: null, n: 3 }]);
  },
);

withPrometheus(
  'a start goes on where the log says it was left; of two processes one asks, and the other follows',
  async () => {
    await stage.ingest.stop();
    shop.serve(300, 30);
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
      shop.serve(70, 7);
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
    await define('by-code', { query: 'sum by (code) (shop_requests_total)' });
    await define('nothing', { query: 'absent_metric / 0' });
    const found = await eventually(async () => {
      const [event] = await stage.log.readStream(LogStreams.measurement('shop', 'by-code'));
      const columns = (event?.data as MeasurementRecorded | undefined)?.columns ?? [];
      expect(columns).toHaveLength(2);
      return columns;
    }, patient);
    expect(found.map(({ kind, labels }) => [kind, labels])).toEqual([
      ['values', { code: '200' }],
      ['values', { code: '500' }],
    ]);
    expect(await stage.log.readStream(LogStreams.measurement('shop', 'nothing'))).toEqual([]);
  } finally {
    await again.stop();
  }
});
