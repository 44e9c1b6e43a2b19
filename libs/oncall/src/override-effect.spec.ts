import { schedule } from '@bellwether/contracts';
import { describe, expect, test } from '@jest/globals';
import { overrideOf } from './override.js';
import { takesNobodyOff } from './override-effect.js';
import type { ScheduleState } from './schedule.js';

/** ada and zoe in turn, a week each from Monday, 2 November 2026, at nine. */
const state: ScheduleState = {
  name: 'primary',
  versions: [
    {
      since: Date.parse('2026-11-01T00:00:00Z'),
      offsets: [0],
      schedule: schedule.parse({
        name: 'primary',
        timeZone: 'UTC',
        layers: [
          {
            name: 'week',
            rotation: { type: 'weekly', start: '2026-11-02T09:00', participants: ['ada', 'zoe'] },
          },
        ],
      }),
    },
  ],
  overrides: [],
};
const replacing = (replaces: string, from: string, to: string, id = 'o') =>
  overrideOf({
    id,
    schedule: 'primary',
    kind: 'replace',
    user: 'bob',
    replaces,
    from,
    to,
    reason: '',
    by: 'x',
  });

describe('an override takes nobody off', () => {
  test('who is on call at another time', () => {
    expect(takesNobodyOff(state, replacing('zoe', '2026-11-03T00:00:00Z', '2026-11-04T00:00:00Z'))).toBe(
      true,
    );
    expect(takesNobodyOff(state, replacing('ada', '2026-11-03T00:00:00Z', '2026-11-04T00:00:00Z'))).toBe(
      false,
    );
    // Up to the moment at which zoe begins, and one hour longer.
    expect(takesNobodyOff(state, replacing('zoe', '2026-11-03T00:00:00Z', '2026-11-09T09:00:00Z'))).toBe(
      true,
    );
    expect(takesNobodyOff(state, replacing('zoe', '2026-11-03T00:00:00Z', '2026-11-09T10:00:00Z'))).toBe(
      false,
    );
  });

  test('who takes no turns, however long the span', () => {
    expect(takesNobodyOff(state, replacing('eve', '2026-11-03T00:00:00Z', '9000-01-01T00:00:00Z'))).toBe(
      true,
    );
  });

  test('but the person whom it replaced itself', () => {
    const own = replacing('ada', '2026-11-02T09:00:00Z', '2026-11-09T09:00:00Z');
    expect(takesNobodyOff({ ...state, overrides: [own] }, own)).toBe(false);
    expect(takesNobodyOff({ ...state, overrides: [own] }, { ...own, id: 'other' })).toBe(true);
  });

  test('or somebody whom another override adds', () => {
    const { from, to } = replacing('x', '2026-11-03T00:00:00Z', '2026-11-04T00:00:00Z');
    const added = { id: 'a', kind: 'add', adds: 'eve', removes: null, reason: '', from, to } as const;
    const of = replacing('eve', '2026-11-03T00:00:00Z', '2026-11-04T00:00:00Z');
    expect(takesNobodyOff({ ...state, overrides: [added] }, of)).toBe(false);
  });
});

test('an override that adds somebody takes nobody off, and is none that does not', () => {
  const add = { ...replacing('ada', '2026-11-03T00:00:00Z', '2026-11-04T00:00:00Z'), removes: null };
  expect(takesNobodyOff(state, add)).toBe(false);
});
