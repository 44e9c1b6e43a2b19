import { setTimeout as delay } from 'node:timers/promises';
import { ManualClock } from '@bellwether/contracts';
import { expect, test } from '@jest/globals';
import { Upkeep } from './upkeep.js';

const HOUR = 3_600_000;

/** Rounds done, and a way to let the upkeep look at its clock. */
function kept(work: (round: number, signal: AbortSignal) => Promise<void> = async () => {}) {
  const clock = new ManualClock('2026-11-22T10:00:00Z');
  const errors: unknown[] = [];
  let rounds = 0;
  const upkeep = new Upkeep({
    clock,
    everyMillis: HOUR,
    work: (signal) => work(++rounds, signal),
    onError: (error) => errors.push(error),
    pollMs: 1,
  }).start();
  const looks = async () => {
    for (let look = 0; look < 5; look += 1) await delay(2);
  };
  return { clock, errors, upkeep, looks, rounds: () => rounds };
}

test('is done at the start, and again when the clock says so', async () => {
  const { clock, upkeep, looks, rounds } = kept();
  await looks();
  expect(rounds()).toBe(1);
  clock.advance(HOUR - 1);
  await looks();
  expect(rounds()).toBe(1);
  clock.advance(1);
  await looks();
  expect(rounds()).toBe(2);
  clock.advance(-5 * HOUR);
  await looks();
  expect(rounds()).toBe(3);
  await upkeep.stop();
});

test('goes on after a round that failed', async () => {
  const { clock, errors, upkeep, looks, rounds } = kept(async (round) => {
    if (round === 1) throw new Error('the database is away');
  });
  await looks();
  clock.advance(HOUR);
  await looks();
  expect([rounds(), errors]).toEqual([2, [new Error('the database is away')]]);
  await upkeep.stop();
});

test('stops a round that is at work, and says nothing of it', async () => {
  const { errors, upkeep, looks } = kept(async (_, signal) => {
    await delay(60_000, undefined, { signal });
  });
  await looks();
  await upkeep.stop();
  expect(errors).toEqual([]);
});
