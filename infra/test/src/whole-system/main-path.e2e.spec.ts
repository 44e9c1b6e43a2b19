import type {
  EventEnvelope,
  Explanation,
  Incident,
  OnCall,
  Page,
  PageNotification,
  SloAlertFired,
  SloStatus,
  TimelineEntry,
} from '@bellwether/contracts';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { eventually } from '../eventually.js';
import { WebhookReceiver } from '../webhook-receiver.js';
import { type CountsAt, dataSetsPresent, petSite } from './data-sets.fixture.js';
import { demoTraffic } from './demo-traffic.fixture.js';
import { query } from './derived-state.fixture.js';
import { definePeople, WEBHOOK_SECRET } from './people.fixture.js';
import { budgetOver, burn, type Observation, sums } from './reckoning.fixture.js';
import { WholeSystem } from './system.fixture.js';

/** History that ends now, a fault, and calm after it. Times are only used as distances. */
interface Story {
  service: string;
  objective: number;
  /** Distance of two points, in milliseconds. */
  gap: number;
  history: CountsAt[];
  fault: CountsAt[];
  calm: CountsAt[];
}

async function story(): Promise<Story> {
  if (dataSetsPresent()) {
    const normal = petSite('noissue');
    return {
      service: 'petsite',
      objective: 0.995,
      gap: 300_000,
      history: normal,
      fault: petSite('issue_6'),
      calm: normal.slice(-24),
    };
  }
  return { service: 'storefront', objective: 0.99, gap: 60_000, ...(await demoTraffic()) };
}

