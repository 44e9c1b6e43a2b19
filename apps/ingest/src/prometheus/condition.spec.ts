import { describe, expect, test } from '@jest/globals';
import { type Condition, conditionFrom, decide, evolve, noData, type Outcome } from './condition.js';

const answered = { kind: 'answered', without: [], every: '1m' } as const;
const data: Outcome = { ...answered, some: true, current: true };
const nothing: Outcome = { ...answered, some: false, current: true, without: ['bad', 'total'] };
const past: Outcome = { ...nothing, current: false };
const refused: Outcome = { kind: 'failed', error: 'it does not answer', again: true, timedOut: false };

/** The changes that outcomes lead to, one a second. */
function changes(outcomes: Outcome[], from: Condition = conditionFrom(null)) {
  const found: ({ state: string; error: string | null; lastSuccessAt: number | null } | null)[] = [];
  let condition = from;
  for (const [i, outcome] of outcomes.entries()) {
    condition = evolve(condition, outcome, i * 1_000);
    const change = decide(condition, outcome);
    if (change !== null)
      condition = { ...condition, changed: { state: change.state, n: (condition.changed?.n ?? 0) + 1 } };
    found.push(change && { ...change, lastSuccessAt: condition.lastSuccessAt });
  }
  return found;
}
const times = (count: number, outcome: Outcome) => Array.from({ length: count }, () => outcome);

test('the first answer is a change, and the next ones are none', () => {
  expect(changes([data, data, data])).toEqual([{ state: 'ok', error: null, lastSuccessAt: 0 }, null, null]);
});

describe('a source fails', () => {
  test('with its second failure in a row', () => {
    expect(changes([data, refused, data, refused, refused, refused]).slice(1)).toEqual([
      null,
      null,
      null,
      { state: 'failing', error: 'it does not answer', lastSuccessAt: 2_000 },
      null,
    ]);
  });

  test('at once when the time for an answer is up', () => {
    expect(changes([data, { ...refused, timedOut: true }])[1]).toMatchObject({ state: 'failing' });
  });

  test('that never answered, too', () => {
    expect(changes([refused, refused])[1]).toEqual({
      state: 'failing',
      error: 'it does not answer',
      lastSuccessAt: null,
    });
  });

  test('until it answers, with data or without', () => {
    expect(changes([refused, refused, data])[2]).toMatchObject({ state: 'ok', error: null });
    expect(changes([refused, refused, nothing])[2]).toMatchObject({ state: 'ok' });
    expect(changes([refused, refused, past])[2]).toBeNull();
  });
});

describe('a source is empty', () => {
  test('after ten answers without data, until there is some', () => {
    const found = changes([data, ...times(10, nothing), nothing, data]);
    expect(found.slice(1, 10)).toEqual(times(9, data).map(() => null));
    expect(found.slice(10)).toEqual([
      { state: 'empty', error: noData(['bad', 'total'], '1m'), lastSuccessAt: 10_000 },
      null,
      { state: 'ok', error: null, lastSuccessAt: 12_000 },
    ]);
  });

  test('not because there is no data of long ago', () => {
    expect(changes([...times(50, past), data])).toEqual([
      ...times(50, past).map(() => null),
      { state: 'ok', error: null, lastSuccessAt: 50_000 },
    ]);
  });
});

test('a source that is empty says first what is likely: a period that is too short for rate and increase', () => {
  for (const without of [['bad', 'total'], ['total'], ['query'], []] as const) {
    const said = noData(without, '1m');
    expect(said).toMatch(/^the queries find nothing in a period of 1m: is that shorter than two scrapes/);
    expect(said).not.toContain('vector(0)');
  }
  expect(noData(['bad'], '1m')).toMatch(
    /^"bad" finds nothing, and "total" does: .*"or vector\(0\)" behind "bad"/,
  );
});

test('what the log says is where it goes on', () => {
  const failing = conditionFrom({
    service: 'a',
    sli: 'b',
    kind: 'prometheus',
    state: 'failing',
    error: 'x',
    lastSuccessAt: '2026-11-22T10:00:00.000Z',
    at: '2026-11-22T10:01:00.000Z',
    n: 4,
  });
  expect(failing.lastSuccessAt).toBe(Date.parse('2026-11-22T10:00:00Z'));
  expect(changes([refused, refused], failing)).toEqual([null, null]);
  expect(changes([data], failing)[0]).toMatchObject({ state: 'ok' });
});
