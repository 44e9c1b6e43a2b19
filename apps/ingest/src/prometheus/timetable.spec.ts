import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Timetable } from './timetable.js';

const SECOND = 1_000;
const MINUTE = 60_000;
const DAY = 86_400_000;
const noon = Date.parse('2026-11-22T12:00:00Z');
const timetable = (after: number | null, every = MINUTE) => new Timetable(every, 7 * DAY, 5 * SECOND, after);

test('a period is due some seconds after its end, and once', () => {
  const one = timetable(noon);
  expect(one.due(noon + MINUTE + 4_999)).toBeNull();
  const range = { start: noon + MINUTE, end: noon + MINUTE, step: MINUTE };
  expect(one.dueAt).toBe(noon + MINUTE + 5_000);
  expect(one.due(noon + MINUTE + 5_000)).toEqual(range);
  one.done(range);
  expect(one.due(noon + MINUTE + 59_000)).toBeNull();
});

test('ends are on the grid from the epoch, wherever the last one was', () => {
  expect(timetable(noon + 17 * SECOND).due(noon + 2 * MINUTE)).toMatchObject({ start: noon + MINUTE });
});

test('a source that is new is asked as far back as the look-back goes, 500 periods at a time', () => {
  const one = timetable(null);
  const first = one.due(noon + 30 * SECOND);
  expect(first).toEqual({ start: noon - 7 * DAY + MINUTE, end: noon - 7 * DAY + 500 * MINUTE, step: MINUTE });
});

test('of what was missed the oldest comes first, and nothing that is older than the look-back', () => {
  expect(timetable(noon - 3 * MINUTE).due(noon + 5_000)).toMatchObject({
    start: noon - 2 * MINUTE,
    end: noon,
  });
  expect(timetable(noon - 30 * DAY).due(noon)?.start).toBe(noon - 7 * DAY);
});

describe('what is too much for a source', () => {
  test('is asked for in smaller parts, which grow again', () => {
    const one = timetable(noon - DAY);
    const lengths: number[] = [];
    const ask = (outcome: 'failed' | 'done') => {
      const range = one.due(noon);
      if (range === null) throw new Error('nothing is due');
      lengths.push((range.end - range.start) / MINUTE + 1);
      one[outcome](range);
    };
    for (const outcome of ['failed', 'failed', 'done', 'done', 'done'] as const) ask(outcome);
    expect(lengths).toEqual([500, 250, 125, 250, 500]);
    for (let i = 0; i < 12; i++) ask('failed');
    expect(lengths.at(-1)).toBe(1);
  });

  test('where it broke off it goes on', () => {
    const one = timetable(noon - DAY);
    one.doneUntil(noon - 2 * MINUTE);
    expect(one.due(noon + 5_000)).toMatchObject({ start: noon - MINUTE, end: noon });
    expect(one.behind(noon + 5_000)).toBe(MINUTE);
  });
});

test('every period is asked for once, in order, whatever fails in between and however time passes', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(SECOND, 15 * SECOND, MINUTE, 60 * MINUTE),
      fc.array(fc.record({ passes: fc.nat(3 * DAY), fails: fc.boolean() }), { minLength: 1, maxLength: 30 }),
      (every, rounds) => {
        const one = timetable(noon, every);
        let now = noon;
        let expected = noon + every;
        for (const { passes, fails } of rounds) {
          now += passes;
          for (let range = one.due(now); range !== null; range = fails ? null : one.due(now)) {
            const oldest = Math.ceil((now - 7 * DAY) / every) * every;
            expect(range.start).toBe(Math.max(expected, oldest));
            expect((range.end - range.start) % every).toBe(0);
            expect(range.end).toBeLessThanOrEqual(now - 5 * SECOND);
            if (fails) one.failed(range);
            else {
              one.done(range);
              expected = range.end + every;
            }
          }
        }
      },
    ),
    { numRuns: 30 },
  );
});
