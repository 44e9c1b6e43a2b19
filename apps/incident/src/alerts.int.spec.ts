import { type EventEnvelope, type SloAlertFired, toEnvelope } from '@bellwether/contracts';
import { EventLog } from '@bellwether/event-log';
import { defaultSettings } from '@bellwether/incident';
import { eventually } from '@bellwether/testing';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { AlertDesk, firedBySlo } from './alert-desk.js';
import { IncidentIndex } from './incident-index.js';
import { Incidents } from './incidents.js';
import { Rehearsal } from './testing/rehearsal.fixture.js';

jest.setTimeout(60_000);

let stage: Rehearsal;
afterEach(() => stage?.stop());

const minutes = (count: number) => count * 60_000;

describe('a step of an error-budget policy', () => {
  const step = {
    slo: 'checkout-availability',
    service: 'checkout',
    action: 'review',
    remainingBelow: 0.25,
    remaining: 0.2,
    eventTime: '2026-11-22T10:00:00.000Z',
    n: 1,
  } as const;
  const BY = 'service:evaluator';
  const title = 'checkout-availability: 20 % of the error budget is left (review below 25 %)';
  const enters = (overrides: object = {}) =>
    stage.append(
      'slo:checkout-availability',
      'slo.policy.entered',
      {
        ...step,
        title,
        declare: 'sev4',
        escalationPolicy: 'pay',
        ...overrides,
      },
      BY,
    );
  const leaves = (overrides: object = {}) =>
    stage.append(
      'slo:checkout-availability',
      'slo.policy.left',
      {
        ...step,
        enteredAt: step.eventTime,
        reason: 'recovered',
        ...overrides,
      },
      BY,
    );

  test('tells people by an incident that pages with low urgency, and says when it is over', async () => {
    stage = await Rehearsal.start();
    const entered = await enters();
    await enters({ action: 'freeze', remainingBelow: 0.1 });
    await stage.settled();
    const alert = { kind: 'rule', name: 'budget/checkout-availability', severity: 'ticket' };
    expect(await stage.incidents()).toMatchObject([
      {
        id: 'INC-1',
        title,
        severity: 'sev4',
        escalationPolicy: 'pay',
        alerts: [
          { ...alert, tier: 'review below 25 %', state: 'firing', eventId: entered },
          { ...alert, tier: 'freeze below 10 %', state: 'firing' },
        ],
      },
    ]);
    await leaves({ action: 'freeze', remainingBelow: 0.1 });
    await stage.settled();
    const [incident] = await stage.incidents();
    expect(incident?.alerts.map(({ state }) => state)).toEqual(['firing', 'resolved']);
  });

  test('that asks for no incident declares none', async () => {
    stage = await Rehearsal.start();
    await enters({ declare: null });
    await leaves();
    await stage.settled();
    expect(await stage.incidents()).toEqual([]);
  });

  test('joins the outage that spends the budget, and does not bring it back when it is over', async () => {
    stage = await Rehearsal.start();
    await stage.alertFires();
    await enters();
    await stage.alertResolves();
    await leaves();
    await stage.settled();
    expect(await stage.incidents()).toMatchObject([
      { severity: 'sev2', alerts: [{}, { state: 'resolved' }] },
    ]);
    await stage.does('set-status', { incident: 'INC-1', status: 'resolved', note: 'rolled back' });
    await stage.append('service:search', 'service.defined', service('search', []), 'user:ada');
    await stage.alertFires({ slo: 'search-latency', service: 'search' });
    await stage.settled();
    await stage.does('set-status', { incident: 'INC-2', status: 'resolved', note: 'rolled back' });
    // Soon after the end of an outage that no step of its SLO was part of.
    await stage.append(
      'slo:search-latency',
      'slo.policy.entered',
      {
        ...step,
        slo: 'search-latency',
        service: 'search',
        title,
        declare: 'sev4',
      },
      BY,
    );
    await stage.settled();
    expect(await stage.incidents()).toMatchObject([
      { id: 'INC-1', status: 'resolved' },
      { id: 'INC-2', status: 'resolved' },
      { id: 'INC-3', severity: 'sev4' },
    ]);
  });
});

test('an alert on trial that fires again during monitoring does not keep the incident there', async () => {
  stage = await Rehearsal.start();
  await stage.alertFires();
  await stage.alertResolves();
  await stage.alertFires({ declare: null });
  await stage.alertResolves();
  await stage.settled();
  expect((await stage.incidents())[0]).toMatchObject({ status: 'monitoring' });
  stage.clock.advance(defaultSettings.quietPeriodMs + minutes(1));
  await eventually(async () => expect(await stage.incidents()).toMatchObject([{ status: 'resolved' }]));
});

