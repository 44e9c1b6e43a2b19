import type {
  EventEnvelope,
  Incident,
  Page,
  PageNotification,
  SloDefinition,
  SloStatus,
} from '@bellwether/contracts';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { eventually } from '../eventually.js';
import { WebhookReceiver } from '../webhook-receiver.js';
import { dataSetsPresent, type MinuteOfFrontEnd, nezhaFrontEnd } from './data-sets.fixture.js';
import { demoTraffic } from './demo-traffic.fixture.js';
import { definePeople } from './people.fixture.js';
import { burn, type Observation, sums } from './reckoning.fixture.js';
import { WholeSystem } from './system.fixture.js';

const MINUTE = 60_000;
const MONTH = 30 * 24 * 60;
/** When two of three requests begin to fail, epoch seconds of that day. */
const FAULT = Math.floor(1_661_149_699 / 60) * 60;

/** Minutes after the fault: enough for the alert to resolve. */
const CALM = 13;

/** History that ends now, a fault, and calm after it. */
type Story = Record<'history' | 'fault' | 'calm', MinuteOfFrontEnd[]>;

async function story(): Promise<Story> {
  if (dataSetsPresent()) {
    const rows = nezhaFrontEnd();
    const fault = rows.findIndex((row) => row.seconds === FAULT);
    return {
      history: rows.slice(0, fault),
      fault: rows.slice(fault, fault + 3),
      calm: rows.slice(fault + 3, fault + 3 + CALM),
    };
  }
  const { history, fault, calm } = await demoTraffic();
  const gauges = (reports: typeof history): MinuteOfFrontEnd[] =>
    reports.map(({ seconds, good, total, p95Seconds }) => ({
      seconds,
      successPercent: (100 * good) / total,
      p95Seconds,
    }));
  return { history: gauges(history), fault: gauges(fault), calm: gauges(calm.slice(0, CALM)) };
}

