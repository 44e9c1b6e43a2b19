import type { Layer, Schedule } from '@bellwether/contracts';
import { describe, expect, test } from '@jest/globals';
import { Temporal } from 'temporal-polyfill';
import { finalShifts, onCallAt, scheduleGaps } from './final-schedule.js';
import { conflictingOverride, overrideOf } from './override.js';
import { evolveSchedule, type ScheduleEvent, type ScheduleState } from './schedule.js';

const zone = 'Europe/Berlin';
const at = (time: string) => Temporal.PlainDateTime.from(time).toZonedDateTime(zone).epochMilliseconds;
const shown = (instant: number) =>
  Temporal.Instant.fromEpochMilliseconds(instant)
    .toZonedDateTimeISO(zone)
    .toPlainDateTime()
    .toString({ smallestUnit: 'minute' });

const weekdays: Layer['restrictions'][number]['days'] = ['mon', 'tue', 'wed', 'thu', 'fri'];
const layer = (
  name: string,
  participants: Layer['rotation']['participants'],
  overrides: Partial<Layer['rotation']> = {},
  restrictions: Layer['restrictions'] = [],
): Layer => ({
  name,
  rotation: { type: 'daily', length: 1, start: '2026-11-02T09:00', participants, ...overrides },
  restrictions,
});
const schedule = (...layers: Layer[]): Schedule => ({
  name: 'pay-primary',
  description: '',
  timeZone: zone,
  layers,
});
const defined = (since: string, ...layers: Layer[]): ScheduleEvent => ({
  type: 'schedule.defined',
  at: at(since),
  data: schedule(...layers),
});
const overridden = (
  id: string,
  data: Partial<Extract<ScheduleEvent, { type: 'schedule.overridden' }>['data']>,
) =>
  ({
    type: 'schedule.overridden',
    at: at('2026-11-01T00:00'),
    data: {
      schedule: 'pay-primary',
      kind: 'replace',
      reason: '',
      by: 'ada',
      id,
      from: '',
      to: '',
      ...data,
    },
  }) satisfies ScheduleEvent;
const given = (...events: ScheduleEvent[]): ScheduleState =>
  events.reduce<ScheduleState | null>(evolveSchedule, null)!;
const shifts = (state: ScheduleState, from: string, to: string) =>
  finalShifts(state, at(from), at(to)).map(
    (shift) => `${shown(shift.from)} ${shown(shift.to)} ${shift.users.join('+')} ${shift.layer}`,
  );
const utc = (time: string) => new Date(at(time)).toISOString();

describe('layers', () => {
  test('the first that has somebody wins', () => {
    const state = given(
      defined(
        '2026-11-01T00:00',
        layer('office', ['ada'], {}, [{ days: weekdays, from: '09:00', to: '17:00' }]),
        layer('night', ['grace', 'edsger'], { start: '2026-11-02T00:00' }),
      ),
    );
    expect(shifts(state, '2026-11-02T08:00', '2026-11-03T10:00')).toEqual([
      '2026-11-02T08:00 2026-11-02T09:00 grace night',
      '2026-11-02T09:00 2026-11-02T17:00 ada office',
      '2026-11-02T17:00 2026-11-03T00:00 grace night',
      '2026-11-03T00:00 2026-11-03T09:00 edsger night',
      '2026-11-03T09:00 2026-11-03T10:00 ada office',
    ]);
    expect(scheduleGaps(state, at('2026-11-02T00:00'), at('2026-11-09T00:00'))).toEqual([]);
  });

  test('a hand-off ends a shift, also to the same person', () => {
    expect(
      shifts(
        given(defined('2026-11-01T00:00', layer('only', ['ada']))),
        '2026-11-02T09:00',
        '2026-11-04T09:00',
      ),
    ).toEqual(['2026-11-02T09:00 2026-11-03T09:00 ada only', '2026-11-03T09:00 2026-11-04T09:00 ada only']);
  });

  test('hours past midnight belong to the day they start on', () => {
    const state = given(
      defined(
        '2026-11-01T00:00',
        layer('night', ['ada'], { type: 'weekly' }, [{ days: ['fri'], from: '22:00', to: '06:00' }]),
      ),
    );
    expect(shifts(state, '2026-11-02T09:00', '2026-11-09T09:00')).toEqual([
      '2026-11-06T22:00 2026-11-07T06:00 ada night',
    ]);
    expect(
      scheduleGaps(state, at('2026-11-06T00:00'), at('2026-11-08T00:00')).map((gap) => shown(gap.from)),
    ).toEqual(['2026-11-06T00:00', '2026-11-07T06:00']);
  });

  test('hours end with the last of two equal times when clocks go back', () => {
    const state = given(
      defined(
        '2026-10-01T00:00',
        layer('night', ['ada'], { type: 'monthly' }, [{ days: ['sun'], from: '00:00', to: '02:30' }]),
      ),
    );
    const [shift] = finalShifts(state, at('2026-10-25T00:00'), at('2026-10-26T00:00'));
    expect((shift!.to - shift!.from) / 60_000).toBe(210);
  });
});

