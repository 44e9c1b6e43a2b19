import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Rotation as Definition } from '@bellwether/contracts';
import { describe, expect, test } from '@jest/globals';
import { Temporal } from 'temporal-polyfill';
import { carriedOffset, Rotation } from './rotation.js';

type Participants = Definition['participants'];
type RotationType = Definition['type'];

const chicago = 'America/Chicago';
const hour = 3_600_000;

const at = (time: string) => Temporal.Instant.from(time).epochMilliseconds;
const local = (time: string, zone = chicago) =>
  Temporal.PlainDateTime.from(time).toZonedDateTime(zone).epochMilliseconds;
const shown = (instant: number, zone = chicago) => {
  const time = Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(zone);
  return `${time.toPlainDateTime().toString({ smallestUnit: 'minute' })} ${time.offset.slice(0, 3)}`;
};
const rotate = (
  type: RotationType,
  length: number,
  start: string,
  participants: Participants = ['ada', 'grace'],
) => new Rotation({ type, length, start, participants }, chicago);

/** The hand-offs at or after `from`, as clocks in the zone show them. */
function handOffs(rotation: Rotation, from: number, count: number): string[] {
  const found: string[] = [];
  for (let next = rotation.shiftAt(from - 1).to; found.length < count; next = rotation.shiftAt(next).to) {
    found.push(shown(next));
  }
  return found;
}

describe('hand-offs across clock changes', () => {
  test.each<[string, RotationType, string, string, string[]]>([
    [
      'daily in the hour that is skipped',
      'daily',
      '2020-03-06T02:30',
      '2020-03-07T00:00',
      ['2020-03-07T02:30 -06', '2020-03-08T03:00 -05', '2020-03-09T02:30 -05'],
    ],
    [
      'daily in the hour that comes twice',
      'daily',
      '2020-10-30T01:30',
      '2020-10-31T00:00',
      ['2020-10-31T01:30 -05', '2020-11-01T01:30 -05', '2020-11-02T01:30 -06'],
    ],
    [
      'hourly at half past',
      'hourly',
      '2020-03-06T02:30',
      '2020-03-08T00:00',
      [
        '2020-03-08T00:30 -06',
        '2020-03-08T01:30 -06',
        '2020-03-08T03:00 -05',
        '2020-03-08T03:30 -05',
        '2020-03-08T04:30 -05',
      ],
    ],
    [
      'hourly on the hour, where two hand-offs meet',
      'hourly',
      '2020-03-06T02:00',
      '2020-03-08T01:00',
      ['2020-03-08T01:00 -06', '2020-03-08T03:00 -05', '2020-03-08T04:00 -05', '2020-03-08T05:00 -05'],
    ],
    [
      'hourly in autumn: a shift of two hours',
      'hourly',
      '2020-07-06T02:00',
      '2020-11-01T00:00',
      ['2020-11-01T00:00 -05', '2020-11-01T01:00 -05', '2020-11-01T02:00 -06', '2020-11-01T03:00 -06'],
    ],
    [
      'monthly',
      'monthly',
      '2020-10-01T01:30',
      '2020-10-02T00:00',
      ['2020-11-01T01:30 -05', '2020-12-01T01:30 -06'],
    ],
  ])('%s', (_, type, start, from, expected) => {
    expect(handOffs(rotate(type, 1, start), local(from), expected.length)).toEqual(expected);
  });

  test.each<[RotationType, number, string, number]>([
    ['hourly', 3, '2017-03-12T00:00', 2],
    ['hourly', 3, '2017-11-05T00:00', 4],
    ['daily', 1, '2017-03-11T08:00', 23],
    ['daily', 1, '2017-11-04T08:00', 25],
    ['weekly', 1, '2017-03-10T08:00', 167],
    ['weekly', 1, '2017-11-04T08:00', 169],
    ['monthly', 1, '2017-03-01T00:00', 31 * 24 - 1],
    ['monthly', 2, '2017-11-01T00:00', 61 * 24 + 1],
  ])('%s × %i from %s lasts %i hours', (type, length, start, hours) => {
    const shift = rotate(type, length, start).shiftAt(local(start));
    expect(shown(shift.from).slice(0, 16)).toBe(start);
    expect((shift.to - shift.from) / hour).toBe(hours);
  });

  test('the day a zone left out is one shift less, and nobody is skipped', () => {
    const rotation = new Rotation(
      { type: 'daily', length: 1, start: '2011-12-28T00:00', participants: ['a', 'b', 'c', 'd'] },
      'Pacific/Apia',
    );
    const days = ['2011-12-28T10:00Z', '2011-12-29T10:00Z', '2011-12-30T10:00Z', '2011-12-31T10:00Z'];
    expect(days.map((day) => rotation.shiftAt(at(day)).users[0])).toEqual(['a', 'b', 'c', 'd']);
    expect(rotation.shiftAt(at('2011-12-30T10:00Z')).from).toBe(at('2011-12-30T10:00Z'));
  });
});

