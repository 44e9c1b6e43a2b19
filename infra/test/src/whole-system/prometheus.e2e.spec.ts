import type { SloAlertFired, SloStatus } from '@bellwether/contracts';
import {
  BROKEN,
  generateLoad,
  HEALTHY,
  type Reporter,
  type RunningService,
  SHOP_SERVICES,
  startShopService,
  type Urls,
} from '@bellwether/demo';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { eventually } from '../eventually.js';
import { prometheus, startPrometheus, type TestPrometheus } from '../prometheus.js';
import { dataOf } from './pages.fixture.js';
import { WholeSystem } from './system.fixture.js';

// The demo's shop under load, a real Prometheus that scrapes it, and SLOs on what is fetched from there.
jest.setTimeout(180_000);

const withPrometheus = prometheus === null ? test.skip : test;
const patient = { timeoutMs: 60_000 };

const urls: Urls = {};
const running: RunningService[] = [];
const stopLoad = new AbortController();
let load: Promise<unknown> | undefined;
let scraper: TestPrometheus | undefined;
let system: WholeSystem | undefined;
/** What the checkout service counted of itself. */
const counted = { good: 0, total: 0 };
const reporter: Reporter = {
  measure(service, _sli, point) {
    if (service !== 'checkout' || !('good' in point)) return;
    counted.good += point.good;
    counted.total += point.total;
  },
};

beforeAll(async () => {
  if (prometheus === null) return;
  for (const name of SHOP_SERVICES) {
    const service = await startShopService(name, urls, reporter);
    urls[name] = service.url;
    running.push(service);
  }
  const targets = running.map(({ url }) => new URL(url).host);
  [scraper, system] = await Promise.all([
    startPrometheus(targets),
    WholeSystem.start({
      env: { BELLWETHER_PROMETHEUS_DELAY: '3s', BELLWETHER_PROMETHEUS_LOOKBACK: '5m' },
    }),
  ]);
});
afterAll(async () => {
  stopLoad.abort();
  await load;
  for (const service of running.reverse()) await service.stop();
  await scraper?.stop();
  await system?.stop();
});

/** How much a counter has risen in a period: what rose between two looks is in exactly one of them. */
const risen = (series: string) =>
  `sum(last_over_time(${series}[5m])) - sum(last_over_time(${series}[5m] offset {{.window}}))`;

withPrometheus('an SLO on an SLI of the shop that is fetched is evaluated, and alerted on', async () => {
  const [on, from] = [system as WholeSystem, scraper as TestPrometheus];
  const source = (good: string, total: string) => ({
    source: { every: '1s', prometheus: { url: from.url, good: risen(good), total: risen(total) } },
  });
  const requests = 'http_requests_total{service="checkout"';
  const pages = 'http_request_duration_seconds';
  await on.put('/v1/slis/checkout/availability', source(`${requests},code!~"5.."}`, `${requests}}`));
  await on.put(
    '/v1/slis/storefront/latency',
    source(`${pages}_bucket{service="storefront",le="1"}`, `${pages}_count{service="storefront"}`),
  );
  for (const [name, sli] of [
    ['checkout', 'availability'],
    ['storefront', 'latency'],
  ]) {
    await on.put(`/v1/slos/${name}`, {
      ...{ name, service: name, sli, objective: 0.99, indicator: { kind: 'ratio' } },
      ...{ budgeting: { method: 'occurrences' }, window: { rolling: '30d' } },
      alerting: { windows: [{ severity: 'page', tier: 'fast', long: '10m', short: '2m', burn: 10 }] },
    });
  }
  const status = (slo: string) => on.get<SloStatus>(`/v1/slos/${slo}/status`);
  // What is counted before the first look at a counter has no rise.
  await eventually(async () => expect((await status('checkout')).source?.state).toBe('ok'), patient);
  load = generateLoad(urls.storefront as string, 40, stopLoad.signal);
  await eventually(async () => {
    const seen = await status('checkout');
    expect(seen.total).toBeGreaterThan(20);
    expect(seen).toMatchObject({ state: 'ok', sli: 1 });
  }, patient);

  const setFault = (fault: typeof HEALTHY) =>
    fetch(`${urls.payment}/fault`, { method: 'PUT', body: JSON.stringify(fault) });
  await setFault(BROKEN);
  await eventually(async () => {
    const { alerts } = await status('checkout');
    expect(alerts).toMatchObject([{ severity: 'page', tier: 'fast', state: 'firing' }]);
  }, patient);
  await setFault(HEALTHY);
  stopLoad.abort();
  await load;

  await eventually(async () => {
    const { good, total } = await status('checkout');
    expect({ good, total }).toEqual(counted);
  }, patient);
  expect(counted.good).toBeLessThan(counted.total);
  expect((await status('storefront')).total).toBeGreaterThan(counted.total);
  const events = await on.all<Parameters<typeof dataOf>[0][number]>('/v1/events?after=0');
  const fired = dataOf<SloAlertFired>(events, 'slo.alert.fired').filter(({ slo }) => slo === 'checkout');
  expect(fired).toHaveLength(1);
});
