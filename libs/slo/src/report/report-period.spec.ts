import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { daysOf, reportPeriodAt, reportPeriodBefore, reportPeriodOf } from '../index.js';

const HOUR = 3_600_000;
const iso = (at: number): string => new Date(at).toISOString();
const span = (unit: 'week' | 'month', zone: string, name: string) => {
  const period = reportPeriodOf(unit, zone, name);
  return period && [iso(period.from), iso(period.to)];
};

describe('the period of a name', () => {
  test('is a week of ISO 8601, or a month, in a zone', () => {
    expect(span('week', 'UTC', '2026-W47')).toEqual(['2026-11-16T00:00:00.000Z', '2026-11-23T00:00:00.000Z']);
    expect(span('month', 'Europe/Berlin', '2026-10')).toEqual([
      '2026-09-30T22:00:00.000Z',
      '2026-10-31T23:00:00.000Z',
    ]);
    // The year's first week has its first Thursday, and may begin in the year before.
    expect(span('week', 'UTC', '2026-W01')?.[0]).toBe('2025-12-29T00:00:00.000Z');
    expect(span('week', 'UTC', '2026-W53')?.[0]).toBe('2026-12-28T00:00:00.000Z');
  });

  test.each([
    ['week', '2025-W53'],
    ['week', '2026-W54'],
    ['week', '2026-W00'],
    ['week', '2026-10'],
    ['month', '2026-13'],
    ['month', '2026-00'],
    ['month', '2026-W47'],
    ['month', 'October'],
  ] as const)('is nothing where there is no %s %s', (unit, name) => {
    expect(reportPeriodOf(unit, 'UTC', name)).toBeNull();
  });

  test('names what lies in it, and is followed by the next one, in every zone', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('week' as const, 'month' as const),
        fc.constantFrom(...Intl.supportedValuesOf('timeZone')),
        fc.integer({ min: Date.parse('2016-01-01T00:00:00Z'), max: Date.parse('2030-01-01T00:00:00Z') }),
        (unit, zone, at) => {
          const period = reportPeriodAt(unit, zone, at);
          expect(period.from).toBeLessThanOrEqual(at);
          expect(period.to).toBeGreaterThan(at);
          expect(reportPeriodOf(unit, zone, period.at)).toEqual(period);
          const before = reportPeriodBefore(period);
          expect(before.to).toBe(period.from);
          expect(before.at < period.at).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('the days of a period', () => {
  const days = (zone: string, from: string, to: string) =>
    daysOf({ from: Date.parse(from), to: Date.parse(to) }, zone).map(
      (day) => [day.date, (day.to - day.from) / HOUR] as const,
    );

  test('are of 23 or 25 hours where clocks change', () => {
    expect(days('Europe/Berlin', '2026-03-27T23:00:00Z', '2026-03-30T22:00:00Z')).toEqual([
      ['2026-03-28', 24],
      ['2026-03-29', 23],
      ['2026-03-30', 24],
    ]);
    expect(days('Europe/Berlin', '2026-10-24T22:00:00Z', '2026-10-26T23:00:00Z')).toEqual([
      ['2026-10-25', 25],
      ['2026-10-26', 24],
    ]);
  });

  test('leave out the one that never was, and end with the stretch', () => {
    expect(days('Pacific/Apia', '2011-12-29T10:00:00Z', '2011-12-31T12:00:00Z')).toEqual([
      ['2011-12-29', 24],
      ['2011-12-31', 24],
      ['2012-01-01', 2],
    ]);
  });

  test('follow each other without a gap, in every zone', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('week' as const, 'month' as const),
        fc.constantFrom(...Intl.supportedValuesOf('timeZone')),
        fc.integer({ min: Date.parse('2010-01-01T00:00:00Z'), max: Date.parse('2030-01-01T00:00:00Z') }),
        (unit, zone, at) => {
          const period = reportPeriodAt(unit, zone, at);
          const found = daysOf(period, zone);
          expect(found[0]?.from).toBe(period.from);
          expect(found.at(-1)?.to).toBe(period.to);
          for (const [i, day] of found.entries()) {
            expect(day.to).toBe(found[i + 1]?.from ?? period.to);
            expect(day.to).toBeGreaterThan(day.from);
          }
          expect(new Set(found.map(({ date }) => date)).size).toBe(found.length);
        },
      ),
      { numRuns: 200 },
    );
  });
});
