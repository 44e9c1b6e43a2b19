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
  };
  expect(summaryOf(event('slo.alert.fired', alert))).toBe(
    'page alert fast of checkout-availability: burn 14.6 over 1h and 1000 over 5m, threshold 14.4, budget remaining -3.1 %',
  );
  expect(summaryOf(event('slo.alert.fired', { ...alert, shortBurn: null, budgetRemaining: null }))).toContain(
    'burn 14.6 over 1h and unknown over 5m, threshold 14.4, budget remaining unknown',
  );
});

test('an event that tells nothing of its own is told by what it is', () => {
  expect(summaryOf(event('slo.defined', {}))).toBe('an SLO was created or changed: x:y');
  expect(summaryOf(event('thing.of-the-future', {}))).toBe('thing.of-the-future');
});
