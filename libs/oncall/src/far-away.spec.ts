import type { Rotation as Definition, Restriction, Weekday } from '@bellwether/contracts';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { Temporal } from 'temporal-polyfill';
import { clockGaps, gapsOfYear } from './clock-gaps.js';
import { finalShifts, firstShifts, onCallAt } from './final-schedule.js';
import { Rotation } from './rotation.js';
import { evolveSchedule } from './schedule.js';

const day = 86_400_000;
const zone = 'America/New_York';
const officeDays: Weekday[] = ['mon', 'tue', 'wed', 'thu', 'fri'];
const office: Restriction[] = [{ days: officeDays, from: '09:00', to: '17:00' }];

afterEach(() => {
  jest.restoreAllMocks();
});

/** How often Temporal was asked for what is dear: instants of wall-clock times, and changes of clocks. */
function asked(work: () => unknown): number {
  const spies = [
    jest.spyOn(Temporal.ZonedDateTime.prototype, 'getTimeZoneTransition'),
    jest.spyOn(Temporal.PlainDateTime.prototype, 'toZonedDateTime'),
    jest.spyOn(Temporal.PlainDateTime.prototype, 'add'),
    jest.spyOn(Temporal.PlainDateTime.prototype, 'until'),
    jest.spyOn(Temporal.PlainDate.prototype, 'add'),
  ];
  work();
  const calls = spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0);
  jest.restoreAllMocks();
  return calls;
}

function scheduleOf(rotation: Definition, restrictions: Restriction[] = [], timeZone = zone) {
  const layers = [{ name: 'all', rotation, restrictions }];
  return evolveSchedule(null, {
    type: 'schedule.defined',
    at: Date.parse('2026-01-01T00:00:00Z'),
    data: { name: 'far', description: '', timeZone, layers },
  });
}

const turns = { start: '2026-01-05T09:00', participants: ['ada', 'grace', 'edsger'] };
const rotations: [string, Definition, Restriction[]][] = [
  ['hourly', { ...turns, type: 'hourly', length: 1 }, []],
  ['hourly, in office hours', { ...turns, type: 'hourly', length: 5 }, office],
  ['daily', { ...turns, type: 'daily', length: 1 }, office],
  ['weekly', { ...turns, type: 'weekly', length: 2 }, office],
  ['monthly', { ...turns, type: 'monthly', length: 1 }, office],
  ['of the longest turns, hourly', { ...turns, type: 'hourly', length: 8999 }, office],
  ['of the longest turns, monthly', { ...turns, type: 'monthly', length: 9000 }, office],
  ['of hours that never come', { ...turns, type: 'monthly', length: 9000, days: ['sat'] }, office],
];
/** What asking for the clock changes of all the years that are not only repetitions may add. */
const oneZone = 800;
const soon = Date.parse('2026-06-03T16:30:00Z');

describe('who is on call takes no more work to find', () => {
  test.each(rotations)('however far away that is: %s', (_, rotation, restrictions) => {
    const near = asked(() => onCallAt(scheduleOf(rotation, restrictions), soon));
    for (const year of ['0001', '1000', '3026', '9998', '9999'])
      expect(
        asked(() => onCallAt(scheduleOf(rotation, restrictions), Date.parse(`${year}-06-01T16:30:00Z`))),
      ).toBeLessThan(near + oneZone);
  });

  test.each(rotations)('however far away its rotation starts: %s', (_, rotation, restrictions) => {
    const near = asked(() => onCallAt(scheduleOf(rotation, restrictions), soon));
    for (const start of ['0001-01-01T00:00', '1000-06-01T09:00', '9999-12-31T23:59']) {
      const schedule = scheduleOf({ ...rotation, start }, restrictions, 'Europe/London');
      expect(asked(() => onCallAt(schedule, soon))).toBeLessThan(near + oneZone);
      expect(asked(() => finalShifts(schedule, soon, soon + 10 * day))).toBeLessThan(5000);
    }
  });

  test('with an override that never ends', () => {
    const schedule = evolveSchedule(scheduleOf({ ...turns, type: 'weekly', length: 1 }), {
      type: 'schedule.overridden',
      at: soon,
      data: {
        id: 'o',
        schedule: 'far',
        kind: 'add',
        user: 'barbara',
        from: '2026-01-01T00:00:00Z',
        to: '9999-12-31T23:59:59.999Z',
        reason: '',
        by: 'ada',
      },
    });
    const at = Date.parse('9999-12-31T23:30:00Z');
    expect(asked(() => onCallAt(schedule, at))).toBeLessThan(2 * oneZone);
    // What comes after the last time that can be named is not foreseen.
    expect(onCallAt(schedule, at)).toMatchObject({ users: [expect.any(String), 'barbara'], until: null });
  });
});

test('a page of shifts takes the work of a page, and is the beginning of all of them', () => {
  const span = [soon, soon + 120 * day] as const;
  for (const [name, rotation, restrictions] of rotations) {
    const schedule = scheduleOf(rotation, restrictions);
    for (const most of [1, 51, 501])
      expect([name, firstShifts(schedule, ...span, most)]).toEqual([
        name,
        finalShifts(schedule, ...span).slice(0, most),
      ]);
  }
  const hourly = scheduleOf(rotations[0]![1]);
  finalShifts(hourly, soon, soon + day);
  expect(asked(() => firstShifts(hourly, soon, soon + 400 * day, 51))).toBeLessThan(2000);
});

describe('the clock changes of years that only repeat others', () => {
  test('are those that the zone tells', () => {
    for (const timeZone of Intl.supportedValuesOf('timeZone').filter((_, place) => place % 9 === 0))
      for (const year of [2150, 2400, 5001, 9998]) {
        const [from, to] = [year, year + 1].map((each) => Date.UTC(each, 0, 1) - 1) as [number, number];
        expect([timeZone, gapsOfYear(timeZone, year)]).toEqual([timeZone, clockGaps(timeZone, from, to)]);
      }
  });

  test.each(['2026-01-05T09:00', '2300-01-05T09:00', '2700-01-05T09:00'])(
    'use up no turn, counted one by one from %s',
    (start) => {
      const rotation = new Rotation({ ...turns, start, type: 'hourly', length: 1 }, zone);
      for (const at of ['2026-06-01T00:00:00Z', '2150-12-01T00:00:00Z', '2777-03-10T07:00:00Z'].map((text) =>
        Date.parse(text),
      )) {
        const { index } = rotation.shiftAt(at);
        const begins = rotation.handOff(0);
        const gaps = clockGaps(zone, Math.min(at, begins), Math.max(at, begins)).length;
        // Each jump of New York's clocks is of one whole hour: one shift.
        expect(rotation.turnOf(index)).toBe(at > begins ? index - gaps : index + gaps);
      }
    },
  );
});
