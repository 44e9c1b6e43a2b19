import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { IngestMetrics } from './ingest-metrics.js';
import { receiptOf } from './receipt.js';
import type { Recorded } from './recorder.js';

const done = (status: Recorded['status'], points: number): Recorded => ({ status, points, position: 1 });

test('the receipt of a batch sums what was accepted and what had been, and both are counted', async () => {
  const registry = new Registry();
  const recorded = [done('accepted', 3), done('duplicate', 2), done('accepted', 1)];
  expect(receiptOf(recorded, new IngestMetrics(registry))).toEqual({ accepted: 4, duplicates: 2 });
  const { values = [] } = (await registry.getSingleMetric('measurement_points_total')?.get()) ?? {};
  expect(values.map(({ labels, value }) => ({ ...labels, value }))).toEqual([
    { way: 'http', outcome: 'accepted', value: 4 },
    { way: 'http', outcome: 'duplicate', value: 2 },
  ]);
});