describe('before its start', () => {
  test('a rotation runs backwards', () => {
    const rotation = new Rotation(
      { type: 'hourly', length: 10, start: '2020-06-01T03:00', participants: ['a', 'b', 'c'] },
      'UTC',
    );
    const start = at('2020-06-01T03:00Z');
    expect(rotation.shiftAt(start + 30 * hour).to).toBe(at('2020-06-02T19:00Z'));
    expect(rotation.shiftAt(start - 30 * hour).to).toBe(at('2020-05-31T07:00Z'));
    expect([-4, -3, -2, -1, 0, 1].map((index) => rotation.usersOf(index)[0])).toEqual([...'cabcab']);
  });
});

describe('participants', () => {
  test('share a turn where they are listed together', () => {
    const rotation = rotate('daily', 1, '2026-01-01T09:00', ['ada', ['grace', 'edsger']]);
    expect(rotation.shiftAt(local('2026-01-01T09:00')).users).toEqual(['ada']);
    expect(rotation.shiftAt(local('2026-01-02T09:00')).users).toEqual(['grace', 'edsger']);
  });

  test('are not skipped by the hour that clocks jump over', () => {
    const rotation = rotate('hourly', 1, '2020-03-08T00:00', ['a', 'b', 'c', 'd', 'e']);
    const hours = ['06', '07', '08', '09', '10'].map((utc) => at(`2020-03-08T${utc}:00Z`));
    expect(hours.map((each) => rotation.shiftAt(each).users[0])).toEqual(['a', 'b', 'c', 'd', 'e']);
    const backwards = rotate('hourly', 1, '2020-03-08T05:00', ['a', 'b', 'c', 'd', 'e']);
    expect(hours.map((each) => backwards.shiftAt(each).users[0])).toEqual(['b', 'c', 'd', 'e', 'a']);
  });

  test.each([
    ['its days', true],
    ["the layer's hours", false],
  ])('of a rotation limited to weekdays by %s are not skipped: days are', (_, byDays) => {
    const participants = Array.from({ length: 14 }, (_, index) => `p${index}`);
    const days: Definition['days'] = ['mon', 'tue', 'wed', 'thu', 'fri'];
    const definition: Definition = { type: 'daily', length: 1, start: '2026-11-02T00:00', participants };
    const rotation = byDays
      ? new Rotation({ ...definition, days }, 'Europe/Berlin')
      : new Rotation(definition, 'Europe/Berlin', { restrictions: [{ days, from: '09:00', to: '17:00' }] });
    const served: string[] = [];
    for (let day = 0; day < 28; day += 1) {
      const noon = Temporal.PlainDateTime.from('2026-11-02T12:00').add({ days: day });
      if (noon.dayOfWeek > 5) continue;
      served.push(rotation.shiftAt(noon.toZonedDateTime('Europe/Berlin').epochMilliseconds).users[0]!);
    }
    expect(served).toEqual([...participants, ...participants.slice(0, 6)]);
  });
});

