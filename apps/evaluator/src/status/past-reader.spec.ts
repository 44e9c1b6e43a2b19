import { LogStreams, type PointColumns, sloDefinition } from '@bellwether/contracts';
import type { EventLog } from '@bellwether/event-log';
import { describe, expect, test } from '@jest/globals';
import { PastReader } from './past-reader.js';

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;
const NOW = Date.parse('2026-11-22T10:00:00Z');
const asOf = new Date(NOW);

/** A log that holds the SLO `x`, and measurements of its SLI. */
function logOf(slo: object, columns: readonly PointColumns[]): EventLog {
  const definition = sloDefinition.parse({
    name: 'x',
    service: 'checkout',
    sli: 'availability',
    objective: 0.9,
    indicator: { kind: 'ratio' },
    budgeting: { method: 'occurrences' },
    window: { rolling: '7d' },
    alerting: { preset: 'none' },
    ...slo,
  });
  const meta = { correlationId: 'c', causationId: null, actor: 'user:ada', source: '/test' };
  const streams = new Map<string, object[]>([
    [
      LogStreams.slo('x'),
      [{ type: 'slo.defined', data: definition, version: 1, meta, id: 'defined', occurredAt: asOf }],
    ],
    [
      LogStreams.measurement('checkout', 'availability'),
      columns.map((each, i) => ({ version: i + 1, data: { columns: [each] } })),
    ],
  ]);
  return {
    readStream: async (stream: string, { from = 1, limit = 1_000 } = {}) =>
      (streams.get(stream) ?? []).slice(from - 1, from - 1 + limit),
  } as unknown as EventLog;
}

/** All good, each minute of these days before now. */
function good(from: number, to: number, labels?: Record<string, string>): PointColumns[] {
  return Array.from({ length: from - to }, (_, day): PointColumns => {
    const at = Array.from({ length: 1440 }, (_, i) => NOW - (from - day) * DAY + i * MINUTE);
    return { kind: 'counts', ...(labels && { labels }), at, good: at.map(() => 10), total: at.map(() => 10) };
  });
}

const lastDay = { from: new Date(NOW - DAY), to: asOf, cut: { step: '6h' } };

describe('slices without data that count as bad', () => {
  const silent = { budgeting: { method: 'timeslices', slice: '1m', sliceTarget: 0.95 }, missingData: 'bad' };

  test('do so since the first measurement, however long before the span that was', async () => {
    const reader = new PastReader(logOf(silent, good(30, 10)));
    const { points } = await reader.history('x', lastDay, asOf);
    // A week of silence: all of it is bad, against a tenth that may be.
    for (const point of points) expect(point).toMatchObject({ good: 0, total: 360, budgetRemaining: -9 });
    // The slice that has just begun is not missing yet.
    expect((await reader.forecast('x', undefined, asOf)).remaining).toBeCloseTo(-9, 2);
    expect((await reader.status('x', asOf)).budget.remaining).toBeCloseTo(-9, 2);
  });

  test('count in a gap that the look-back begins in', async () => {
    const reader = new PastReader(logOf(silent, [...good(30, 10), ...good(6, 0)]));
    const { points } = await reader.history('x', lastDay, asOf);
    // At each point the seven days before it have a day less a quarter without data, and so on.
    for (const { at, budgetRemaining } of points) {
      const missing = NOW - 6 * DAY - (Date.parse(at) - 7 * DAY);
      expect(budgetRemaining).toBeCloseTo(1 - missing / (7 * DAY) / 0.1, 2);
    }
  });
});

test('one group of many is what it is beside the others', async () => {
  const regions = ['eu', 'us', 'ap'].flatMap((region) => good(9, 0, { region }));
  const grouped = { groupBy: { label: 'region', cap: 2 } };
  const all = new PastReader(logOf(grouped, regions));
  const total = async (group?: string) =>
    (await all.history('x', lastDay, asOf, group)).points.map((point) => point.total);
  expect(await total('us')).toEqual([3600, 3600, 3600, 3600]);
  expect(await total()).toEqual([10_800, 10_800, 10_800, 10_800]);
  expect(await total('__other__')).toEqual([3600, 3600, 3600, 3600]);
  await expect(total('ap')).rejects.toMatchObject({ problem: { status: 404 } });
});

test('the values of a percentile are counted anew for 92 days at most', async () => {
  const percentile = {
    indicator: { kind: 'percentile', p: 0.95, op: 'lte', value: 0.5 },
    budgeting: { method: 'timeslices', slice: '2m' },
    window: { rolling: '28d' },
  };
  const reader = new PastReader(logOf(percentile, []));
  const history = (days: number) =>
    reader.history('x', { from: new Date(NOW - days * DAY), to: asOf, cut: { points: 10 } }, asOf);
  expect((await history(92)).points).toHaveLength(10);
  await expect(history(93)).rejects.toMatchObject({ problem: { status: 422, errors: [{ path: 'from' }] } });
});
