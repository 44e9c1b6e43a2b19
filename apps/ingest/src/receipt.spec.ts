import { describe, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { IngestMetrics } from './ingest-metrics.js';
import { LogBusy } from './log-busy.js';
import { Refusal } from './measurement/refusal.js';
import { receiptOf } from './receipt.js';
import type { Recorded } from './recorder.js';

type Outcome = PromiseSettledResult<Recorded>;

const done = (status: Recorded['status'], points: number): Outcome => ({
  status: 'fulfilled',
  value: { status, points, position: 1 },
});
const failed = (reason: Error): Outcome => ({ status: 'rejected', reason });

async function counted(outcomes: Outcome[]) {
  const registry = new Registry();
  let answer: unknown;
  try {
    answer = receiptOf(outcomes, new IngestMetrics(registry));
  } catch (error) {
    answer = error;
  }
  const valuesOf = async (name: string) =>
    (await registry.getSingleMetric(name)?.get())?.values.map(({ labels, value }) => ({ ...labels, value }));
  return {
    answer,
    points: await valuesOf('measurement_points_total'),
    refused: await valuesOf('measurements_refused_total'),
  };
}

describe('the receipt of a batch', () => {
  test('sums what was accepted and what had been', async () => {
    const { answer, points } = await counted([
      done('accepted', 3),
      done('duplicate', 2),
      done('accepted', 1),
    ]);
    expect(answer).toEqual({ accepted: 4, duplicates: 2 });
    expect(points).toEqual([
      { way: 'http', outcome: 'accepted', value: 4 },
      { way: 'http', outcome: 'duplicate', value: 2 },
    ]);
  });

  test('is the first failure, and what came behind it is counted all the same', async () => {
    const { answer, points, refused } = await counted([
      done('accepted', 1),
      failed(Refusal.identityReused()),
      done('accepted', 5),
      failed(Refusal.unknownSli('shop', 'latency')),
    ]);
    expect(answer).toMatchObject({ reason: 'identity-reused', path: '1' });
    expect(points).toEqual([{ way: 'http', outcome: 'accepted', value: 6 }]);
    expect(refused).toEqual([
      { way: 'http', reason: 'identity-reused', value: 1 },
      { way: 'http', reason: 'unknown-sli', value: 1 },
    ]);
  });

  test('counts no refusal when the log is away, and names no index for a message alone', async () => {
    expect(await counted([failed(new LogBusy(new Error('away')))])).toMatchObject({
      answer: { name: 'LogBusy' },
      refused: [],
    });
    expect((await counted([failed(Refusal.identityReused())])).answer).toMatchObject({ path: '' });
  });
});