test('an alert on trial does not bring its service into the incident of another', async () => {
  stage = await Rehearsal.start();
  await stage.append('service:checkout', 'service.defined', service('checkout', ['payment']), 'user:ada');
  await stage.settled();
  await stage.alertFires({ slo: 'payment-availability', service: 'payment' });
  await stage.settled();
  await stage.alertFires({ slo: 'on-trial', declare: null });
  await stage.settled();
  expect(await stage.incidents()).toMatchObject([{ services: ['payment'], alerts: [{}] }]);
});

test('an alert on trial is on the timeline of an open incident, which ends without it', async () => {
  stage = await Rehearsal.start();
  await stage.alertFires();
  await stage.alertFires({ slo: 'on-trial', declare: null });
  await stage.settled();
  await stage.alertResolves();
  await stage.settled();
  const [incident, ...others] = await stage.incidents();
  expect(others).toEqual([]);
  expect(incident).toMatchObject({
    status: 'monitoring',
    alerts: [{ state: 'resolved' }, { name: 'on-trial', state: 'firing', declares: false }],
  });
  await stage.does('set-status', { incident: 'INC-1', status: 'resolved', note: 'mended' });
  stage.clock.advance(defaultSettings.stillFiringMs + minutes(1));
  await stage.settled();
  expect(await stage.incidents()).toMatchObject([{ status: 'resolved' }]);
});

describe('an SLO alert', () => {
  test('declares an incident: detected when it fired, started with the fault', async () => {
    stage = await Rehearsal.start();
    const runbookUrl = 'https://runbooks.example.org/checkout';
    const alert = await stage.alertFires({ runbookUrl });
    await stage.settled();
    expect(await stage.incidents()).toMatchObject([
      {
        id: 'INC-1',
        severity: 'sev2',
        status: 'investigating',
        services: ['checkout'],
        startedAt: '2026-11-22T09:56:00.000Z',
        detectedAt: '2026-11-22T10:00:00.000Z',
        alerts: [
          { name: 'checkout-availability', tier: 'fast', state: 'firing', eventId: alert, runbookUrl },
        ],
      },
    ]);
    const declared = (await stage.events()).find((event) => event.type === 'incident.declared');
    expect(declared?.meta).toMatchObject({ causationId: alert, actor: 'service:incident' });
  });

  test('joins the open incident of its service, and those around it for 30 minutes', async () => {
    stage = await Rehearsal.start();
    await stage.append('service:checkout', 'service.defined', service('checkout', ['payments']), 'user:ada');
    await stage.alertFires();
    await stage.alertFires({ tier: 'slow', declare: 'sev1' });
    await stage.alertFires({ slo: 'payments-errors', service: 'payments' });
    await stage.alertFires({ slo: 'search-latency', service: 'search' });
    await stage.settled();
    stage.clock.advance(minutes(31));
    await stage.alertFires({ slo: 'ledger', service: 'ledger' });
    await stage.append('service:ledger', 'service.defined', service('ledger', ['checkout']), 'user:ada');
    await stage.alertFires({ slo: 'ledger-errors', service: 'ledger', severity: 'ticket', declare: null });
    await stage.settled();
    expect(await stage.incidents()).toMatchObject([
      { id: 'INC-1', severity: 'sev1', services: ['checkout', 'payments'], alerts: [{}, {}, {}] },
      { id: 'INC-2', services: ['search'] },
      { id: 'INC-3', services: ['ledger'], alerts: [{ name: 'ledger' }, { severity: 'ticket' }] },
    ]);
  });

  test('of each region, when everything fails, is one incident that is quiet when the last is over', async () => {
    stage = await Rehearsal.start();
    const regions = ['eu', 'us', 'ap'].map((value) => ({ group: { label: 'region', value } }));
    const alerts = [{}, ...regions];
    for (const alert of alerts) await stage.alertFires(alert);
    await stage.settled();
    const { alerts: attached } = (await stage.incidents())[0] ?? { alerts: [] };
    expect(attached.map(({ group }) => group?.value)).toEqual([undefined, 'eu', 'us', 'ap']);
    for (const alert of alerts.slice(0, -1)) await stage.alertResolves(alert);
    await stage.settled();
    expect(await stage.incidents()).toMatchObject([{ status: 'investigating' }]);
    await stage.alertResolves(regions.at(-1));
    await stage.settled();
    const incidents = await stage.incidents();
    expect(incidents).toMatchObject([{ status: 'monitoring' }]);
    expect(incidents[0]?.alerts.every(({ state }) => state === 'resolved')).toBe(true);
  });

  test('that asks for no incident declares none', async () => {
    stage = await Rehearsal.start();
    await stage.alertFires({ severity: 'ticket', declare: null });
    await stage.settled();
    expect(await stage.incidents()).toEqual([]);
  });

  test('that fires again within 30 minutes of the resolve reopens its incident', async () => {
    stage = await Rehearsal.start();
    await stage.alertFires();
    await stage.alertResolves();
    await stage.settled();
    await stage.does('set-status', { incident: 'INC-1', status: 'resolved', note: 'rolled back' });
    stage.clock.advance(minutes(29));
    await stage.alertFires();
    await stage.settled();
    expect(await stage.incidents()).toMatchObject([
      { status: 'investigating', alerts: [{ state: 'firing' }] },
    ]);
    await stage.alertResolves();
    await stage.settled();
    await stage.does('set-status', { incident: 'INC-1', status: 'resolved', note: 'rolled back' });
    stage.clock.advance(minutes(31));
    await stage.alertFires({ tier: 'slow' });
    await stage.settled();
    expect(await stage.incidents()).toMatchObject([{ status: 'resolved' }, { id: 'INC-2' }]);
  });

  test('of a rule declares with its summary', async () => {
    stage = await Rehearsal.start();
    const rule = {
      rule: 'disk-full',
      kind: 'external',
      service: 'db',
      severity: 'page',
      n: 1,
      eventTime: '2026-11-22T10:00:00.000Z',
    } as const;
    const more = {
      summary: 'disk is 99 % full',
      labels: {},
      declare: 'sev3',
      startedAt: rule.eventTime,
    } as const;
    await stage.append('rule:disk-full', 'rule.alert.fired', { ...rule, ...more }, 'service:ingest');
    await stage.append('rule:disk-full', 'rule.alert.resolved', rule, 'service:ingest');
    await stage.settled();
    expect(await stage.incidents()).toMatchObject([
      { title: 'disk is 99 % full', severity: 'sev3', status: 'monitoring', services: ['db'] },
    ]);
  });
});

