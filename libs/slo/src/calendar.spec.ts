import { describe, expect, test } from '@jest/globals';
import { Temporal } from 'temporal-polyfill';
import { type CalendarUnit, calendarPeriod } from './index.js';

const HOUR = 3_600_000;
const iso = (at: number): string => new Date(at).toISOString();
const hours = (unit: CalendarUnit, zone: string, at: string): number => {
  const { from, to } = calendarPeriod(unit, zone, Date.parse(at));
  return (to - from) / HOUR;
};

describe('a period of the calendar', () => {
  test('begins at midnight of its first day in the zone; weeks begin on Monday', () => {
    const at = Date.parse('2026-11-22T10:00:00Z'); // a Sunday
    const of = (unit: CalendarUnit, zone: string) => {
      const { from, to } = calendarPeriod(unit, zone, at);
      return [iso(from), iso(to)];
    };
    expect(of('week', 'UTC')).toEqual(['2026-11-16T00:00:00.000Z', '2026-11-23T00:00:00.000Z']);
    expect(of('month', 'Europe/Berlin')).toEqual(['2026-10-31T23:00:00.000Z', '2026-11-30T23:00:00.000Z']);
    expect(of('quarter', 'America/New_York')).toEqual([
      '2026-10-01T04:00:00.000Z',
      '2027-01-01T05:00:00.000Z',
    ]);
    expect(of('year', 'Asia/Kathmandu')).toEqual(['2025-12-31T18:15:00.000Z', '2026-12-31T18:15:00.000Z']);
  });

  test('of a week in which clocks change is of 167 or 169 hours', () => {
    expect(hours('week', 'America/New_York', '2026-03-04T12:00:00Z')).toBe(167);
    expect(hours('week', 'America/New_York', '2026-10-28T12:00:00Z')).toBe(169);
    expect(hours('week', 'America/New_York', '2026-07-01T12:00:00Z')).toBe(168);
  });

  test('of a month is of 28 to 31 days, of a leap year of 366', () => {
    expect(hours('month', 'UTC', '2027-02-10T00:00:00Z')).toBe(28 * 24);
    expect(hours('month', 'UTC', '2028-02-10T00:00:00Z')).toBe(29 * 24);
    expect(hours('year', 'UTC', '2028-02-10T00:00:00Z')).toBe(366 * 24);
  });

  test('begins with the first instant of a day whose midnight is jumped over, and survives a day that never was', () => {
    // Clocks in Asuncion went from 00:00 to 01:00 on the first Sunday of October.
    const { from } = calendarPeriod('month', 'America/Asuncion', Date.parse('2017-10-15T12:00:00Z'));
    expect(iso(from)).toBe('2017-10-01T04:00:00.000Z');
    // Samoa had no 30 December 2011.
    expect(hours('week', 'Pacific/Apia', '2011-12-28T12:00:00Z')).toBe(144);
  });
});

/** Zones by their clock changes over the ten years: those that show the same time are checked once. */
function zonesByClock(first: number, last: number): Map<string, string> {
  const zones = new Map<string, string>();
  for (const zone of Intl.supportedValuesOf('timeZone')) {
    const changes: string[] = [];
    let at = Temporal.Instant.fromEpochMilliseconds(first).toZonedDateTimeISO(zone);
    for (let next: Temporal.ZonedDateTime | null = at; next !== null; ) {
      changes.push(`${next.epochMilliseconds}${next.offset}`);
      next = at.getTimeZoneTransition('next');
      if (next === null || next.epochMilliseconds >= last) break;
      at = next;
    }
    zones.set(changes.join(), zone);
  }
  return zones;
}

const LENGTHS: Record<CalendarUnit, [least: number, most: number]> = {
  week: [7, 7],
  month: [28, 31],
  quarter: [90, 92],
  year: [365, 366],
};

/** What clocks show in a zone, by the runtime's own tables: `2026-11-16 00:00:00`. */
function clockOf(timeZone: string): (at: number) => string {
  const { format } = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' });
  return (at) => format(at);
}

/** Whether a day, as clocks show it, is the first one of a period, by the arithmetic of dates alone. */
const BEGINS: Record<CalendarUnit, (day: Date) => boolean> = {
  week: (day) => day.getUTCDay() === 1,
  month: (day) => day.getUTCDate() === 1,
  quarter: (day) => day.getUTCDate() === 1 && day.getUTCMonth() % 3 === 0,
  year: (day) => day.getUTCDate() === 1 && day.getUTCMonth() === 0,
};

test('in every zone, over ten years: periods follow each other without a gap, hold their instants, have legal lengths, and begin with the first instant of their first day', () => {
  const first = Date.parse('2017-01-01T00:00:00Z');
  const last = Date.parse('2027-01-01T00:00:00Z');
  const faults: string[] = [];
  const jumped = new Set<string>();
  let checked = 0;
  for (const zone of zonesByClock(first, last).values()) {
    const clock = clockOf(zone);
    for (const unit of ['week', 'month', 'quarter', 'year'] as const) {
      const [least, most] = LENGTHS[unit];
      let { from, to } = calendarPeriod(unit, zone, first);
      while (from < last) {
        const days = (to - from) / (24 * HOUR);
        const fault = (what: string) => faults.push(`${zone} ${unit} ${iso(from)}: ${what}`);
        // Clocks move by an hour or two, those of Casey in Antarctica by three.
        if (from >= to || days < least - 3 / 24 || days > most + 3 / 24) fault(`is of ${days} days`);
        // Its first instant shows its first day, the instant before shows an earlier one: midnight, or what comes after
        // a midnight that is jumped over, and of two midnights the first.
        const [date = '', time] = clock(from).split(' ');
        if (!BEGINS[unit](new Date(date))) fault(`begins on ${date}`);
        if (clock(from - 1) >= date) fault(`${date} has begun before`);
        if (time !== '00:00:00') jumped.add(zone);
        // Every period but the plain weeks, of which there are too many to look at twice.
        if (unit !== 'week' || days !== 7) {
          const inside = calendarPeriod(unit, zone, to - 1);
          if (inside.from !== from || inside.to !== to) fault('its last instant is of another period');
        }
        const next = calendarPeriod(unit, zone, to);
        if (next.from !== to) fault(`the next one begins at ${iso(next.from)}`);
        ({ from, to } = next);
        checked++;
      }
    }
  }
  expect(faults).toEqual([]);
  expect(checked).toBeGreaterThan(10_000);
  // Where clocks jump over midnight there are such periods: Asuncion's October begins at one o'clock.
  expect([...jumped]).toContain('America/Asuncion');
}, 120_000);