/** A front end that publishes gauges, a minute at a time: its success rate in percent, and its p95 latency. */
describe('gauges of a front end, minute by minute', () => {
  jest.setTimeout(120_000);
  let system: WholeSystem;
  let pager: WebhookReceiver;
  let told: Story;
  const availability = { name: 'front-end-availability', objective: 0.95, seen: [] as Observation[] };
  const latency = { name: 'front-end-latency', objective: 0.5, seen: [] as Observation[] };
  const THRESHOLD_SECONDS = 1;
  /** Of the availability: an eighth of the requests fails. */
  const PAGE = { long: 15, short: 5, burn: 2.5 };

  beforeAll(async () => {
    [told, pager, system] = await Promise.all([story(), WebhookReceiver.start(), WholeSystem.start()]);
    await definePeople(system, 'front-end', pager.url('/'));
    await system.put('/v1/slis/front-end/success-rate', { unit: 'percent', cadence: '1m' });
    await system.put('/v1/slis/front-end/latency-p95', { unit: 's', cadence: '1m' });
    await define(availability, {
      sli: 'success-rate',
      indicator: { kind: 'ratio' },
      alerting: {
        windows: [
          { severity: 'page', tier: 'fast', long: `${PAGE.long}m`, short: `${PAGE.short}m`, burn: PAGE.burn },
        ],
      },
    });
    await define(latency, {
      sli: 'latency-p95',
      indicator: { kind: 'threshold', op: 'lte', value: THRESHOLD_SECONDS, unit: 's' },
      alerting: { windows: [{ severity: 'page', tier: 'fast', long: '15m', short: '5m', burn: 1.9 }] },
    });
  });
  afterAll(async () => {
    await system?.stop();
    await pager?.stop();
  });

  async function define(
    slo: { name: string; objective: number },
    rest: Pick<SloDefinition, 'sli' | 'indicator'> & { alerting: object },
  ): Promise<void> {
    await system.put(`/v1/slos/${slo.name}`, {
      name: slo.name,
      service: 'front-end',
      objective: slo.objective,
      budgeting: { method: 'occurrences' },
      window: { rolling: '30d' },
      ...rest,
    });
  }

  const status = (slo: { name: string }) => system.get<SloStatus>(`/v1/slos/${slo.name}/status`);

  /** Publishes minutes as they were measured at these times, and takes note for the independent reckoning. */
  async function publish(minutes: (MinuteOfFrontEnd & { at: number })[]): Promise<void> {
    const post = (sli: string, value: (minute: MinuteOfFrontEnd) => number) =>
      system.post(`/v1/measurements/front-end/${sli}`, {
        points: minutes.map((minute) => ({ at: new Date(minute.at).toISOString(), value: value(minute) })),
      });
    await post('success-rate', (minute) => minute.successPercent);
    await post('latency-p95', (minute) => minute.p95Seconds);
    for (const { at, successPercent, p95Seconds } of minutes) {
      availability.seen.push({ at, good: successPercent / 100, total: 1 });
      latency.seen.push({ at, good: p95Seconds <= THRESHOLD_SECONDS ? 1 : 0, total: 1 });
    }
  }

  /** Waits until everything published is counted, and compares it with the reckoning. */
  async function expectReckoned(slo: typeof availability): Promise<SloStatus> {
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
    return seen;
  }

  /** Whether both windows are above the threshold, by the reckoning. */
  const shouldFire = (): boolean =>
    [PAGE.long, PAGE.short].every(
      (minutes) =>
        (burn(availability.seen, system.now().getTime(), minutes, availability.objective) ?? 0) > PAGE.burn,
    );

  /** A minute passes, and is measured at its end; the alert is as it should be. */
  async function live(minute: MinuteOfFrontEnd): Promise<void> {
    system.advance(MINUTE);
    await publish([{ ...minute, at: system.now().getTime() }]);
    await expectReckoned(availability);
    await eventually(
      async () => {
        const { alerts } = await status(availability);
        const fires = alerts.some(({ tier, state }) => tier === 'fast' && state === 'firing');
        expect(fires).toBe(shouldFire());
      },
      { timeoutMs: 30_000 },
    );
  }

  test('the history is counted as an independent reckoning has it, and pages nobody', async () => {
    const end = Math.floor(system.now().getTime() / MINUTE) * MINUTE;
    const last = told.history.at(-1)?.seconds ?? 0;
    const moved = told.history.map((minute) => ({ ...minute, at: end - (last - minute.seconds) * 1000 }));
    for (let i = 0; i < moved.length; i += 500) await publish(moved.slice(i, i + 500));
    await expectReckoned(availability);
    await expectReckoned(latency);
    expect(shouldFire()).toBe(false);
    expect(await system.all('/v1/incidents')).toEqual([]);
  });

  test('the fault fires the alert in the minute that it should, and pages one person once', async () => {
    for (const minute of told.fault) await live(minute);
    expect(shouldFire()).toBe(true);
    await expectReckoned(latency);
    const incident = await eventually(
      async () => {
        const [first, ...others] = await system.all<Incident>('/v1/incidents');
        expect([first?.id, others]).toEqual(['INC-1', []]);
        return first as Incident;
      },
      { timeoutMs: 30_000 },
    );
    expect(incident.alerts).toEqual([
      expect.objectContaining({ name: availability.name, severity: 'page', tier: 'fast', state: 'firing' }),
    ]);
    const [call] = await pager.received(1, 30_000);
    expect(call?.json).toMatchObject({ page: { id: 'INC-1-P1', service: 'front-end' } });
    await eventually(async () => {
      const { deliveries } = await system.get<Page>('/v1/pages/INC-1-P1');
      expect(deliveries).toEqual([expect.objectContaining({ state: 'delivered', attempts: 1 })]);
    });
  });

  test('acknowledged, recovered and resolved, it leaves a report', async () => {
    // By the link in the page, which says who: that person takes command, and nobody else needs to be paged.
    const { acknowledgeUrl } = (pager.requests.at(0)!.json as PageNotification).page;
    expect((await fetch(acknowledgeUrl, { method: 'POST', redirect: 'manual' })).status).toBeLessThan(400);
    await eventually(
      async () =>
        expect(await system.get<Incident>('/v1/incidents/INC-1')).toMatchObject({
          acknowledgedAt: expect.any(String),
          commander: expect.stringMatching(/^(ada|grace)$/),
        }),
      { timeoutMs: 30_000 },
    );
    for (const minute of told.calm) await live(minute);
    expect(shouldFire()).toBe(false);
    await eventually(
      async () =>
        expect(await system.get('/v1/incidents/INC-1')).toMatchObject({
          status: 'monitoring',
          alerts: [expect.objectContaining({ state: 'resolved' })],
        }),
      { timeoutMs: 30_000 },
    );
    await system.post('/v1/incidents/INC-1/status', {
      status: 'resolved',
      note: 'the front end is well again',
    });
    await eventually(
      () =>
        expect(pager.requests.map(({ json }) => (json as PageNotification).type)).toEqual([
          'page.requested',
          'page.resolved',
        ]),
      { timeoutMs: 30_000 },
    );
    const report = await system.get<string>('/v1/incidents/INC-1/report', { accept: 'text/markdown' });
    expect(report).toContain('INC-1');
    expect(report).toContain('the front end is well again');
  });

  test('each happened once', async () => {
    const events = await system.all<EventEnvelope>('/v1/events?after=0');
    const count = (type: string) => events.filter((event) => event.type === `bellwether.${type}.v1`).length;
    expect(
      ['slo.alert.fired', 'slo.alert.resolved', 'incident.declared', 'page.requested'].map(count),
    ).toEqual([1, 1, 1, 1]);
    await expectReckoned(availability);
    await expectReckoned(latency);
  });
});
