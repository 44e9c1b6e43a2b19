import type { GoldenSignals, GoldenSignalsDefinition, PointColumns, Sli } from '@bellwether/contracts';
import { describe, expect, test } from '@jest/globals';
import {
  classifier,
  goldenSignalsOf,
  IndicatorBuckets,
  needsOf,
  planSignals,
  readRule,
  signalFaults,
  signalSlis,
} from '../index.js';
import { EPOCH } from '../virtual-time.fixture.js';

const MINUTE = 60_000;
type Measured = Record<string, { unit: Sli['unit']; columns: PointColumns[] }>;

/** The signals of a service whose SLIs measured something, five minutes after EPOCH unless said otherwise. */
function signals(
  measured: Measured,
  definition?: GoldenSignalsDefinition,
  at = EPOCH + 5 * MINUTE,
): GoldenSignals {
  const slis = Object.entries(measured).map(([name, { unit }]) => ({ name, unit }));
  const found = planSignals('checkout', definition, slis).map((plan) => {
    const known = plan.sli === null ? undefined : measured[plan.sli];
    if (plan.rule === null || known === undefined) return { plan, reading: { unknown: 'no SLI' } };
    const buckets = new IndicatorBuckets({ needs: needsOf([], [plan.rule]) });
    const classify = classifier(plan.rule.measure, known.unit);
    for (const columns of known.columns) classify(columns, (...point) => buckets.observe(...point));
    return { plan, reading: readRule(plan.rule, buckets, at) };
  });
  return goldenSignalsOf('checkout', at, found);
}

const minutes = [0, 1, 2, 3, 4].map((minute) => EPOCH + minute * MINUTE);
const values = (unit: Sli['unit'], value: number): Measured[string] => ({
  unit,
  columns: [{ kind: 'values', at: minutes, value: minutes.map(() => value) }],
});
const counts = (good: number, total: number): Measured[string] => ({
  unit: 'count',
  columns: [{ kind: 'counts', at: minutes, good: minutes.map(() => good), total: minutes.map(() => total) }],
});

describe('a service whose SLIs have the usual names', () => {
  test('is ok while latency, errors and saturation are below their thresholds, each in its unit', () => {
    const found = signals({
      latency: values('ms', 250),
      availability: counts(1199, 1200),
      saturation: values('percent', 42),
    });
    expect(found).toMatchObject({
      service: 'checkout',
      asOf: new Date(EPOCH + 5 * MINUTE).toISOString(),
      status: 'ok',
      latency: { status: 'ok', unit: 's', threshold: 1, sli: 'latency', aggregate: 'p95', window: '5m' },
      traffic: { status: 'ok', value: 20, unit: '1/s', threshold: null, sli: 'availability' },
      errors: { status: 'ok', unit: 'ratio', threshold: 0.01, sli: 'availability', detail: null },
      saturation: { status: 'ok', value: 0.42, unit: 'ratio', threshold: 0.8, level: 'warning' },
    });
    expect(found.latency.value).toBeCloseTo(0.25, 2);
    expect(found.errors.value).toBeCloseTo(1 / 1200, 12);
  });

  test('is critical by latency above 1 s or errors above 1 %, and warned of by saturation above 80 %', () => {
    expect(signals({ latency: values('s', 1.2) })).toMatchObject({
      status: 'critical',
      latency: { status: 'critical' },
      traffic: { status: 'unknown', sli: null },
    });
    expect(signals({ availability: counts(988, 1000) })).toMatchObject({
      status: 'critical',
      errors: { status: 'critical', value: 0.012 },
      traffic: { status: 'ok' },
    });
    expect(signals({ saturation: values('ratio', 0.85) })).toMatchObject({
      status: 'warning',
      saturation: { status: 'warning', value: expect.closeTo(0.85, 9) },
    });
  });

  test('exactly on a threshold is not above it', () => {
    expect(signals({ errors: counts(99, 100), saturation: values('percent', 80) })).toMatchObject({
      errors: { status: 'ok', value: 0.01 },
      saturation: { status: 'ok', value: 0.8 },
    });
  });

  test('errors that are measured as a share are one of bad events, availability is one of good ones', () => {
    expect(signals({ errors: values('percent', 2) }).errors).toMatchObject({
      status: 'critical',
      value: 0.02,
      aggregate: 'mean',
    });
    expect(signals({ availability: values('percent', 99.5) }).errors).toMatchObject({
      status: 'ok',
      value: expect.closeTo(0.005, 9),
      aggregate: 'ratio',
    });
  });

  test('what has an SLI of its own is measured by that', () => {
    const measured = { traffic: counts(600, 600), errors: counts(1, 1), availability: counts(0, 60) };
    expect(signals(measured)).toMatchObject({
      traffic: { sli: 'traffic', value: 10 },
      errors: { sli: 'errors', value: 0 },
    });
  });
});

