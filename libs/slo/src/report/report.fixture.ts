import type { Incident, SloMeasured, SloMeasuredPeriods } from '@bellwether/contracts';
import { type ReportKnowledge, type ReportPeriod, reportPeriodBefore, reportPeriodOf } from '../index.js';
import { definition } from '../virtual-time.fixture.js';

export const WEEK = reportPeriodOf('week', 'UTC', '2026-W47') as ReportPeriod;
const BEFORE = reportPeriodBefore(WEEK);

const iso = (at: number): string => new Date(at).toISOString();
/** An instant of the week: days and hours after its beginning. */
export const on = (day: number, hour = 0): string => iso(WEEK.from + (day * 24 + hour) * 3_600_000);

/** How an SLO was, with differences. */
export function measured(
  differences: Partial<SloMeasured> & { spent?: number | null; before?: Partial<SloMeasured> } = {},
): SloMeasuredPeriods {
  const { spent = 0.25, before, ...own } = differences;
  const of = (from: number, to: number, others: Partial<SloMeasured>): SloMeasured => ({
    from: iso(from),
    to: iso(to),
    good: 9990,
    total: 10_000,
    sli: 0.999,
    met: true,
    coverage: 1,
    budget: { atStart: 0.8, atEnd: 0.7, lowest: 0.6, spent },
    ...others,
  });
  return {
    slo: '',
    since: '2026-01-01T00:00:00.000Z',
    period: of(WEEK.from, WEEK.to, own),
    before: of(BEFORE.from, BEFORE.to, before ?? {}),
    days: [
      { date: '2026-11-16', from: on(0), to: on(1), good: 1, total: 1, sli: 1, burn: 0, spent: 0 },
      {
        date: '2026-11-17',
        from: on(1),
        to: on(2),
        good: 1,
        total: 2,
        sli: 0.5,
        burn: 500,
        spent: spent ?? 0,
      },
    ],
    building: false,
  };
}

export const incident = (id: string, differences: Partial<Incident> = {}): Incident => ({
  id,
  title: 'checkout fails',
  summary: null,
  severity: 'sev2',
  status: 'resolved',
  startedAt: on(1),
  detectedAt: on(1),
  declaredAt: on(1),
  acknowledgedAt: null,
  resolvedAt: on(1, 1),
  commander: null,
  roles: {},
  responders: [],
  services: ['checkout'],
  alerts: [],
  escalationPolicy: null,
  labels: {},
  timeToResolveMinutes: 60,
  nextUpdateAt: null,
  mergedInto: null,
  version: 1,
  ...differences,
});

/** What is known of a week of two teams and three services, with differences. */
export function knowledge(differences: Partial<ReportKnowledge> = {}): ReportKnowledge {
  const slo = (name: string, service: string) => definition({ name, service });
  return {
    period: WEEK,
    before: BEFORE,
    asOf: WEEK.to + 3_600_000,
    groupBy: 'team',
    slos: [
      { definition: slo('checkout-availability', 'checkout'), measured: measured() },
      {
        definition: slo('checkout-latency', 'checkout'),
        measured: measured({ met: false, sli: 0.99, spent: 2 }),
      },
      {
        definition: slo('search-availability', 'search'),
        measured: measured({ met: null, sli: null, spent: null }),
      },
      { definition: slo('mail-delivery', 'mail'), measured: 'the definition cannot be evaluated' },
    ],
    teams: new Map([
      ['checkout', 'pay'],
      ['search', 'find'],
      ['mail', null],
    ]),
    alerts: [
      {
        slo: 'checkout-latency',
        severity: 'page',
        tier: 'fast',
        group: null,
        firedAt: on(1),
        resolvedAt: on(1, 1),
        eventId: 'a',
      },
      {
        slo: 'checkout-latency',
        severity: 'ticket',
        tier: 'slow',
        group: { label: 'region', value: 'eu' },
        firedAt: on(1),
        resolvedAt: null,
        eventId: 'b',
      },
      {
        slo: 'checkout-latency',
        severity: 'page',
        tier: 'fast',
        group: null,
        firedAt: on(-2),
        resolvedAt: on(-1),
        eventId: 'c',
      },
    ],
    incidents: [
      incident('INC-3', {
        alerts: [
          {
            kind: 'slo',
            name: 'checkout-latency',
            service: 'checkout',
            severity: 'page',
            tier: 'fast',
            state: 'resolved',
            firedAt: on(1),
            resolvedAt: on(1, 1),
            eventId: 'a',
          },
        ],
      }),
      incident('INC-4', { services: ['search', 'checkout'], timeToResolveMinutes: 30 }),
      incident('INC-5', { status: 'investigating', resolvedAt: null, timeToResolveMinutes: null }),
      incident('INC-6', { mergedInto: 'INC-3' }),
      incident('INC-2', { declaredAt: on(-3) }),
    ],
    ...differences,
  };
}
