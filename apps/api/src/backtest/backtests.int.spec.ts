import path from 'node:path';
import { type BacktestProgress, sloDefinition } from '@bellwether/contracts';
import { sourceWorker } from '@bellwether/testing';
import { describe, expect, jest, test } from '@jest/globals';
import { Backtests } from './backtests.js';

// Threads start from source here, on a machine that may be busy.
jest.setTimeout(60_000);

const job = (name: string) => ({
  definition: sloDefinition.parse({
    name,
    service: 'checkout',
    sli: 'availability',
    objective: 0.99,
    indicator: { kind: 'ratio' },
    budgeting: { method: 'occurrences' },
    window: { rolling: '30d' },
  }),
  from: 0,
  to: 60_000,
  points: 10,
  corrections: [],
  grace: 0,
  warnings: [],
});

function backtests(options: Partial<ConstructorParameters<typeof Backtests>[0]> = {}) {
  return new Backtests({
    databaseUrl: 'postgres://nowhere',
    signal: new AbortController().signal,
    worker: sourceWorker(path.join(import.meta.dirname, 'slow-worker.fixture.ts')),
    ...options,
  });
}

/** Starts one that never ends, and waits until it works. */
function start(all: Backtests) {
  const gone = new AbortController();
  all.admit();
  let working: (progress: BacktestProgress) => void = () => {};
  const works = new Promise<BacktestProgress>((resolve) => {
    working = resolve;
  });
  const end = all.run(job('endless'), gone.signal, working).catch((error: unknown) => error);
  return { gone, works, end };
}

test('more than may run at once are refused, until one ends because nobody waits for it any more', async () => {
  const all = backtests({ most: 1 });
  const first = start(all);
  expect(await first.works).toEqual({ phase: 'reading', done: 1, of: 2 });
  expect(() => all.admit()).toThrow(
    expect.objectContaining({
      problem: expect.objectContaining({ status: 503 }),
      headers: { 'retry-after': '5' },
    }),
  );
  first.gone.abort();
  expect(await first.end).toMatchObject({ problem: { status: 503 } });
  expect(all.running).toBe(0);
  const second = start(all);
  await second.works;
  second.gone.abort();
  await second.end;
  expect(all.running).toBe(0);
});

test('one that takes too long is ended', async () => {
  const all = backtests({ patienceMs: 50 });
  expect(await start(all).end).toMatchObject({
    problem: { status: 503, detail: expect.stringContaining('was ended after') },
  });
  expect(all.running).toBe(0);
});

test('all are ended when the process drains', async () => {
  const draining = new AbortController();
  const all = backtests({ signal: draining.signal });
  const ends = [start(all).end, start(all).end];
  draining.abort();
  for (const end of ends) expect(await end).toMatchObject({ problem: { status: 503 } });
  expect(all.running).toBe(0);
});

describe('a thread that', () => {
  const run = async (name: string, options = {}) => {
    const all = backtests(options);
    all.admit();
    const error = await all.run(job(name), new AbortController().signal).catch((reason: unknown) => reason);
    expect(all.running).toBe(0);
    return error;
  };

  test('takes more memory than it may is ended alone, and the remedy is named', async () => {
    expect(await run('greedy', { memoryMib: 64 })).toMatchObject({
      problem: { status: 422, errors: [{ path: 'from', message: expect.stringContaining('shorter span') }] },
    });
  });

  test.each(['broken', 'silent'])('is %s fails that request as a fault of ours', async (name) => {
    const error = await run(name);
    expect(error).toMatchObject({ message: expect.any(String) });
    expect(error).not.toHaveProperty('problem');
  });
});
