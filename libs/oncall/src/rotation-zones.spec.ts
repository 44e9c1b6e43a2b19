import type { Rotation as Definition } from '@bellwether/contracts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { clockGaps } from './clock-gaps.js';
import { Rotation } from './rotation.js';
import { firstInstant, lastInstant, wallClock } from './wall-clock.js';

const hour = 3_600_000;
const minute = 60_000;
const zones = Intl.supportedValuesOf('timeZone');
const decade = { from: Date.parse('2015-01-01T00:00Z'), to: Date.parse('2025-01-01T00:00Z') };

/** Every instant of the decade at which the zone's clocks change, either way. */
function clockChanges(timeZone: string, { from, to } = decade): number[] {
  const changes: number[] = [];
  let at = Temporal.Instant.fromEpochMilliseconds(from).toZonedDateTimeISO(timeZone);
  for (;;) {
    const next = at.getTimeZoneTransition('next');
    if (next === null || next.epochMilliseconds > to) return changes;
    changes.push(next.epochMilliseconds);
    at = next;
  }
}

/**
 * Of the zones whose clocks were the same throughout the decade one stands for all: their shifts are the same instants.
 * Each with the clock changes of the decade.
 */
const distinctZones: ReadonlyMap<string, number[]> = (() => {
  const seen = new Map<string, [zone: string, changes: number[]]>();
  for (const zone of zones) {
    const changes = clockChanges(zone);
    const offsets = [decade.from, ...changes].map(
      (at) => Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone).offset,
    );
    const clock = JSON.stringify([changes, offsets]);
    if (!seen.has(clock)) seen.set(clock, [zone, changes]);
  }
  return new Map(seen.values());
})();

/** What must hold of the shifts over a span, whatever clocks do. */
function seamless(rotation: Rotation, from: number, to: number): string | null {
  let end: number | null = null;
  for (const shift of rotation.shifts(from, to)) {
    if (shift.from >= shift.to) return `empty shift at ${shift.from}`;
    if (end === null ? shift.from > from : shift.from !== end) return `gap or overlap at ${shift.from}`;
    const last = rotation.shiftAt(shift.to - 1);
    if (last.index !== shift.index || last.from !== shift.from || last.to !== shift.to) {
      return `two shifts at ${shift.to - 1}`;
    }
    end = shift.to;
  }
  return end !== null && end >= to ? null : `ends early at ${end}`;
}

const wallTime = (instant: number, zone: string) =>
  wallClock(instant, zone).toString({ smallestUnit: 'minute' }).slice(0, 16);

describe('every shift ends where the next begins', () => {
  test('in every zone, at every clock change of a decade and around it', () => {
    const faults: string[] = [];
    let changes = 0;
    for (const [place, [zone, zoneChanges]] of [...distinctZones].entries()) {
      for (const [number, change] of zoneChanges.entries()) {
        changes += 1;
        // Hand-offs before, within and after the stretch that is skipped or comes twice.
        const lead = [0, 30, 60, 90, 120, 1440][(place + number) % 6]! * minute;
        const start = wallTime(change - lead, zone);
        const type = (place + number) % 4 === 0 ? 'daily' : 'hourly';
        const span = type === 'daily' ? 25 * hour : 2.5 * hour;
        const rotation = new Rotation({ type, length: 1, start, participants: ['a', 'b', 'c'] }, zone);
        const fault = seamless(rotation, change - span, change + span);
        if (fault) faults.push(`${zone} ${type} ${start}: ${fault}`);
      }
    }
    expect(changes).toBeGreaterThan(500);
    expect(faults).toEqual([]);
  }, 120_000);

  test('for any rotation, zone and span', () => {
    const localStart = fc
      .record({ day: fc.integer({ min: 0, max: 3652 }), minute: fc.integer({ min: 0, max: 1439 }) })
      .map((at) => wallTime(decade.from + at.day * 24 * hour + at.minute * minute, 'UTC'));
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.constantFrom<Definition['type']>('hourly', 'daily', 'weekly', 'monthly'),
        fc.integer({ min: 1, max: 40 }),
        localStart,
        fc.integer({ min: decade.from, max: decade.to }),
        (zone, type, length, start, at) => {
          const rotation = new Rotation({ type, length, start, participants: ['a', 'b', 'c'] }, zone);
          expect(seamless(rotation, at, at + 100 * hour)).toBeNull();
          const shift = rotation.shiftAt(at);
          // Whoever comes next is the next in the list: no clock change skips or repeats anybody.
          expect(rotation.turnOf(rotation.shiftAt(shift.to).index)).toBe(rotation.turnOf(shift.index) + 1);
        },
      ),
      { numRuns: 400 },
    );
  });

  test('with the next participant each time, over every clock change that skips time', () => {
    for (const zone of zones.filter((_, place) => place % 7 === 0)) {
      for (const gap of clockGaps(zone, decade.from, decade.to)) {
        const start = wallTime(gap.instant - 5 * hour, zone);
        const rotation = new Rotation(
          { type: 'hourly', length: 1, start, participants: ['a', 'b', 'c', 'd', 'e', 'f', 'g'] },
          zone,
        );
        const turns = [...rotation.shifts(gap.instant - 4 * hour, gap.instant + 4 * hour)].map((shift) =>
          rotation.turnOf(shift.index),
        );
        expect(turns).toEqual(turns.map((_, place) => turns[0]! + place));
      }
    }
  });
});

