import type { CorrectionBody, Recurrence } from '@bellwether/contracts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Corrections, correctionFaults, MINUTE } from '../index.js';
import { EPOCH } from '../virtual-time.fixture.js';
import { correction, corrections, type Given, recurring } from './corrections.fixture.js';

const START = EPOCH / MINUTE;
const HOUR = 60;
const DAY = 24 * HOUR;

const once = (from: string, to: string, effect: CorrectionBody['effect'] = 'exclude'): Corrections =>
  new Corrections([correction({ from, to, effect })]);
const minuteOf = (time: string): number => Date.parse(time) / MINUTE;
/** Spans between two times, as `effect from to`. */
const spansOf = (mask: Corrections, from: string, to: string): string[] =>
  mask
    .spans(minuteOf(from), minuteOf(to) - 1)
    .map(({ effect, from: low, to: high }) =>
      [effect, ...[low, high].map((minute) => new Date(minute * MINUTE).toISOString().slice(0, 16))].join(
        ' ',
      ),
    );

describe('a correction', () => {
  test('holds for every minute that its span touches, and for no other', () => {
    const mask = once('2026-03-01T10:00:30Z', '2026-03-01T10:02:00.001Z');
    const at = (time: string) => mask.at(minuteOf(`2026-03-01T${time}:00Z`));
    expect(['09:59', '10:00', '10:01', '10:02', '10:03'].map(at)).toEqual([
      null,
      'exclude',
      'exclude',
      'exclude',
      null,
    ]);
    expect(once('2026-03-01T10:00:00Z', '2026-03-01T10:02:00Z').minutes(START, START + 90 * DAY)).toEqual({
      exclude: 2,
      good: 0,
    });
  });

  test('that excludes wins over one that counts as good', () => {
    const mask = corrections(['good', 0, 60], ['exclude', 10, 20], ['good', 15, 70], ['exclude', 60, 65]);
    expect(
      mask.spans(START, START + 100).map(({ effect, from, to }) => [effect, from - START, to - START]),
    ).toEqual([
      ['good', 0, 10],
      ['exclude', 10, 20],
      ['good', 20, 60],
      ['exclude', 60, 65],
      ['good', 65, 70],
    ]);
    expect(mask.minutes(START, START + 100)).toEqual({ exclude: 15, good: 55 });
  });

  test('is folded from the events of its SLO, in which nothing is ever lost', () => {
    const event = (change: string, id: string) => ({
      type: 'slo.corrected',
      data: { slo: 's', service: 'x', by: 'user:ada', change, ...correction({ id, from: 'a', to: 'b' }) },
    });
    const none = Corrections.NONE.evolve({ type: 'slo.alert.fired', data: {} });
    expect(none).toBe(Corrections.NONE);
    const two = none.evolve(event('added', 'c1')).evolve(event('added', 'c2'));
    expect(two.list).toEqual([
      correction({ from: 'a', to: 'b' }),
      correction({ id: 'c2', from: 'a', to: 'b' }),
    ]);
    const one = two.evolve(event('withdrawn', 'c1')).evolve(event('withdrawn', 'c1'));
    expect(one.list.map(({ id }) => id)).toEqual(['c2']);
    expect(one.evolve(event('withdrawn', 'c2')).key).toBe('');
  });

  test('is told from others by what it does: not by its id, its reason or its place among them', () => {
    const [a, b] = [['exclude', 0, 10] as const, ['good', 20, 30] as const];
    expect(corrections(a, b).key).toBe(corrections(b, a).key);
    expect(corrections(a, b, a).key).toBe(corrections(a, b).key);
    const others = [corrections(a), corrections(b), corrections(), corrections(['good', 0, 10], b)];
    expect(new Set([corrections(a, b), ...others].map(({ key }) => key)).size).toBe(5);
  });
});

describe('a correction that comes again', () => {
  const nightly: Recurrence = {
    rrule: 'FREQ=DAILY',
    start: '2026-01-05T02:00',
    duration: '2h',
    timeZone: 'Europe/Berlin',
  };

  test('keeps to the wall clock of its zone over changes of it, without end', () => {
    const mask = recurring('exclude', nightly);
    expect(spansOf(mask, '2026-01-04T00:00Z', '2026-01-06T00:00Z')).toEqual([
      'exclude 2026-01-05T01:00 2026-01-05T03:00',
    ]);
    // Clocks go from 2:00 to 3:00: what begins at 2:00 begins at the jump.
    expect(spansOf(mask, '2026-03-28T00:00Z', '2026-03-31T00:00Z')).toEqual([
      'exclude 2026-03-28T01:00 2026-03-28T03:00',
      'exclude 2026-03-29T01:00 2026-03-29T03:00',
      'exclude 2026-03-30T00:00 2026-03-30T02:00',
    ]);
    expect(spansOf(mask, '2046-07-01T00:00Z', '2046-07-02T00:00Z')).toEqual([
      'exclude 2046-07-01T00:00 2046-07-01T02:00',
    ]);
    expect(mask.minutes(minuteOf('2026-02-01T00:00Z'), minuteOf('2026-02-28T23:59Z')).exclude).toBe(28 * 120);
  });

  test('is bounded by from and to, which cut it', () => {
    const mask = recurring('good', nightly, { from: '2026-02-01T02:00:00Z', to: '2026-02-03T00:00:00Z' });
    expect(spansOf(mask, '2026-01-01T00:00Z', '2027-01-01T00:00Z')).toEqual([
      'good 2026-02-01T02:00 2026-02-01T03:00',
      'good 2026-02-02T01:00 2026-02-02T03:00',
    ]);
  });
});