describe('the alert of a threshold rule', () => {
  const fires = (rule: string, more: object = {}) => {
    const at = stage.clock.now().toISOString();
    const data = { rule, kind: 'threshold', service: 'checkout', severity: 'page', n: 1, ...more } as const;
    const fired = {
      ...data,
      eventTime: at,
      startedAt: new Date(Date.parse(at) - minutes(5)).toISOString(),
      summary: `${rule} is too high`,
      labels: {},
      declare: data.severity === 'page' ? ('sev2' as const) : null,
      runbookUrl: 'https://runbooks.example.org/x',
      escalationPolicy: 'pay',
      ...more,
    };
    return stage.append(`rule:${rule}`, 'rule.alert.fired', fired, 'service:evaluator');
  };
  const resolves = (rule: string, more: object = {}) => {
    const eventTime = stage.clock.now().toISOString();
    const kind = 'threshold' as const;
    const data = { rule, kind, service: 'checkout', severity: 'page' as const, n: 1, eventTime, ...more };
    return stage.append(`rule:${rule}`, 'rule.alert.resolved', data, 'service:evaluator');
  };

  test('declares as it asks, pages through its policy, gathers further ones, and is over with the last page', async () => {
    stage = await Rehearsal.start();
    const fired = await fires('checkout-slow');
    await fires('checkout-busy', { severity: 'ticket' });
    await fires('checkout-errors', { declare: 'sev1' });
    await stage.settled();
    expect(await stage.incidents()).toMatchObject([
      {
        id: 'INC-1',
        title: 'checkout-slow is too high',
        severity: 'sev1',
        status: 'investigating',
        startedAt: '2026-11-22T09:55:00.000Z',
        detectedAt: '2026-11-22T10:00:00.000Z',
        services: ['checkout'],
        escalationPolicy: 'pay',
        alerts: [
          {
            kind: 'rule',
            name: 'checkout-slow',
            severity: 'page',
            tier: null,
            state: 'firing',
            eventId: fired,
          },
          { kind: 'rule', name: 'checkout-busy', severity: 'ticket', state: 'firing' },
          { kind: 'rule', name: 'checkout-errors', severity: 'page', state: 'firing' },
        ],
      },
    ]);
    stage.clock.advance(minutes(5));
    await resolves('checkout-slow');
    await stage.settled();
    expect(await stage.incident()).toMatchObject({ status: 'investigating' });
    await resolves('checkout-errors');
    await stage.settled();
    expect(await stage.incident()).toMatchObject({
      status: 'monitoring',
      alerts: [{ state: 'resolved' }, { state: 'firing' }, { state: 'resolved' }],
    });
  });

  test('of a ticket declares nothing unless it asks for it', async () => {
    stage = await Rehearsal.start();
    await fires('checkout-busy', { severity: 'ticket' });
    await stage.settled();
    expect(await stage.incidents()).toEqual([]);
    await fires('checkout-full', { severity: 'ticket', declare: 'sev4' });
    await stage.settled();
    expect(await stage.incidents()).toMatchObject([{ severity: 'sev4', title: 'checkout-full is too high' }]);
  });
});