describe('from a measurement to a page and back', () => {
  let system: WholeSystem;
  let pager: WebhookReceiver;
  let told: Story;
  /** Everything published so far, for the independent reckoning. */
  const observations: Observation[] = [];
  const SLO = 'availability-objective';
  jest.setTimeout(60_000);
  const DAY = 86_400_000;

  beforeAll(async () => {
    [told, pager, system] = await Promise.all([
      story(),
      WebhookReceiver.start(),
      WholeSystem.start({ asUser: true }),
    ]);
  }, 120_000);
  afterAll(async () => {
    await system?.stop();
    await pager?.stop();
  });

  const status = () => system.get<SloStatus>(`/v1/slos/${SLO}/status`);
  const firing = async () => (await status()).alerts.some((alert) => alert.state === 'firing');
  const incidents = () => system.all<Incident>('/v1/incidents');
  const publish = async (points: Observation[]) => {
    await system.post(`/v1/measurements/${told.service}/availability`, {
      points: points.map(({ at, good, total }) => ({ at: new Date(at).toISOString(), good, total })),
    });
    observations.push(...points);
  };
  /** Moves the clock by one gap and publishes the next point as it happens. */
  const live = async (counts: CountsAt) => {
    system.advance(told.gap);
    await publish([{ at: system.now().getTime(), good: counts.good, total: counts.total }]);
  };

  test('people, a service and an SLO are defined; what is wrong is refused with the field', async () => {
    await definePeople(system, told.service, pager.url('/'));
    const slo = {
      name: SLO,
      service: told.service,
      sli: 'availability',
      objective: told.objective,
      indicator: { kind: 'ratio' },
      budgeting: { method: 'occurrences' },
      window: { rolling: '30d' },
      alerting: { windows: [{ severity: 'page', tier: 'fast', long: '15m', short: '5m', burn: 4 }] },
      runbookUrl: 'https://runbooks.example.org/availability',
    };
    await expect(system.put(`/v1/slos/${SLO}`, { ...slo, objective: 1 })).rejects.toMatchObject({
      status: 400,
      problem: { errors: [{ path: 'objective' }] },
    });
    await expect(
      system.put(`/v1/slos/${SLO}`, {
        ...slo,
        alerting: {
          windows: [
            { severity: 'page', tier: 'fast', long: '15m', short: '5m', burn: 1 / (1 - told.objective) },
          ],
        },
      }),
    ).rejects.toMatchObject({ status: 422 });
    const answer = await system.request<{ warnings: string[] }>('PUT', `/v1/slos/${SLO}`, slo);
    expect(answer.status).toBe(201);
    expect(answer.headers.get('etag')).toBe('"1"');
    const again = await system.request('PUT', `/v1/slos/${SLO}`, slo);
    expect([again.status, again.headers.get('etag')]).toEqual([200, '"1"']);
    const onCall = await system.all<OnCall>('/v1/oncall');
    expect(onCall).toEqual([
      { schedule: 'primary', users: [expect.stringMatching(/^(ada|grace)$/)], until: expect.any(String) },
    ]);
  });

  test('history counts exactly as an independent reckoning has it, and pages nobody', async () => {
    const last = told.history.at(-1)?.seconds ?? 0;
    const end = Math.floor(system.now().getTime() / 60_000) * 60_000;
    const history = told.history.map(({ seconds, good, total }) => ({
      at: end - (last - seconds) * 1000,
      good,
      total,
    }));
    for (let i = 0; i < history.length; i += 200) await publish(history.slice(i, i + 200));
    const expected = sums(observations, end, 30 * 24 * 60);
    const seen = await eventually(
      async () => {
        const now = await status();
        expect(now).toMatchObject({ good: expected.good, total: expected.total });
        return now;
      },
      { timeoutMs: 30_000 },
    );
    const consumed = burn(observations, end, 30 * 24 * 60, told.objective) as number;
    expect(seen.sli).toBeCloseTo(expected.good / expected.total, 12);
    expect(seen.budget.consumed).toBeCloseTo(consumed, 9);
    expect(seen.budget.remaining).toBeCloseTo(1 - consumed, 9);
    expect(seen.compliant).toBe(expected.good / expected.total >= told.objective);
    const at = Date.parse(seen.asOf);
    for (const { window, rate } of seen.burn) {
      const minutes =
        Number(window.slice(0, -1)) * ({ m: 1, h: 60, d: 1440 } as Record<string, number>)[window.slice(-1)]!;
      const reckoned = burn(observations, at, minutes, told.objective);
      if (reckoned === null) expect(rate).toBeNull();
      else expect(rate).toBeCloseTo(reckoned, 9);
    }
    expect(await incidents()).toEqual([]);
    expect(pager.requests).toEqual([]);
  });

  let incident: Incident;
  let page: Page;

  test('the fault becomes one alert, one incident and one page on one webhook', async () => {
    while (!(await firing())) {
      const next = told.fault.shift();
      if (!next) throw new Error('the whole fault went by without an alert');
      await live(next);
      await eventually(async () => {
        const { total } = sums(observations, system.now().getTime(), 30 * 24 * 60);
        expect((await status()).total).toBe(total);
      });
    }
    incident = await eventually(
      async () => {
        const found = await incidents();
        expect(found).toHaveLength(1);
        return found[0] as Incident;
      },
      { timeoutMs: 20_000 },
    );
    expect(incident).toMatchObject({
      id: 'INC-1',
      severity: 'sev2',
      status: 'investigating',
      services: [told.service],
      acknowledgedAt: null,
    });
    expect(incident.alerts).toEqual([
      expect.objectContaining({ name: SLO, severity: 'page', tier: 'fast', state: 'firing' }),
    ]);
    expect(Date.parse(incident.startedAt)).toBeLessThanOrEqual(Date.parse(incident.detectedAt));
    const [request] = await pager.received(1);
    const notification = new Webhook(WEBHOOK_SECRET).verify(
      request!.body,
      request!.headers,
    ) as PageNotification;
    expect(notification).toMatchObject({
      type: 'page.requested',
      page: {
        id: 'INC-1-P1',
        incident: 'INC-1',
        severity: 'sev2',
        service: told.service,
        step: 1,
        attempt: 1,
        runbookUrl: 'https://runbooks.example.org/availability',
      },
    });
    page = await eventually(async () => {
      const state = await system.get<Page>('/v1/pages/INC-1-P1');
      expect(state.deliveries).toEqual([
        expect.objectContaining({
          state: 'delivered',
          attempts: 1,
          idempotencyKey: request!.headers['webhook-id'],
        }),
      ]);
      return state;
    });
    expect(page).toMatchObject({
      status: 'open',
      policy: 'default-policy',
      step: 1,
      nextAction: { kind: 'escalate', step: 2 },
    });
    expect((await status()).alerts).toEqual([
      expect.objectContaining({ severity: 'page', tier: 'fast', state: 'firing' }),
    ]);
  });

  test('the page is explained back to the measurement that tipped it', async () => {
    const { chain } = await system.get<Explanation>('/v1/explain/INC-1-P1');
    const types = chain.map((link) => link.type.replace(/^bellwether\.|\.v\d+$/g, ''));
    expect(types).toEqual(
      expect.arrayContaining([
        'page.requested',
        'incident.declared',
        'slo.alert.fired',
        'measurement.recorded',
      ]),
    );
    const ids = new Set(chain.map((link) => link.eventId));
    for (const link of chain) for (const cause of link.causedBy) expect(ids).toContain(cause);
    // What the alert saw, recounted.
    const events = await system.all<EventEnvelope>('/v1/events?after=0&type=slo.alert.fired');
    const { longWindow, shortWindow, evidence } = events[0]!.data as SloAlertFired;
    const [from, to] = [Date.parse(evidence!.from), Date.parse(evidence!.to)];
    // Of what was in the log by then: the next point may have been on its way.
    const recorded = await query<{ points: number }>(
      system.local.databaseUrl,
      `select sum((data ->> 'points')::int)::int as points from log.events where stream = $1 and position <= $2`,
      [`measurement:${told.service}/availability`, evidence!.lastPosition],
    );
    const counted = observations.slice(0, recorded[0]!.points);
    const [long, short] = [sums(counted, to, 15), sums(counted, to, 5)];
    const points = counted.filter(({ at }) => at >= from && at <= to).length;
    expect(chain.find(({ eventId }) => eventId === events[0]!.id)?.summary).toMatch(
      new RegExp(
        `; ${long.good} of ${long.total} good over ${longWindow} and ${short.good} of ${short.total} over ${shortWindow}, from ${points} points? in \\d+ measurements? \\(positions? \\d.* of ${evidence!.journal}\\)$`,
      ),
    );
  });

  test('the link in the page acknowledges without a session, and twice does no harm', async () => {
    const [request] = pager.requests;
    const { acknowledgeUrl } = (request!.json as PageNotification).page;
    const shown = await fetch(acknowledgeUrl);
    const text = await shown.text();
    expect([shown.status, text]).toEqual([200, expect.stringContaining('INC-1')]);
    expect(text).toContain('href="https://runbooks.example.org/availability"');
    expect(text).toMatch(/<h2>Why<[\s\S]*<li>.* page alert .* burn [\s\S]*<li>.* measured /);
    for (let i = 0; i < 2; i++) {
      const pressed = await fetch(acknowledgeUrl, { method: 'POST', redirect: 'manual' });
      expect(pressed.status).toBeLessThan(400);
      expect(await pressed.text()).toMatch(/<dt>Commander<\/dt><dd>(?!nobody)/);
    }
    await eventually(async () => {
      page = await system.get<Page>('/v1/pages/INC-1-P1');
      expect(page).toMatchObject({ status: 'acknowledged', nextAction: { kind: 'remind' } });
      incident = await system.get<Incident>('/v1/incidents/INC-1');
      expect(incident.acknowledgedAt).not.toBeNull();
      expect(incident.commander).toBe(page.acknowledgedBy);
    });
  });

  test('calm resolves the alert, and the incident moves to monitoring by itself', async () => {
    for (const counts of [...told.fault, ...told.calm.slice(0, 6)]) await live(counts);
    await eventually(
      async () => {
        expect((await status()).alerts).toEqual([expect.objectContaining({ state: 'ok' })]);
        expect(await system.get<Incident>('/v1/incidents/INC-1')).toMatchObject({ status: 'monitoring' });
      },
      { timeoutMs: 20_000 },
    );
  });

  test('resolving ends the page, says so to who was paged, and leaves a report', async () => {
    await system.post('/v1/incidents/INC-1/notes', {
      text: 'PetSearch was slow; its task was replaced',
      pinned: true,
    });
    const before = system.now();
    const resolved = await system.request<Incident>('POST', '/v1/incidents/INC-1/status', {
      status: 'resolved',
      note: 'back to normal',
    });
    expect(resolved.body).toMatchObject({ status: 'resolved', timeToResolveMinutes: expect.any(Number) });
    const etag = resolved.headers.get('etag')?.replaceAll('"', '');
    expect(await system.get(`/v1/incidents/INC-1?minVersion=${etag}`)).toMatchObject({ status: 'resolved' });
    await eventually(async () =>
      expect(await system.get('/v1/pages/INC-1-P1')).toMatchObject({
        status: 'cancelled',
        nextAction: null,
      }),
    );
    await eventually(() =>
      expect(pager.requests.map((r) => (r.json as PageNotification).type)).toEqual([
        'page.requested',
        'page.resolved',
      ]),
    );
    const timeline = await system.all<TimelineEntry>('/v1/incidents/INC-1/timeline');
    const times = timeline.map((entry) => entry.at);
    expect([...times].sort()).toEqual(times);
    expect(new Set(timeline.map((entry) => entry.kind))).toEqual(
      new Set(['alert', 'declared', 'page', 'role', 'status', 'note']),
    );
    expect(timeline.filter((entry) => entry.pinned)).toEqual([
      expect.objectContaining({ text: expect.stringContaining('PetSearch') }),
    ]);
    expect(await system.get(`/v1/incidents/INC-1?asOf=${before.toISOString()}`)).toMatchObject({
      status: 'monitoring',
      resolvedAt: null,
    });
    const spent = budgetOver(observations, resolved.body, 30 * 24 * 60, told.objective);
    await eventually(async () =>
      expect(await system.get('/v1/incidents/INC-1/report')).toMatchObject({
        incident: expect.objectContaining({ id: 'INC-1' }),
        budgets: [
          {
            slo: SLO,
            remainingAtStart: expect.closeTo(spent.remainingAtStart, 9),
            remainingAtEnd: expect.closeTo(spent.remainingAtEnd, 9),
            spent: expect.closeTo(spent.spent, 9),
          },
        ],
      }),
    );
    const markdown = await system.get<string>('/v1/incidents/INC-1/report', { accept: 'text/markdown' });
    expect(markdown).toContain('INC-1');
    expect(markdown).toContain('PetSearch');
  });

  test('the status is still what the independent reckoning says, and the log is dense', async () => {
    const seen = await status();
    const expected = sums(observations, Date.parse(seen.asOf), 30 * 24 * 60);
    expect(seen).toMatchObject({ good: expected.good, total: expected.total });
    const events = await system.all<EventEnvelope>('/v1/events?after=0');
    expect(events.map((event) => event.position)).toEqual(events.map((_, i) => i + 1));
    expect(events.filter((event) => event.type === 'bellwether.incident.declared.v1')).toHaveLength(1);
    expect(events.filter((event) => event.type === 'bellwether.page.requested.v1')).toHaveLength(1);
    expect(Date.parse(seen.asOf) - observations[0]!.at).toBeGreaterThan(
      told.history.length > 500 ? 2 * DAY : 0,
    );
  });
});