describe('until', () => {
  test('is when the people change, not the next hand-off to the same person', () => {
    const alone = given(defined('2026-11-01T00:00', layer('only', ['ada'], { type: 'hourly' })));
    expect(onCallAt(alone, at('2026-11-05T12:00'))).toMatchObject({ users: ['ada'], until: null });
    const two = given(defined('2026-11-01T00:00', layer('two', ['ada', 'grace'], { type: 'weekly' })));
    expect(onCallAt(two, at('2026-11-05T12:00'))).toMatchObject({
      users: ['ada'],
      until: at('2026-11-09T09:00'),
      shift: { layer: 'two' },
    });
  });

  test('of nobody is when somebody comes', () => {
    const state = given(
      defined(
        '2026-11-01T00:00',
        layer('office', ['ada'], {}, [{ days: ['wed'], from: '09:00', to: '17:00' }]),
      ),
    );
    expect(onCallAt(state, at('2026-11-05T12:00'))).toEqual({
      users: [],
      shift: null,
      until: at('2026-11-11T09:00'),
    });
    expect(onCallAt(state, at('2026-11-04T12:00')).until).toBe(at('2026-11-04T17:00'));
  });

  test('reaches over months', () => {
    const state = given(
      defined('2026-11-01T00:00', layer('two', ['ada', 'grace'], { type: 'monthly', length: 18 })),
    );
    expect(shown(onCallAt(state, at('2026-11-05T12:00')).until!)).toBe('2028-05-02T09:00');
  });
});

describe('a new definition', () => {
  const first = defined('2026-11-01T00:00', layer('week', ['ada', 'grace'], { type: 'weekly' }));

  test('leaves the past as it was, and keeps the person on call', () => {
    const state = given(
      first,
      defined('2026-11-10T12:00', layer('week', ['edsger', 'ada', 'barbara', 'grace'], { type: 'weekly' })),
    );
    expect(shifts(state, '2026-11-02T09:00', '2026-11-30T09:00')).toEqual([
      '2026-11-02T09:00 2026-11-09T09:00 ada week',
      '2026-11-09T09:00 2026-11-16T09:00 grace week',
      '2026-11-16T09:00 2026-11-23T09:00 edsger week',
      '2026-11-23T09:00 2026-11-30T09:00 ada week',
    ]);
  });

  test('with other turns begins them anew', () => {
    const state = given(
      first,
      defined('2026-11-10T12:00', layer('week', ['ada', 'grace'], { start: '2026-11-10T09:00' })),
    );
    expect(onCallAt(state, at('2026-11-10T13:00')).users).toEqual(['ada']);
  });

  test('with another zone of the rotation begins them anew; the schedule’s, spelled out, is no other', () => {
    const turns = { type: 'weekly', start: '2026-11-02T09:00' } as const;
    const redefined = (timeZone: string) =>
      given(
        first,
        defined('2026-11-10T12:00', layer('week', ['mary', 'ada', 'grace'], { ...turns, timeZone })),
      );
    expect(onCallAt(redefined(zone), at('2026-11-10T13:00')).users).toEqual(['grace']);
    const inTokyo = redefined('Asia/Tokyo');
    expect(onCallAt(inTokyo, at('2026-11-10T13:00')).users).toEqual(['ada']);
    // 09:00 in Tokyo is 01:00 in Berlin, whose winter it is.
    expect(shifts(inTokyo, '2026-11-16T00:00', '2026-11-17T00:00')).toEqual([
      '2026-11-16T00:00 2026-11-16T01:00 ada week',
      '2026-11-16T01:00 2026-11-17T00:00 grace week',
    ]);
  });

  test('speaks for the time before there was any', () => {
    const state = given(first, defined('2026-11-10T12:00', layer('solo', ['edsger'])));
    expect(onCallAt(state, at('2026-10-10T13:00')).users).toEqual(['edsger']);
    expect(onCallAt(state, at('2026-11-05T13:00')).users).toEqual(['ada']);
  });
});

