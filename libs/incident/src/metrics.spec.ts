import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { durations, incidentMetrics, summarize } from './metrics.js';

const at = (minutes: number) => new Date(Date.UTC(2026, 10, 22, 10, minutes)).toISOString();

describe('durations of an incident', () => {
  test('TTD = detected − started, TTA = acknowledged − detected, TTR = resolved − detected', () => {
    const times = { startedAt: at(0), detectedAt: at(4), acknowledgedAt: at(6), resolvedAt: at(34) };
    expect(durations(times)).toEqual({
      timeToDetectMinutes: 4,
      timeToAcknowledgeMinutes: 2,
      timeToResolveMinutes: 30,
    });
  });

  test('what has not ended has no duration', () => {
    const open = { startedAt: at(0), detectedAt: at(4), acknowledgedAt: null, resolvedAt: null };
    expect(durations(open)).toEqual({
      timeToDetectMinutes: 4,
      timeToAcknowledgeMinutes: null,
      timeToResolveMinutes: null,
    });
  });

  test('a fault that was over before it was detected took no time to resolve', () => {
    const late = { startedAt: at(0), detectedAt: at(10), acknowledgedAt: null, resolvedAt: at(5) };
    expect(durations(late).timeToResolveMinutes).toBe(0);
  });
});

describe('aggregates', () => {
  test('percentiles by nearest rank', () => {
    expect(summarize([40, 10, 20, 30])).toEqual({ count: 4, mean: 25, p50: 20, p90: 40, p99: 40 });
    expect(summarize([])).toEqual({ count: 0, mean: null, p50: null, p90: null, p99: null });
  });

  test('percentiles are durations that occurred, in order', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(10_000), { minLength: 1 }), (minutes) => {
        const { p50, p90, p99 } = summarize(minutes);
        for (const p of [p50, p90, p99]) expect(minutes).toContain(p);
        expect([p50, p90, p99]).toEqual([p50, p90, p99].sort((a, b) => Number(a) - Number(b)));
      }),
    );
  });

  test('a merged incident is not counted', () => {
    const one = {
      startedAt: at(0),
      detectedAt: at(1),
      acknowledgedAt: at(2),
      resolvedAt: at(11),
      mergedInto: null,
    };
    const metrics = incidentMetrics([one, { ...one, resolvedAt: at(50), mergedInto: 'INC-1' }]);
    expect(metrics.incidents).toBe(1);
    expect(metrics.timeToResolve).toEqual({ count: 1, mean: 10, p50: 10, p90: 10, p99: 10 });
  });
});
