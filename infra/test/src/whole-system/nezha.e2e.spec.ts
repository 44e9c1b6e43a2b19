import type {
  EventEnvelope,
  Incident,
  Page,
  PageNotification,
  SloAlertFired,
  SloDefinition,
  SloStatus,
} from '@bellwether/contracts';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { eventually } from '../eventually.js';
import { OtlpCollector } from '../otlp-collector.js';
import { WebhookReceiver } from '../webhook-receiver.js';
import { dataSetsPresent, type MinuteOfFrontEnd, nezhaFrontEnd } from './data-sets.fixture.js';
import { demoTraffic } from './demo-traffic.fixture.js';
import { documentedMetrics, registeredMetrics } from './metrics.fixture.js';
import { dataOf } from './pages.fixture.js';
import { definePeople } from './people.fixture.js';
import { budgetOver, burn, type Observation, sums } from './reckoning.fixture.js';
import { WholeSystem } from './system.fixture.js';
import { expectPageTraced, expectWay, newTraceparent, tracedTo } from './trace.fixture.js';

const MINUTE = 60_000;
const MONTH = 30 * 24 * 60;
/** When requests begin to be slow for five minutes, and four minutes later to fail; epoch seconds of that day. */
const SLOW = Math.floor(1_661_149_159 / 60) * 60;
/** Minutes of each fault, and of calm after it: enough for the alert to resolve. */
const MINUTES = { slow: { fault: 5, calm: 4 }, failing: { fault: 3, calm: 13 } };

/** History that ends now; then requests that are slow, and calm; then requests that fail, and calm again. */
interface Story {
  history: MinuteOfFrontEnd[];
  slow: { fault: MinuteOfFrontEnd[]; calm: MinuteOfFrontEnd[] };
  failing: Story['slow'];
  /** Above it a minute is slow. */
  limitSeconds: number;
}

async function story(): Promise<Story> {
  const { slow, failing } = MINUTES;
  if (dataSetsPresent()) {
    const rows = nezhaFrontEnd();
    const told = rows.splice(rows.findIndex((row) => row.seconds === SLOW));
    const take = (minutes: number) => told.splice(0, minutes);
    return {
      history: rows,
      slow: { fault: take(slow.fault), calm: take(slow.calm) },
      failing: { fault: take(failing.fault), calm: take(failing.calm) },
      limitSeconds: 1,
    };
  }
  const { history, fault, calm } = await demoTraffic();
  const fastest = Math.min(...calm.map(({ p95Seconds }) => p95Seconds));
  const slowest = Math.max(...fault.map(({ p95Seconds }) => p95Seconds));
  const gauges = (reports: typeof history, p95Seconds: number): MinuteOfFrontEnd[] =>
    reports.map(({ seconds, good, total }) => ({
      seconds,
      successPercent: (100 * good) / total,
      p95Seconds,
    }));
  return {
    history: gauges(history, fastest),
    slow: {
      fault: gauges(calm.slice(0, slow.fault), slowest),
      calm: gauges(calm.slice(0, slow.calm), fastest),
    },
    failing: { fault: gauges(fault, fastest), calm: gauges(calm.slice(0, failing.calm), fastest) },
    limitSeconds: (fastest + slowest) / 2,
  };
}

