import type { PointColumns } from '@bellwether/contracts';
import type { RecordedEvent } from '@bellwether/event-log';
import { expect, test } from '@jest/globals';
import { summaryOf } from './summary.js';

const event = (type: string, data: unknown) =>
  ({
    type,
    data,
    stream: 'x:y',
    meta: { actor: 'service:x' },
    occurredAt: new Date(0),
  }) as unknown as RecordedEvent;
const at = [Date.parse('2026-11-22T10:00:00Z')];
const measured = (columns: PointColumns[], points = 1) =>
  summaryOf(
    event('measurement.recorded', { service: 'checkout', sli: 'latency', identity: 'i', points, columns }),
  );

test('measurements are summed up exactly', () => {
  expect(measured([{ kind: 'counts', at, good: [177_499], total: [180_000] }])).toBe(
    'measured checkout/latency: 177499 of 180000 good (1 point at 2026-11-22T10:00:00.000Z)',
  );
  expect(measured([{ kind: 'values', at: [...at, ...at], value: [0.25, 1.5] }], 2)).toContain(
    'values from 0.25 to 1.5 (2 points at',
  );
  expect(measured([{ kind: 'histogram', at, bounds: [0.1], counts: [[3, 4]] }])).toContain(
    'a histogram of 7 observations',
  );
});

test('a source says how it answers, and what is wrong', () => {
  const changed = { service: 'checkout', sli: 'latency', state: 'failing', error: 'it does not answer' };
  expect(summaryOf(event('sli.source-changed', changed))).toBe(
    'source of checkout/latency: failing: it does not answer',
  );
  expect(summaryOf(event('sli.source-changed', { ...changed, state: 'ok', error: null }))).toBe(
    'source of checkout/latency: ok',
  );
});

test('an alert says its burn rates, its threshold and what is left', () => {
  const alert = {
    slo: 'checkout-availability',
    severity: 'page',
    tier: 'fast',
    longWindow: '1h',
    shortWindow: '5m',
    longBurn: 14.62,
    shortBurn: 1000.04,
    threshold: 14.4,
    budgetRemaining: -0.0312,
    evidence: null,
  };
  expect(summaryOf(event('slo.alert.fired', alert))).toBe(
    'page alert fast of checkout-availability: burn 14.6 over 1h and 1000 over 5m, threshold 14.4, budget remaining -3.1 %',
  );
  expect(summaryOf(event('slo.alert.fired', { ...alert, shortBurn: null, budgetRemaining: null }))).toContain(
    'burn 14.6 over 1h and unknown over 5m, threshold 14.4, budget remaining unknown',
  );
});

test('an alert says what its windows saw, and where that stands in the log', () => {
  const alert = {
    slo: 'a',
    severity: 'page',
    tier: 'fast',
    longWindow: '1h',
    shortWindow: '5m',
    longBurn: 15,
    shortBurn: 20,
    threshold: 14.4,
    budgetRemaining: 0.5,
    evidence: {
      journal: 'measurement-03',
      position: 95,
      eventId: 'x',
      from: '',
      to: '',
      good: 850,
      total: 1000,
      shortGood: 20.5,
      shortTotal: 22,
    },
  };
  const window = {
    journal: 'measurement-03',
    first: 12,
    last: 96,
    measurements: 84,
    points: 90,
    more: false,
  };
  const said = (data: object, seen: typeof window | null) => summaryOf(event('slo.alert.fired', data), seen);
  expect(said(alert, window)).toBe(
    'page alert fast of a: burn 15 over 1h and 20 over 5m, threshold 14.4, budget remaining 50 %; 850 of 1000 good over 1h and 20.5 of 22 over 5m, from 90 points in 84 measurements (positions 12 to 96 of measurement-03)',
  );
  expect(said(alert, { ...window, first: 96, measurements: 1, points: 1 })).toContain(
    'from 1 point in 1 measurement (position 96 of measurement-03)',
  );
  expect(said(alert, { ...window, more: true })).toContain(
    'from more than 90 points in 84 measurements (positions up to 96 of measurement-03)',
  );
  // Archived since, or of a version that did not note the short window.
  expect(said(alert, null)).toMatch(/; 850 of 1000 good over 1h and 20.5 of 22 over 5m$/);
  const { shortGood, shortTotal, ...older } = alert.evidence;
  expect([shortGood, shortTotal]).toEqual([20.5, 22]);
  expect(said({ ...alert, evidence: older }, null)).toMatch(/; 850 of 1000 good over 1h$/);
  expect(said({ ...alert, evidence: null }, null)).toMatch(/remaining 50 %$/);
});

test('an event that tells nothing of its own is told by what it is', () => {
  expect(summaryOf(event('slo.defined', {}))).toBe('an SLO was created or changed: x:y');
  expect(summaryOf(event('thing.of-the-future', {}))).toBe('thing.of-the-future');
});

test('the alert of a threshold rule says what was measured and what it was compared with', () => {
  const alert = {
    rule: 'checkout-slow',
    kind: 'threshold',
    severity: 'page',
    summary: 'checkout answers slowly',
    measured: {
      sli: 'latency',
      aggregate: 'p95',
      window: '5m',
      op: 'gt',
      value: 1.41392,
      threshold: 1,
      clear: 0.8,
      unit: 's',
      for: '2m',
    },
  };
  expect(summaryOf(event('rule.alert.fired', alert))).toBe(
    'page alert of rule checkout-slow: checkout answers slowly; p95 of latency over 5m is 1.414 s (fires above 1 s for 2m, resolves at 0.8 s)',
  );
  const resolved = {
    ...alert,
    reason: 'recovered',
    measured: {
      ...alert.measured,
      aggregate: 'rate',
      unit: '1/s',
      for: '0s',
      value: null,
      op: 'lte',
      clear: 1,
    },
  };
  expect(summaryOf(event('rule.alert.resolved', resolved))).toBe(
    'page alert of rule checkout-slow resolved (recovered); rate of latency over 5m is not measured (fires up to 1 a second)',
  );
  // An SLI that fell silent, or what another monitoring system says, measures nothing.
  const absent = { rule: 'absent/a/b', kind: 'absent', severity: 'ticket', summary: 'a/b is silent' };
  expect(summaryOf(event('rule.alert.fired', absent))).toBe('ticket alert of rule absent/a/b: a/b is silent');
});