describe('whatever the corrections', () => {
  // Around where one worked-out stretch of time ends and the next begins, too.
  const edge = Math.ceil(START / (64 * DAY)) * 64 * DAY - START;
  const spans = fc.array(
    fc
      .tuple(
        fc.constantFrom('exclude' as const, 'good' as const),
        fc.integer({ min: -40, max: 40 }),
        fc.nat(30),
      )
      .map(([effect, from, length]): Given => [effect, edge + from, edge + from + length + 1]),
    { maxLength: 8 },
  );
  const naive = (given: readonly Given[], minute: number) => {
    const holding = given.filter(([, from, to]) => minute >= START + from && minute < START + to);
    return holding.some(([effect]) => effect === 'exclude') ? 'exclude' : holding.length > 0 ? 'good' : null;
  };
  const range = fc.tuple(fc.integer({ min: -60, max: 60 }), fc.nat(60));

  test('what holds is what holds for each minute', () => {
    fc.assert(
      fc.property(spans, range, (given, [from, length]) => {
        const mask = corrections(...given);
        const low = START + edge + from;
        const high = low + length;
        const minutes = Array.from({ length: length + 1 }, (_, i) => low + i);
        const expected = minutes.map((minute) => naive(given, minute));
        expect(minutes.map((minute) => mask.at(minute))).toEqual(expected);
        expect(mask.parts(low, high).flatMap((part) => Array(part.to - part.from).fill(part.effect))).toEqual(
          expected,
        );
        expect(mask.touches(low, high)).toBe(expected.some((effect) => effect !== null));
        expect(mask.excludes(low, high)).toBe(expected.every((effect) => effect === 'exclude'));
        expect(mask.minutes(low, high)).toEqual({
          exclude: expected.filter((effect) => effect === 'exclude').length,
          good: expected.filter((effect) => effect === 'good').length,
        });
        expect(mask.holding(low, high).length).toBe(
          given.filter(([, a, b]) => START + a <= high && START + b > low).length,
        );
        const spansThere = mask.spans(low, high);
        for (const [i, span] of spansThere.entries()) {
          const next = spansThere[i + 1];
          expect(next === undefined || next.from > span.to || next.effect !== span.effect).toBe(true);
        }
      }),
    );
  });

  test('a slice is excluded when all of its minutes are, and forgiven when corrections hold for all others', () => {
    fc.assert(
      fc.property(spans, range, fc.integer({ min: 1, max: 12 }), (given, [from, count], slice) => {
        const mask = corrections(...given);
        const first = Math.floor((START + edge + from) / slice) * slice;
        const last = first + count * slice;
        const expected = { excluded: 0, forgiven: 0 };
        for (let start = first; start <= last; start += slice) {
          const effects = Array.from({ length: slice }, (_, i) => naive(given, start + i));
          if (effects.every((effect) => effect === 'exclude')) expected.excluded++;
          else if (effects.every((effect) => effect !== null)) expected.forgiven++;
          expect(mask.forgives(start, slice)).toBe(
            effects.every((effect) => effect !== null) && effects.some((effect) => effect === 'good'),
          );
        }
        expect(mask.wholeSlices(first, last, slice)).toEqual(expected);
      }),
    );
  });

  test('time that is excluded does not pass', () => {
    fc.assert(
      fc.property(spans, range, fc.nat(90), (given, [from, wait], millis) => {
        const mask = corrections(...given);
        const instant = (START + edge + from) * MINUTE + 30_000;
        const until = instant + wait * MINUTE;
        // In steps of a second, which all spans are whole numbers of.
        let open = 0;
        let now = instant;
        const most = millis * 1000;
        for (; now < until; now += 1000) {
          if (naive(given, Math.floor(now / MINUTE)) === 'exclude') continue;
          if (open === most) break;
          open += 1000;
        }
        const after = mask.after(instant, most, until);
        if (now < until) expect(after).toBe(now);
        else expect(after).toBeGreaterThanOrEqual(until);
      }),
    );
  });
});

describe('a correction is refused', () => {
  const weekly: Recurrence = {
    rrule: 'FREQ=WEEKLY;BYDAY=SA',
    start: '2026-01-03T22:00',
    duration: '4h',
    timeZone: 'America/New_York',
  };
  const faults = (overrides: Partial<CorrectionBody>) =>
    correctionFaults({ effect: 'exclude', reason: 'why', ...overrides }).map(({ path }) => path);

  test('when it would hide more than a year at once', () => {
    expect(faults({ from: '2026-01-01T00:00:00Z', to: '2027-01-02T00:00:00Z' })).toEqual([]);
    expect(faults({ from: '2026-01-01T00:00:00Z', to: '2027-01-02T00:00:01Z' })).toEqual(['to']);
  });

  test('when its recurrence cannot be followed, or does not come about within its bounds', () => {
    expect(faults({ recurrence: weekly })).toEqual([]);
    expect(faults({ recurrence: { ...weekly, rrule: 'FREQ=HOURLY' } })).toEqual(['recurrence.rrule']);
    expect(faults({ recurrence: weekly, from: '2026-06-01T00:00:00Z' })).toEqual([]);
    expect(faults({ recurrence: weekly, to: '2026-01-03T00:00:00Z' })).toEqual(['to']);
    expect(faults({ recurrence: weekly, from: '2026-06-01T00:00:00Z', to: '2026-06-05T00:00:00Z' })).toEqual([
      'from',
    ]);
    expect(
      faults({ recurrence: { ...weekly, rrule: `${weekly.rrule};COUNT=2` }, from: '2026-06-01T00:00:00Z' }),
    ).toEqual(['from']);
  });
});