describe('changing participants', () => {
  const definition = { type: 'daily', length: 1, start: '2026-11-02T09:00' } as const;
  const now = local('2026-11-05T12:00');
  const change = (before: Participants, after: Participants) => {
    const previous = new Rotation({ ...definition, participants: before }, chicago);
    const fresh = new Rotation({ ...definition, participants: after }, chicago);
    const offset = carriedOffset(previous, fresh, now);
    const next = new Rotation({ ...definition, participants: after }, chicago, { offset });
    return [previous.shiftAt(now).users, next.shiftAt(now).users, next.shiftAt(now + 24 * hour).users];
  };

  test('keeps the person on call where they are still in the list', () => {
    expect(change(['a', 'b'], ['x', 'a', 'b', 'c'])).toEqual([['b'], ['b'], ['c']]);
    expect(change(['a', 'b', 'c', 'd'], ['d', 'c', 'a'])).toEqual([['d'], ['d'], ['c']]);
  });

  test('goes on with the next in line where they are not', () => {
    expect(change(['a', 'b', 'c', 'd', 'e'], ['a', 'b', 'c', 'e'])).toEqual([['d'], ['e'], ['a']]);
    expect(change(['a', 'b'], ['x', 'y'])[1]).toEqual(['y']);
  });

  test('keeps a shared turn that gained somebody', () => {
    expect(change(['a', ['b', 'c']], ['a', 'x', ['b', 'c', 'd']])[1]).toEqual(['b', 'c', 'd']);
  });
});

const vectors = path.resolve(import.meta.dirname, '../../../../shared/data/rotations/goalert_vectors.json');
const recorded = existsSync(vectors) ? describe : describe.skip;

recorded('vectors recorded from another implementation', () => {
  interface Vectors {
    table_cases: {
      type: string;
      tz: string;
      start: string;
      shift_length: number;
      expected_duration_hours: number;
    }[];
    bruteforce: {
      tz: string;
      type: string;
      shift_length: number;
      start: string;
      walk_from: string;
      walk_to: string;
      handoffs: string[];
    }[];
  }
  const read = () => JSON.parse(readFileSync(vectors, 'utf8')) as Vectors;
  const typeOf = (name: string) => name.slice('Type'.length).toLowerCase() as RotationType;

  test('lengths of shifts', () => {
    for (const row of read().table_cases) {
      const start = new Date(`${row.start} UTC`).toISOString().slice(0, 16);
      const definition = { type: typeOf(row.type), length: row.shift_length, start, participants: ['a'] };
      const shift = new Rotation(definition, row.tz).shiftAt(local(start, row.tz));
      expect([row, (shift.to - shift.from) / hour]).toEqual([row, row.expected_duration_hours]);
    }
  });

  test('hand-offs of a walk', () => {
    const months = 'January February March April May June July August September October November December';
    const goTime = (text: string) => {
      const [year, month, day, h, m] = text.split(', ');
      const number = months.split(' ').indexOf(month!.replace('time.', '')) + 1;
      const two = (value: string | number | undefined) => String(value).padStart(2, '0');
      return `${year}-${two(number)}-${two(day)}T${two(h)}:${two(m)}`;
    };
    for (const row of read().bruteforce) {
      const definition = {
        type: typeOf(row.type),
        length: row.shift_length,
        start: goTime(row.start),
        participants: ['a'],
      };
      const rotation = new Rotation(definition, row.tz);
      const walked = new Set<number>();
      for (const t of [local(goTime(row.walk_from), row.tz), local(goTime(row.walk_to), row.tz)]) {
        walked.add(rotation.shiftAt(t).from).add(rotation.shiftAt(t).to);
      }
      const [first, last] = [Math.min(...walked), Math.max(...walked)];
      for (const shift of rotation.shifts(first, last)) walked.add(shift.from).add(shift.to);
      const expected = row.handoffs.map((time) =>
        at(time.replace(/^(\S+) (\S+) ([+-]\d\d)(\d\d) .*$/, '$1T$2$3:$4')),
      );
      expect([row, [...walked].sort((a, b) => a - b)]).toEqual([row, expected]);
    }
  });
});