describe('overrides', () => {
  const week = defined('2026-11-01T00:00', layer('week', ['ada', 'grace'], { type: 'weekly' }));
  const span = { from: utc('2026-11-04T12:00'), to: utc('2026-11-05T12:00') };

  test('replace stands in for a person who is on call', () => {
    const state = given(
      week,
      overridden('o1', { kind: 'replace', user: 'edsger', replaces: 'ada', ...span }),
    );
    expect(finalShifts(state, at('2026-11-02T09:00'), at('2026-11-09T09:00'))).toMatchObject([
      { users: ['ada'], override: null },
      {
        users: ['edsger'],
        layer: 'week',
        override: 'o1',
        from: Date.parse(span.from),
        to: Date.parse(span.to),
      },
      { users: ['ada'], override: null },
    ]);
  });

  test('replace does nothing where that person is not on call', () => {
    const state = given(week, overridden('o1', { user: 'edsger', replaces: 'grace', ...span }));
    expect(shifts(state, '2026-11-02T09:00', '2026-11-09T09:00')).toEqual([
      '2026-11-02T09:00 2026-11-09T09:00 ada week',
    ]);
  });

  test('add joins, and fills a gap; remove may leave one', () => {
    const state = given(
      defined(
        '2026-11-01T00:00',
        layer('office', ['ada'], {}, [{ days: ['wed'], from: '09:00', to: '17:00' }]),
      ),
      overridden('o1', {
        kind: 'add',
        user: 'grace',
        from: utc('2026-11-04T16:00'),
        to: utc('2026-11-04T18:00'),
      }),
      overridden('o2', {
        kind: 'remove',
        user: 'ada',
        from: utc('2026-11-04T09:00'),
        to: utc('2026-11-04T10:00'),
      }),
    );
    expect(shifts(state, '2026-11-04T00:00', '2026-11-05T00:00')).toEqual([
      '2026-11-04T10:00 2026-11-04T16:00 ada office',
      '2026-11-04T16:00 2026-11-04T17:00 ada+grace office',
      '2026-11-04T17:00 2026-11-04T18:00 grace null',
    ]);
  });

  test('withdrawn, what was before stays as it was', () => {
    const state = given(week, overridden('o1', { user: 'edsger', replaces: 'ada', ...span }), {
      type: 'schedule.override-withdrawn',
      at: at('2026-11-05T00:00'),
      data: { schedule: 'pay-primary', id: 'o1', by: 'ada' },
    });
    expect(onCallAt(state, at('2026-11-04T23:00')).users).toEqual(['edsger']);
    expect(onCallAt(state, at('2026-11-05T01:00')).users).toEqual(['ada']);
  });

  test('conflict where they overlap and name one of the same people', () => {
    const one = overrideOf(overridden('o1', { user: 'edsger', replaces: 'ada', ...span }).data);
    const clash = (change: object) =>
      conflictingOverride([one], overrideOf({ ...overridden('o2', { ...span, ...change }).data }))?.id ??
      null;
    expect(clash({ user: 'grace', replaces: 'ada' })).toBe('o1');
    expect(clash({ kind: 'add', user: 'edsger', replaces: undefined })).toBe('o1');
    expect(clash({ kind: 'add', user: 'barbara', replaces: undefined })).toBeNull();
    expect(clash({ user: 'grace', replaces: 'ada', from: span.to, to: utc('2026-11-06T12:00') })).toBeNull();
  });
});