test('a rotation with a zone of its own hands over as one in a schedule of that zone, whatever the schedule’s is', () => {
  const days = ['mon', 'tue', 'wed', 'thu', 'fri'] as const;
  fc.assert(
    fc.property(
      fc.constantFrom(...zones),
      fc.constantFrom(...zones),
      fc.constantFrom<Definition['type']>('hourly', 'daily', 'weekly', 'monthly'),
      fc.integer({ min: decade.from, max: decade.to }),
      fc.boolean(),
      (zone, schedules, type, at, restricted) => {
        const definition = {
          ...{ type, length: 1, start: wallTime(decade.from, zone), participants: ['a', 'b', 'c'] },
          ...(restricted && { days: [...days] }),
        };
        const restrictions = restricted ? [{ days: [...days], from: '09:00', to: '17:00' }] : [];
        const onCall = (rotation: Rotation) => [...rotation.onCall(at, at + 200 * hour)];
        const own = new Rotation({ ...definition, timeZone: zone }, schedules, { restrictions });
        expect(onCall(own)).toEqual(onCall(new Rotation(definition, zone, { restrictions })));
        expect(seamless(own, at, at + 100 * hour)).toBeNull();
      },
    ),
    { numRuns: 200 },
  );
});

test('hourly × 24 and daily × 1 hand over at the same instants', () => {
  fc.assert(
    fc.property(fc.constantFrom(...zones), fc.integer({ min: decade.from, max: decade.to }), (zone, at) => {
      const start = wallTime(decade.from, zone);
      const daily = new Rotation({ type: 'daily', length: 1, start, participants: ['a'] }, zone).shiftAt(at);
      const hourly = new Rotation({ type: 'hourly', length: 24, start, participants: ['a'] }, zone).shiftAt(
        at,
      );
      expect([daily.from, daily.to]).toEqual([hourly.from, hourly.to]);
    }),
    { numRuns: 200 },
  );
});

describe('a wall-clock time', () => {
  const chicago = 'America/Chicago';
  const shown = (instant: number) =>
    Temporal.Instant.fromEpochMilliseconds(instant)
      .toZonedDateTimeISO(chicago)
      .toString({ timeZoneName: 'never', smallestUnit: 'minute' });
  const at = (time: string) => Temporal.PlainDateTime.from(time);

  test('that is skipped is the first instant after the jump', () => {
    expect(shown(firstInstant(at('2018-03-11T02:30'), chicago))).toBe('2018-03-11T03:00-05:00');
    expect(shown(lastInstant(at('2018-03-11T02:00'), chicago))).toBe('2018-03-11T03:00-05:00');
    expect(shown(lastInstant(at('2018-03-11T02:30'), chicago))).toBe('2018-03-11T03:00-05:00');
  });

  test('that comes twice is the first for a hand-off and the last for an end', () => {
    expect(shown(firstInstant(at('2018-11-04T01:00'), chicago))).toBe('2018-11-04T01:00-05:00');
    expect(shown(lastInstant(at('2018-11-04T01:00'), chicago))).toBe('2018-11-04T01:00-06:00');
    expect(shown(lastInstant(at('2018-11-04T01:30'), chicago))).toBe('2018-11-04T01:30-06:00');
  });
});
