import type { RecordedEvent } from '@bellwether/event-log';
import { describe, expect, test } from '@jest/globals';
import { periodIdentity, recordedPeriods } from './recorded-periods.js';

const MINUTE = 60_000;
const noon = Date.parse('2026-11-22T12:00:00Z');
const sli = { service: 'checkout', name: 'availability' };
const own = (end: number, every = MINUTE) => periodIdentity('checkout/availability', every, end);

/** What is found in a stream whose measurements have these identities. */
function found(identities: string[], every = MINUTE) {
  let reads = 0;
  const log = {
    streamVersion: async () => identities.length,
    readStream: async (_: string, { from = 1, limit = 0 } = {}) => {
      reads++;
      return identities
        .slice(from - 1, from - 1 + limit)
        .map((identity) => ({ data: { identity } }) as unknown as RecordedEvent);
    },
  };
  return recordedPeriods(log, sli, every).then((periods) => ({ ...periods, reads }));
}

test('an identity is the SLI, the length of the period and its end', () => {
  expect(own(noon)).toBe('source:prometheus checkout/availability 1m 2026-11-22T12:00:00.000Z');
});

test('nothing is recorded', async () => {
  expect(await found([])).toEqual({ after: null, known: new Set(), reads: 0 });
  expect(await found(['key:mine', 'request:1'])).toMatchObject({ after: null });
});

test('of the last ones those that are there are known, and it goes on at the earliest', async () => {
  const ends = [noon, noon + 3 * MINUTE, noon + MINUTE];
  expect(await found(ends.map((end) => own(end)))).toMatchObject({ after: noon, known: new Set(ends) });
});

test('only as many as are recorded at a time can have holes', async () => {
  const ends = Array.from({ length: 300 }, (_, i) => noon + i * MINUTE);
  const { after, known, reads } = await found(ends.map((end) => own(end)));
  expect([after, known.size, reads]).toEqual([noon + 250 * MINUTE, 50, 1]);
});

test('measurements of others between them are looked past', async () => {
  const others = Array.from({ length: 900 }, (_, i) => `key:${i}`);
  expect(await found([own(noon), ...others])).toMatchObject({ after: noon });
  expect(await found(['source:prometheus checkout/other 1m 2026-11-22T12:00:00.000Z'])).toMatchObject({
    after: null,
  });
});

describe('the period has become another one', () => {
  test('up to the last one of before everything is known', async () => {
    const before = [own(noon, 5 * MINUTE), own(noon + 5 * MINUTE, 5 * MINUTE)];
    expect(await found(before)).toMatchObject({ after: noon + 5 * MINUTE, known: new Set() });
    const since = [noon + 6 * MINUTE, noon + 7 * MINUTE];
    expect(await found([...before, ...since.map((end) => own(end))])).toMatchObject({
      after: noon + 6 * MINUTE,
      known: new Set(since),
    });
  });
});
