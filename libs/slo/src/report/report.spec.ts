import { report as schema } from '@bellwether/contracts';
import { describe, expect, test } from '@jest/globals';
import { reportOf } from '../index.js';
import { incident, knowledge, measured, on, WEEK } from './report.fixture.js';

const report = reportOf(knowledge());
const sloNamed = (name: string, of = report) =>
  of.groups.flatMap(({ slos }) => slos).find(({ slo }) => slo === name);

describe('a report', () => {
  test('says what it is about, and is what the contract says', () => {
    expect(schema.parse(report)).toEqual(report);
    expect(report).toMatchObject({
      period: 'week',
      at: '2026-W47',
      from: '2026-11-16T00:00:00.000Z',
      to: '2026-11-23T00:00:00.000Z',
      complete: true,
      before: { at: '2026-W46', from: '2026-11-09T00:00:00.000Z' },
    });
    expect(reportOf(knowledge({ asOf: WEEK.to - 1 })).complete).toBe(false);
  });

  test('tells SLOs that were met, missed, without data and not measured apart', () => {
    expect(report.summary.slos).toEqual({ total: 4, met: 1, missed: 1, noData: 1, unknown: 1 });
    expect(report.summary.before.slos).toEqual({ total: 4, met: 3, missed: 0, noData: 0, unknown: 1 });
    expect(sloNamed('search-availability')).toMatchObject({ verdict: 'no-data' });
    expect(sloNamed('mail-delivery')).toMatchObject({
      verdict: 'unknown',
      measured: null,
      before: null,
      days: [],
      note: 'the definition cannot be evaluated',
    });
  });

  test('has the alerts that fired within it, and counts those of the period before', () => {
    expect(sloNamed('checkout-latency')).toMatchObject({
      alertCounts: { page: 1, ticket: 1 },
      alerts: [
        { severity: 'page', tier: 'fast', firedAt: on(1), resolvedAt: on(1, 1) },
        { severity: 'ticket', tier: 'slow', resolvedAt: null },
      ],
      before: { alertCounts: { page: 1, ticket: 0 } },
    });
    expect(report.summary).toMatchObject({
      alerts: { page: 1, ticket: 1 },
      before: { alerts: { page: 1, ticket: 0 } },
    });
  });

  test('has the incidents that were declared within it, those that were merged in another once', () => {
    expect(report.summary.incidents).toEqual({ declared: 3, resolved: 2, meanTimeToResolveMinutes: 45 });
    expect(report.summary.before.incidents).toEqual({
      declared: 1,
      resolved: 1,
      meanTimeToResolveMinutes: 60,
    });
    expect(sloNamed('checkout-latency')?.incidents).toEqual(['INC-3']);
    expect(sloNamed('checkout-availability')?.incidents).toEqual([]);
  });

  test('names the worst day, and none where nothing was spent', () => {
    expect(sloNamed('checkout-latency')?.worstDay).toMatchObject({ date: '2026-11-17', spent: 2 });
    expect(sloNamed('search-availability')?.worstDay).toBeNull();
    expect(report.summary.mostSpent).toEqual({ slo: 'checkout-latency', spent: 2 });
  });
});

describe('groups', () => {
  test('are teams, each with what it has, the nameless one last', () => {
    expect(report.groups.map(({ name, slos }) => [name, slos.map(({ slo }) => slo)])).toEqual([
      ['find', ['search-availability']],
      ['pay', ['checkout-latency', 'checkout-availability']],
      [null, ['mail-delivery']],
    ]);
    const [find, pay] = report.groups;
    expect(pay?.incidents.map(({ id }) => id)).toEqual(['INC-3', 'INC-4', 'INC-5']);
    expect(find?.incidents.map(({ id }) => id)).toEqual(['INC-4']);
    expect(find?.summary).toMatchObject({
      slos: { total: 1, noData: 1 },
      alerts: { page: 0, ticket: 0 },
      incidents: { declared: 1, meanTimeToResolveMinutes: 30 },
      mostSpent: null,
    });
  });

  test('or services, those too that have incidents and no SLO', () => {
    const teams = new Map([...knowledge().teams, ['stock', 'pay']]);
    const incidents = [incident('INC-9', { services: ['stock', 'elsewhere'] })];
    const { groups } = reportOf(knowledge({ groupBy: 'service', teams, incidents }));
    expect(groups.map(({ name }) => name)).toEqual(['checkout', 'mail', 'search', 'stock']);
    expect(groups.at(-1)).toMatchObject({ slos: [], incidents: [{ id: 'INC-9' }] });
  });
});

describe('a note', () => {
  const note = (differences: object) => {
    const [slo] = knowledge().slos;
    const slos = [{ ...(slo as NonNullable<typeof slo>), measured: { ...measured(), ...differences } }];
    return sloNamed('checkout-availability', reportOf(knowledge({ slos })))?.note;
  };

  test('says how much of the period is known', () => {
    expect(note({})).toBeNull();
    expect(note({ since: null })).toBe('nothing was measured yet');
    expect(note({ since: on(2) })).toBe(`measured since ${on(2)}`);
    expect(note({ period: { ...measured().period, coverage: 0.615 } })).toBe(
      '61 % of the expected measurements are there',
    );
    expect(note({ building: true })).toContain('not complete');
  });
});