/** A front end that publishes gauges, a minute at a time: its success rate in percent, and its p95 latency. */
describe('gauges of a front end, minute by minute', () => {
  jest.setTimeout(120_000);
  let system: WholeSystem;
  let pager: WebhookReceiver;
  let collector: OtlpCollector;
  /** Each minute is measured, and each page acknowledged, in a trace of its own. */
  const traces = { measured: [] as string[], acknowledged: [] as string[] };
  let told: Story;
  /** An eighth of the requests fails; a third of the minutes is slow. */
  const availability = {
    name: 'front-end-availability',
    objective: 0.95,
    page: { long: 15, short: 5, burn: 2.5 },
    seen: [] as Observation[],
  };
  const latency = {
    name: 'front-end-latency',
    objective: 0.9,
    page: { long: 15, short: 3, burn: 3 },
    seen: [] as Observation[],
  };
  type Watched = typeof availability;

  beforeAll(async () => {
    collector = await OtlpCollector.start();
    [told, pager, system] = await Promise.all([
      story(),
      WebhookReceiver.start(),
      WholeSystem.start({ env: tracedTo(collector) }),
    ]);
    await definePeople(system, 'front-end', pager.url('/'));
    await system.put('/v1/slis/front-end/success-rate', { unit: 'percent', cadence: '1m' });
    await system.put('/v1/slis/front-end/latency-p95', { unit: 's', cadence: '1m' });
    await define(availability, { sli: 'success-rate', indicator: { kind: 'ratio' } });
    await define(latency, {
      sli: 'latency-p95',
      indicator: { kind: 'threshold', op: 'lte', value: told.limitSeconds, unit: 's' },
    });
  });
  afterAll(async () => {
    await system?.stop();
    await pager?.stop();
    await collector?.stop();
  });

  async function define(slo: Watched, rest: Pick<SloDefinition, 'sli' | 'indicator'>): Promise<void> {
    const { long, short, burn: threshold } = slo.page;
    await system.put(`/v1/slos/${slo.name}`, {
      name: slo.name,
      service: 'front-end',
      objective: slo.objective,
      budgeting: { method: 'occurrences' },
      window: { rolling: '30d' },
      alerting: {
        windows: [{ severity: 'page', tier: 'fast', long: `${long}m`, short: `${short}m`, burn: threshold }],
      },
      ...rest,
    });
  }

  const status = (slo: { name: string }) => system.get<SloStatus>(`/v1/slos/${slo.name}/status`);

  /** Publishes minutes as they were measured at these times, and takes note for the independent reckoning. */
  async function publish(minutes: (MinuteOfFrontEnd & { at: number })[]): Promise<void> {
    const traceparent = newTraceparent();
    traces.measured.push(traceparent);
    const post = (sli: string, value: (minute: MinuteOfFrontEnd) => number) =>
      system.post(
        `/v1/measurements/front-end/${sli}`,
        {
          points: minutes.map((minute) => ({ at: new Date(minute.at).toISOString(), value: value(minute) })),
        },
        { traceparent },
      );
    await post('success-rate', (minute) => minute.successPercent);
    await post('latency-p95', (minute) => minute.p95Seconds);
    for (const { at, successPercent, p95Seconds } of minutes) {
      availability.seen.push({ at, good: successPercent / 100, total: 1 });
      latency.seen.push({ at, good: p95Seconds <= told.limitSeconds ? 1 : 0, total: 1 });
    }
  }

  /** Waits until everything published is counted, and compares it with the reckoning. */
  async function expectReckoned(slo: Watched): Promise<void> {
    const seen = await eventually(
      async () => {
        const now = await status(slo);
        expect(now.total).toBe(sums(slo.seen, Date.parse(now.asOf), MONTH).total);
        return now;
      },
      { timeoutMs: 30_000 },
    );
    const at = Date.parse(seen.asOf);
    const { good, total } = sums(slo.seen, at, MONTH);
    expect(seen.good).toBeCloseTo(good, 6);
    expect(seen.sli).toBeCloseTo(good / total, 9);
    expect(seen.budget.consumed).toBeCloseTo(burn(slo.seen, at, MONTH, slo.objective) as number, 6);
    for (const { window, rate } of seen.burn) {
      const minutes = Number(window.slice(0, -1)) * ({ m: 1, h: 60, d: 1440 }[window.slice(-1)] as number);
      expect(rate).toBeCloseTo(burn(slo.seen, at, minutes, slo.objective) as number, 6);
    }
  }

  /** Whether both windows are above the threshold, by the reckoning. */
  const shouldFire = ({ seen, page, objective }: Watched): boolean =>
    [page.long, page.short].every(
      (minutes) => (burn(seen, system.now().getTime(), minutes, objective) ?? 0) > page.burn,
    );

  /** A minute passes, and is measured at its end; the alerts are as they should be. */
  async function live(minute: MinuteOfFrontEnd): Promise<void> {
    system.advance(MINUTE);
    await publish([{ ...minute, at: system.now().getTime() }]);
    for (const slo of [availability, latency]) {
      await expectReckoned(slo);
      await eventually(
        async () => {
          const { alerts } = await status(slo);
          const fires = alerts.some(({ tier, state }) => tier === 'fast' && state === 'firing');
          expect([slo.name, fires]).toEqual([slo.name, shouldFire(slo)]);
        },
        { timeoutMs: 30_000 },
      );
    }
  }

  test('the history is counted as an independent reckoning has it, and pages nobody', async () => {
    const end = Math.floor(system.now().getTime() / MINUTE) * MINUTE;
    const last = told.history.at(-1)?.seconds ?? 0;
    const moved = told.history.map((minute) => ({ ...minute, at: end - (last - minute.seconds) * 1000 }));
    for (let i = 0; i < moved.length; i += 500) await publish(moved.slice(i, i + 500));
    for (const slo of [availability, latency]) {
      await expectReckoned(slo);
      expect([slo.name, shouldFire(slo)]).toEqual([slo.name, false]);
    }
    expect(await system.all('/v1/incidents')).toEqual([]);
  });

  describe.each([
    { what: 'requests are slow', slo: latency, part: 'slow', number: 1 },
    { what: 'requests fail', slo: availability, part: 'failing', number: 2 },
  ] as const)('$what', ({ slo, part, number }) => {
    const id = `INC-${number}`;
    const calls = () =>
      pager.requests.map(({ json }) => json as PageNotification).filter(({ page }) => page.incident === id);

    test('the alert fires in the minute that it should, and pages one person once', async () => {
      for (const minute of told[part].fault) await live(minute);
      expect(shouldFire(slo)).toBe(true);
      const incident = await eventually(
        async () => {
          const found = await system.all<Incident>('/v1/incidents');
          expect(found).toHaveLength(number);
          return found.find((each) => each.id === id) as Incident;
        },
        { timeoutMs: 30_000 },
      );
      expect(incident.alerts).toEqual([
        expect.objectContaining({ name: slo.name, severity: 'page', tier: 'fast', state: 'firing' }),
      ]);
      await pager.received(2 * number - 1, 30_000);
      expect(calls()).toEqual([
        expect.objectContaining({ page: expect.objectContaining({ id: `${id}-P1`, service: 'front-end' }) }),
      ]);
      await eventually(async () => {
        const { deliveries } = await system.get<Page>(`/v1/pages/${id}-P1`);
        expect(deliveries).toEqual([expect.objectContaining({ state: 'delivered', attempts: 1 })]);
      });
    });

    test('acknowledged, recovered and resolved, it leaves a report of what it cost', async () => {
      // By the link in the page, which says who: that person takes command, and nobody else needs to be paged.
      const { acknowledgeUrl } = calls()[0]!.page;
      const headers = { traceparent: newTraceparent() };
      traces.acknowledged.push(headers.traceparent);
      const pressed = await fetch(acknowledgeUrl, { method: 'POST', redirect: 'manual', headers });
      expect(pressed.status).toBeLessThan(400);
      await eventually(
        async () =>
          expect(await system.get<Incident>(`/v1/incidents/${id}`)).toMatchObject({
            acknowledgedAt: expect.any(String),
            commander: expect.stringMatching(/^(ada|grace)$/),
          }),
        { timeoutMs: 30_000 },
      );
      for (const minute of told[part].calm) await live(minute);
      expect(shouldFire(slo)).toBe(false);
      await eventually(
        async () =>
          expect(await system.get(`/v1/incidents/${id}`)).toMatchObject({
            status: 'monitoring',
            alerts: [expect.objectContaining({ state: 'resolved' })],
          }),
        { timeoutMs: 30_000 },
      );
      const resolved = await system.post<Incident>(`/v1/incidents/${id}/status`, {
        status: 'resolved',
        note: 'the front end is well again',
      });
      await eventually(
        () => expect(calls().map(({ type }) => type)).toEqual(['page.requested', 'page.resolved']),
        { timeoutMs: 30_000 },
      );
      const spent = budgetOver(slo.seen, resolved, MONTH, slo.objective);
      expect(spent.spent).toBeGreaterThan(0);
      await eventually(async () =>
        expect(await system.get(`/v1/incidents/${id}/report`)).toMatchObject({
          budgets: [
            {
              slo: slo.name,
              remainingAtStart: expect.closeTo(spent.remainingAtStart, 6),
              remainingAtEnd: expect.closeTo(spent.remainingAtEnd, 6),
              spent: expect.closeTo(spent.spent, 6),
            },
          ],
        }),
      );
      const report = await system.get<string>(`/v1/incidents/${id}/report`, { accept: 'text/markdown' });
      expect(report).toContain(id);
      expect(report).toContain('the front end is well again');
    });
  });

  test('each page is in one trace with the minute that tipped it, each answer with what came of it', async () => {
    const paged = pager.requests.filter(({ json }) => (json as PageNotification).type === 'page.requested');
    expect(paged).toHaveLength(2);
    for (const { headers } of paged)
      await expectPageTraced(collector, traces.measured, headers.traceparent ?? '');
    for (const traceparent of traces.acknowledged)
      await expectWay(collector, traceparent, [
        'api: POST /a/:link',
        'api: request cmd.paging.page-acknowledge',
        'paging: process cmd.paging.page-acknowledge',
        'paging: append page.acknowledged',
        'incident: process page.acknowledged',
        'incident: append incident.acknowledged',
      ]);
  });

  test('what the services measure of themselves is what docs/metrics.md says', async () => {
    const names = system.local.services().map(({ name }) => name);
    expect(await registeredMetrics(system.local)).toEqual(documentedMetrics(names));
  });

  test('each happened once', async () => {
    const events = await system.all<EventEnvelope>('/v1/events?after=0');
    for (const type of ['slo.alert.fired', 'slo.alert.resolved'])
      expect(dataOf<SloAlertFired>(events, type).map(({ slo }) => slo)).toEqual([
        latency.name,
        availability.name,
      ]);
    for (const type of ['incident.declared', 'page.requested'])
      expect([type, dataOf(events, type).length]).toEqual([type, 2]);
    for (const slo of [availability, latency]) await expectReckoned(slo);
  });
});