describe('what nothing fresh was measured of is unknown, never ok', () => {
  test('without an SLI, without measurements, and with none in the window', () => {
    expect(signals({})).toMatchObject({ status: 'unknown', latency: { status: 'unknown', value: null } });
    const none: Measured = { latency: { unit: 's', columns: [] } };
    expect(signals(none).latency).toMatchObject({
      status: 'unknown',
      detail: 'nothing was measured of latency in the last 5m of complete minutes',
      watermark: null,
    });
    expect(signals({ latency: values('s', 0.1) }, undefined, EPOCH + 20 * MINUTE).latency).toMatchObject({
      status: 'unknown',
      watermark: new Date(EPOCH + 4 * MINUTE).toISOString(),
    });
  });

  test('once it is stale, though its last values are good; bad ones stay bad as long as the window has them', () => {
    const at = EPOCH + 8 * MINUTE;
    expect(signals({ latency: values('s', 0.1) }, undefined, at).latency).toMatchObject({
      status: 'unknown',
      detail: 'no measurement for more than 3 cadences of 1m',
    });
    expect(signals({ latency: values('s', 3) }, undefined, at).latency).toMatchObject({
      status: 'critical',
      detail: null,
    });
  });

  test('no traffic that was measured is a value', () => {
    expect(signals({ traffic: counts(0, 0) }).traffic).toMatchObject({ status: 'ok', value: 0 });
    expect(signals({ traffic: counts(0, 0) }).errors).toMatchObject({ status: 'unknown', value: null });
  });
});

describe('a service says what is otherwise', () => {
  test('another SLI, aggregate, threshold and level', () => {
    const definition: GoldenSignalsDefinition = {
      latency: { sli: 'page-load', aggregate: 'p99', threshold: 300, unit: 'ms', level: 'warning' },
      traffic: { threshold: 30 },
      errors: { threshold: 0.0005 },
      saturation: { aggregate: 'max', op: 'gte', threshold: 90, unit: 'percent', level: 'critical' },
    };
    const measured = {
      'page-load': values('s', 0.4),
      availability: counts(1199, 1200),
      saturation: values('percent', 90),
    };
    expect(signals(measured, definition)).toMatchObject({
      latency: { status: 'warning', sli: 'page-load', unit: 'ms', threshold: 300, aggregate: 'p99' },
      traffic: { status: 'critical', value: 20, threshold: 30, op: 'lt' },
      errors: { status: 'critical', threshold: 0.0005 },
      saturation: { status: 'critical', unit: 'percent', threshold: 90, op: 'gte' },
    });
    expect(signalSlis(definition)).toEqual(['page-load', 'traffic', 'availability', 'errors', 'saturation']);
  });

  test('what cannot be measured so is refused by its field', () => {
    const slis = [{ name: 'latency', unit: 'bytes' }] as const;
    expect(
      signalFaults('checkout', { latency: {}, traffic: { window: '4d' }, errors: { threshold: 1 } }, slis),
    ).toEqual([
      { path: 'goldenSignals.latency.unit', message: 'is "s", but the SLI is measured in "bytes"' },
      { path: 'goldenSignals.traffic.window', message: expect.stringContaining('not be longer than 3d') },
      { path: 'goldenSignals.errors.threshold', message: expect.stringContaining('from 0 to 1') },
    ]);
    expect(signalFaults('checkout', undefined, [])).toEqual([]);
  });
});