describe('when its pages have resolved', () => {
  test('the incident moves to monitoring, and resolves by itself after the quiet period', async () => {
    stage = await Rehearsal.start();
    await stage.alertFires();
    await stage.alertFires({ severity: 'ticket', tier: 'fast', declare: null });
    stage.clock.advance(minutes(5));
    await stage.alertResolves();
    await stage.settled();
    expect(await stage.incident()).toMatchObject({ status: 'monitoring' });
    stage.clock.advance(minutes(29));
    await stage.until(({ vacancyRaised }) => vacancyRaised);
    expect(await stage.incident()).toMatchObject({ status: 'monitoring' });
    stage.clock.advance(minutes(1));
    await stage.until(({ status }) => status === 'resolved');
    expect(await stage.incident()).toMatchObject({ resolvedAt: '2026-11-22T10:35:00.000Z' });
    const resolved = (await stage.events()).filter((event) => event.type === 'incident.resolved');
    expect(resolved).toMatchObject([{ data: { automatic: true } }]);
  });

  test('but not once somebody acknowledged and so took command', async () => {
    stage = await Rehearsal.start();
    await stage.alertFires();
    await stage.settled();
    await stage.acknowledges('ada');
    await stage.alertResolves();
    await stage.settled();
    expect(await stage.incident()).toMatchObject({
      status: 'monitoring',
      acknowledgedAt: '2026-11-22T10:00:00.000Z',
      roles: { commander: 'ada' },
    });
    const { rows } = await stage.log.pool.query('select due_at from incident.incidents');
    expect(rows).toEqual([{ due_at: null }]);
  });
});

describe('one alert, whatever is repeated', () => {
  test('delivered 100 times, by two instances at once, is one incident', async () => {
    stage = await Rehearsal.start();
    const id = await stage.alertFires();
    await stage.settled();
    const position = (await stage.events()).findIndex((event) => event.id === id);
    const recorded = (await stage.events())[position];
    const event = toEnvelope(recorded as NonNullable<typeof recorded>) as EventEnvelope<SloAlertFired>;
    const other = EventLog.open({ connectionString: stage.database.url });
    try {
      const desks = [stage.log, other].map((log) => {
        return new AlertDesk(
          new Incidents(log, stage.clock, defaultSettings),
          new IncidentIndex(defaultSettings),
        );
      });
      const cause = {
        commandId: `reaction:alert-fired:${event.id}`,
        meta: { correlationId: event.correlationid, causationId: event.id, actor: 'service:incident' },
      };
      await Promise.all(
        Array.from({ length: 100 }, (_, i) =>
          desks[i % 2]?.onFired(stage.log.pool, firedBySlo(event), cause),
        ),
      );
    } finally {
      await other.close();
    }
    expect(await stage.incidents()).toMatchObject([{ id: 'INC-1', version: 1 }]);
  });

  test('50 alerts of one service at once, two instances: one incident, all attached, no gap', async () => {
    stage = await Rehearsal.start(2);
    await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        i % 10 === 0
          ? stage.does('declare', { title: `by hand ${i}`, severity: 'sev4', services: ['other'] })
          : stage.alertFires({ slo: `checkout-${i}`, service: 'checkout' }),
      ),
    );
    await stage.settled();
    const incidents = await stage.incidents();
    expect(incidents.map(({ id }) => id).sort()).toEqual([
      'INC-1',
      'INC-2',
      'INC-3',
      'INC-4',
      'INC-5',
      'INC-6',
    ]);
    const burning = incidents.filter(({ services }) => services.includes('checkout'));
    expect(burning).toHaveLength(1);
    expect(burning[0]?.alerts).toHaveLength(45);
  });
});

function service(name: string, dependsOn: string[]) {
  return { name, description: '', tier: 3, dependsOn, runbooks: [], links: [] };
}
