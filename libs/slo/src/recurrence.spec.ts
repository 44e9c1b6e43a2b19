import type { Recurrence } from '@bellwether/contracts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { occurrences, recurrenceFaults } from './index.js';

const weekly: Recurrence = {
  rrule: 'FREQ=WEEKLY;BYDAY=FR',
  start: '2026-10-16T17:00',
  duration: '2d',
  timeZone: 'Europe/Berlin',
};
const of = (overrides: Partial<Recurrence>, from: string, to: string, most?: number) =>
  occurrences({ ...weekly, ...overrides }, Date.parse(from), Date.parse(to), most).map((span) =>
    [span.from, span.to].map((at) => new Date(at).toISOString().replace(':00.000Z', 'Z')),
  );

describe('a recurrence', () => {
  test('begins and ends at the same wall-clock time before, over and after a change of clocks', () => {
    expect(of({}, '2026-10-12T00:00Z', '2026-11-09T00:00Z')).toEqual([
      ['2026-10-16T15:00Z', '2026-10-18T15:00Z'],
      ['2026-10-23T15:00Z', '2026-10-25T16:00Z'], // clocks go back on the 25th
      ['2026-10-30T16:00Z', '2026-11-01T16:00Z'],
      ['2026-11-06T16:00Z', '2026-11-08T16:00Z'],
    ]);
  });

  test('of hours lasts exactly so long', () => {
    expect(of({ duration: '48h' }, '2026-10-20T00:00Z', '2026-10-27T00:00Z')).toEqual([
      ['2026-10-23T15:00Z', '2026-10-25T15:00Z'],
    ]);
  });

  test('at a time that is jumped over begins at the jump; at one shown twice, the first time', () => {
    const daily = { rrule: 'FREQ=DAILY', duration: '30m' };
    expect(of({ ...daily, start: '2026-03-28T02:30' }, '2026-03-28T00:00Z', '2026-03-30T02:00Z')).toEqual([
      ['2026-03-28T01:30Z', '2026-03-28T02:00Z'],
      ['2026-03-29T01:00Z', '2026-03-29T01:30Z'],
      ['2026-03-30T00:30Z', '2026-03-30T01:00Z'],
    ]);
    expect(of({ ...daily, start: '2026-10-24T02:30' }, '2026-10-24T12:00Z', '2026-10-25T12:00Z')).toEqual([
      ['2026-10-25T00:30Z', '2026-10-25T01:00Z'],
    ]);
  });

  test('is found from its middle, and never before its start', () => {
    expect(of({}, '2026-10-17T12:00Z', '2026-10-17T12:01Z')).toEqual([
      ['2026-10-16T15:00Z', '2026-10-18T15:00Z'],
    ]);
    expect(of({}, '2026-10-09T00:00Z', '2026-10-16T15:00Z')).toEqual([]);
    expect(of({}, '2026-10-18T15:00Z', '2026-10-23T15:00Z')).toEqual([]);
  });

  test.each([
    ['FREQ=MONTHLY;BYDAY=-1FR', ['2026-10-30', '2026-11-27', '2026-12-25']],
    ['FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1', ['2026-10-30', '2026-11-30', '2026-12-31']],
    ['FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=24,31', ['2026-12-24', '2026-12-31']],
    ['RRULE:freq=weekly;interval=4;byday=fr', ['2026-10-16', '2026-11-13', '2026-12-11']],
    ['FREQ=WEEKLY;COUNT=2', ['2026-10-16', '2026-10-23']],
    ['FREQ=WEEKLY;UNTIL=20261030', ['2026-10-16', '2026-10-23', '2026-10-30']],
    // 17:00 in Berlin is 16:00 UTC on the 30th: the end in UTC lies before it.
    ['FREQ=WEEKLY;UNTIL=20261030T155900Z', ['2026-10-16', '2026-10-23']],
    ['FREQ=WEEKLY;UNTIL=20261030T160000Z', ['2026-10-16', '2026-10-23', '2026-10-30']],
    ['FREQ=WEEKLY;UNTIL=20261030T165900', ['2026-10-16', '2026-10-23']],
  ])('%s', (rrule, days) => {
    const found = of({ rrule }, '2026-10-01T00:00Z', '2027-01-01T00:00Z');
    expect(found.map(([from]) => from?.slice(0, 10))).toEqual(days);
  });

  test('gives no more than it is asked for', () => {
    expect(of({ rrule: 'FREQ=DAILY' }, '2026-12-01T00:00Z', '2036-12-01T00:00Z', 3)).toHaveLength(3);
  });

  test('answers the same for a span as for its parts', () => {
    const day = 86_400_000;
    const begin = Date.parse('2026-10-01T00:00:00Z');
    fc.assert(
      fc.property(
        fc.constantFrom('Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'UTC', 'Pacific/Apia'),
        fc.constantFrom('FREQ=DAILY', 'FREQ=WEEKLY;BYDAY=MO,SU', 'FREQ=MONTHLY;BYMONTHDAY=-1'),
        fc.constantFrom('30m', '26h', '3d', '2w'),
        fc.integer({ min: 0, max: 300 }),
        fc.integer({ min: 1, max: 60 }),
        (timeZone, rrule, duration, after, length) => {
          const recurrence = { ...weekly, timeZone, rrule, duration };
          const [from, to] = [begin + after * day, begin + (after + length) * day];
          const middle = Math.floor((from + to) / 2);
          const parts = [...occurrences(recurrence, from, middle), ...occurrences(recurrence, middle, to)];
          const joined = new Map(parts.map((span) => [span.from, span]));
          expect(occurrences(recurrence, from, to)).toEqual([...joined.values()]);
        },
      ),
      { numRuns: 50 },
    );
  });
});

test('a rule that began long ago is followed as if every date since had been counted', () => {
  const days = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'];
  const byDay = fc.subarray(days, { minLength: 1 }).map((list) => `;BYDAY=${list.join(',')}`);
  const interval = fc.integer({ min: 1, max: 9 }).map((n) => `;INTERVAL=${n}`);
  const rule = fc.oneof(
    interval.map((each) => `FREQ=DAILY${each}`),
    byDay.map((each) => `FREQ=DAILY${each};BYMONTH=1,2,3,12`),
    fc
      .tuple(interval, byDay, fc.constantFrom(...days))
      .map((parts) => `FREQ=WEEKLY${parts[0]}${parts[1]};WKST=${parts[2]}`),
  );
  fc.assert(
    fc.property(rule, fc.integer({ min: 0, max: 4000 }), (rrule, after) => {
      const recurrence = { ...weekly, start: '2016-01-06T17:00', duration: '3d' };
      const from = Date.parse('2016-01-06T00:00Z') + after * 86_400_000;
      const found = (each: string) =>
        occurrences({ ...recurrence, rrule: each }, from, from + 30 * 86_400_000);
      expect(found(rrule)).toEqual(found(`${rrule};COUNT=9999`));
    }),
    { numRuns: 60 },
  );
});

describe('what cannot be followed is refused, with its field', () => {
  test.each<[Partial<Recurrence>, string, RegExp]>([
    [{ rrule: 'FREQ=HOURLY' }, 'rrule', /FREQ must be one of DAILY/],
    [{ rrule: 'BYDAY=FR' }, 'rrule', /must say FREQ/],
    [{ rrule: 'FREQ=WEEKLY;BYDAY=XX' }, 'rrule', /BYDAY must be weekdays/],
    [{ rrule: 'FREQ=WEEKLY;BYDAY=1FR' }, 'rrule', /BYDAY with a number/],
    [{ rrule: 'FREQ=WEEKLY;BYHOUR=9' }, 'rrule', /unknown part "BYHOUR"/],
    [{ rrule: 'DTSTART=20260101;FREQ=DAILY' }, 'rrule', /"start" and "timeZone" stand beside/],
    [{ rrule: 'FREQ=DAILY;FREQ=DAILY' }, 'rrule', /FREQ twice/],
    [{ rrule: 'FREQ=DAILY;INTERVAL=0' }, 'rrule', /INTERVAL must be/],
    [{ rrule: 'FREQ=DAILY;COUNT=2;UNTIL=20270101' }, 'rrule', /not both/],
    [{ rrule: 'FREQ=DAILY;UNTIL=20270230' }, 'rrule', /day of the calendar/],
    [{ rrule: 'FREQ=DAILY;UNTIL=20200101' }, 'rrule', /never comes about/],
    [{ rrule: 'FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30' }, 'rrule', /BYMONTHDAY does not go with FREQ=DAILY/],
    [{ rrule: 'FREQ=DAILY;INTERVAL=7;BYDAY=MO' }, 'rrule', /INTERVAL does not go with BYDAY/],
    [{ rrule: 'FREQ=MONTHLY;BYSETPOS=1' }, 'rrule', /BYSETPOS needs/],
    [{ rrule: 'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30' }, 'rrule', /never comes about/],
    [{ start: '1999-01-01T00:00' }, 'start', /between the years/],
    [{ duration: '53w' }, 'duration', /at most 366d/],
  ])('%j', (overrides, path, message) => {
    expect(recurrenceFaults({ ...weekly, ...overrides })).toEqual([
      { path, message: expect.stringMatching(message) },
    ]);
  });

  test('and what can be is not', () => {
    expect(recurrenceFaults(weekly)).toEqual([]);
    expect(recurrenceFaults({ ...weekly, rrule: 'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29' })).toEqual([]);
  });
});
