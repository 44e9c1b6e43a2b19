import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decideRule, evolveRule, quietRule, type RuleReading, retireRule, type Verdict } from '../index.js';
import { EPOCH } from '../virtual-time.fixture.js';
import { rulePlan, VirtualRule } from './virtual-rule.fixture.js';

const SECOND = 1_000;
const MINUTE = 60_000;
const after = (minutes: number, millis = 0): number => EPOCH + minutes * MINUTE + millis;
const time = (at: number): string => new Date(at).toISOString();

/** Measures a value a minute, at its beginning, and looks at each; answers what happened, by minutes after EPOCH. */
function play(rule: VirtualRule, values: readonly (number | null)[], from = 0): Record<number, string> {
  const happened: Record<number, string> = {};
  for (const [i, value] of values.entries()) {
    if (value !== null) rule.value(after(from + i), value);
    const what = rule.evaluate(after(from + i));
    if (what !== null) happened[from + i] = what;
  }
  return happened;
}

describe('a rule that has to hold for 5 minutes', () => {
  test('is pending from the first reading that says so, and fires when 5 minutes have passed, to the millisecond', () => {
    const rule = new VirtualRule(rulePlan());
    expect(play(rule, [50, 50, 95, 95, 95, 95, 95])).toEqual({});
    // Over a minute and the current one, 95 and 50 are 72.5: it holds from the fourth value on.
    expect(rule.status(after(6))).toMatchObject({
      state: 'pending',
      since: time(after(3)),
      pendingSince: time(after(3)),
      firesAt: time(after(8)),
      value: 95,
      threshold: 90,
      unit: 'none',
    });
    rule.value(after(7), 95);
    expect(rule.evaluate(after(8, -1))).toBeNull();
    expect(rule.evaluate(after(8))).toBe('fired 1');
    expect(rule.evaluate(after(8))).toBeNull();
    expect(rule.status(after(8))).toMatchObject({
      state: 'firing',
      since: time(after(8)),
      pendingSince: null,
      firesAt: null,
    });
    expect(rule.transitions[0]?.data).toMatchObject({
      rule: 'queue-deep',
      kind: 'threshold',
      service: 'orders',
      severity: 'page',
      declare: 'sev2',
      summary: 'the queue of orders is deep',
      runbookUrl: 'https://runbooks.example.org/queue-deep',
      startedAt: time(after(3)),
      eventTime: time(after(8)),
      measured: { sli: 'depth', aggregate: 'mean', window: '1m', op: 'gt', value: 95, threshold: 90 },
      n: 1,
    });
  });

  test('is inactive again when one reading says otherwise, and has to hold anew', () => {
    const rule = new VirtualRule(rulePlan());
    const values = [95, 95, 95, 95, 10, 95, 95, 95, 95, 95, 95];
    expect(play(rule, values)).toEqual({});
    // The 10 is in the window until the seventh value.
    expect(rule.status(after(10))).toMatchObject({ state: 'pending', pendingSince: time(after(6)) });
    expect(play(rule, [95], 11)).toEqual({ 11: 'fired 1' });
  });

  test('resolves once, is "resolved" then, and may fire again under the next number', () => {
    const rule = new VirtualRule(rulePlan());
    const burst = [95, 95, 95, 95, 95, 95, 10, 10];
    expect(play(rule, burst)).toEqual({ 5: 'fired 1', 6: 'resolved 1' });
    expect(rule.status(after(7))).toMatchObject({ state: 'resolved', since: time(after(6)) });
    expect(rule.transitions[1]?.data).toMatchObject({
      n: 1,
      reason: 'recovered',
      firedAt: time(after(5)),
      measured: { value: 52.5 },
    });
    expect(play(rule, burst, 10)).toEqual({ 15: 'fired 2', 16: 'resolved 2' });
  });

  test('waits no longer when the clock is set back', () => {
    const rule = new VirtualRule(rulePlan());
    rule.value(after(0), 95);
    rule.evaluate(after(0));
    expect(rule.evaluate(after(-1))).toBeNull();
    expect(rule.pendingSince).toBe(after(0));
    rule.value(after(-1), 95);
    expect(rule.evaluate(after(-1))).toBeNull();
    expect(rule.pendingSince).toBe(after(-1));
  });
});

test('a rule without "for" fires with the reading that says so', () => {
  const rule = new VirtualRule(rulePlan({ for: '0s' }));
  expect(play(rule, [50, 95, 100])).toEqual({ 2: 'fired 1' });
});

describe('absent data', () => {
  test('holds what fires: a window that has run empty resolves nothing', () => {
    const rule = new VirtualRule(rulePlan({ for: '0s' }));
    expect(play(rule, [95, 95, null, null, null, null, null, null])).toEqual({ 0: 'fired 1' });
    expect(rule.status(after(7))).toMatchObject({
      state: 'firing',
      value: null,
      frozen: { reason: 'no measurement for more than 3 cadences of 1m' },
      watermark: time(after(1)),
    });
  });

  test('holds what is pending, whose time goes on: it fires with the first reading after, not before', () => {
    const rule = new VirtualRule(rulePlan());
    expect(play(rule, [95, 95, null, null, null, null, null, null])).toEqual({});
    expect(rule.status(after(7))).toMatchObject({ state: 'pending', pendingSince: time(after(0)) });
    expect(play(rule, [95], 8)).toEqual({ 8: 'fired 1' });
  });

  test('holds what is pending while old data leave the window on the good side', () => {
    const rule = new VirtualRule(rulePlan({ window: '5m', for: '30m' }));
    play(rule, [50, 50, 50, 130, 130, 130, 130]);
    const since = rule.pendingSince;
    expect(since).not.toBeNull();
    // Nothing comes: what is left in the window is stale, and says nothing new.
    for (let minute = 7; minute < 20; minute++) rule.evaluate(after(minute));
    expect(rule.pendingSince).toBe(since);
    play(rule, [10, 10, 10], 20);
    expect(rule.pendingSince).toBeNull();
  });

  test('an SLI that was never measured is inactive, and nothing is made of it', () => {
    const rule = new VirtualRule(rulePlan({ op: 'lt', threshold: 1, for: '0s' }));
    expect(rule.evaluate(after(0))).toBeNull();
    expect(rule.status(after(0))).toMatchObject({
      state: 'inactive',
      since: null,
      value: null,
      watermark: null,
      frozen: null,
    });
  });
});

describe('hysteresis', () => {
  test('resolves at what has to be passed, and fires above the threshold alone', () => {
    const rule = new VirtualRule(rulePlan({ for: '0s', clear: { margin: 10 } }));
    expect(rule.status(after(0)).clear).toBe(80);
    //                  85, 92, 91, 87, 84, 82, 80
    expect(play(rule, [85, 99, 83, 91, 77, 87, 73])).toEqual({ 1: 'fired 1', 6: 'resolved 1' });
  });

  test('what is pending ends between the two', () => {
    const rule = new VirtualRule(rulePlan({ clear: { threshold: 50 } }));
    play(rule, [95, 95, 80]);
    expect(rule.pendingSince).toBeNull();
  });

  test('of a lower bound lies above it', () => {
    const rule = new VirtualRule(
      rulePlan({ op: 'lt', threshold: 10, for: '0s', clear: { margin: 5 }, severity: 'ticket' }),
    );
    expect(play(rule, [20, 0, 0, 20, 12, 18])).toEqual({ 2: 'fired 1', 4: 'resolved 1' });
    expect(rule.transitions[0]?.data).toMatchObject({ severity: 'ticket', declare: null });
  });
});

describe('a rule that is changed while it fires', () => {
  const firing = () => {
    const rule = new VirtualRule(rulePlan({ for: '0s' }));
    play(rule, [95, 95]);
    return rule;
  };

  test('goes on firing where it still holds', () => {
    const rule = firing();
    rule.plan = rulePlan({ for: '0s', threshold: 94, summary: 'deeper' });
    expect(rule.evaluate(after(1))).toBeNull();
    expect(rule.ledger.firing).toBe(true);
  });

  test('resolves as redefined where it does not', () => {
    const rule = firing();
    rule.plan = rulePlan({ for: '0s', threshold: 96 });
    expect(rule.evaluate(after(1))).toBe('resolved 1');
    expect(rule.transitions.at(-1)?.data).toMatchObject({ reason: 'redefined' });
  });

  test('under another severity ends the alert that is known by the one before, and fires anew', () => {
    const rule = firing();
    rule.plan = rulePlan({ for: '0s', severity: 'ticket' });
    expect(rule.evaluate(after(1))).toBe('resolved 1');
    expect(rule.transitions.at(-1)?.data).toMatchObject({ severity: 'page', reason: 'redefined' });
    expect(rule.evaluate(after(1))).toBe('fired 2');
    expect(rule.transitions.at(-1)?.data).toMatchObject({ severity: 'ticket' });
  });

  test('is resolved when it is retired, and nothing is when it does not fire', () => {
    const rule = firing();
    const transitions = retireRule(rule.ledger, after(3));
    expect(transitions).toMatchObject([
      { type: 'rule.alert.resolved', data: { n: 1, reason: 'retired', eventTime: time(after(3)) } },
    ]);
    expect(retireRule(transitions.reduce(evolveRule, rule.ledger), after(4))).toEqual([]);
    expect(retireRule(quietRule, after(4))).toEqual([]);
  });
});

describe('whatever is read, whenever it is read', () => {
  const steps = fc.array(
    fc.record({
      wait: fc.integer({ min: 0, max: 90 }),
      value: fc.option(fc.integer({ min: 0, max: 100 }), { nil: null, freq: 8 }),
      stale: fc.boolean(),
    }),
    { maxLength: 200 },
  );
  const plan = rulePlan({ clear: { threshold: 60 } });
  const verdictOf = (value: number | null): Verdict =>
    value === null ? 'unknown' : value > 90 ? 'breached' : value > 60 ? 'between' : 'clear';

  test('a rule fires after "for" and not before, in turns with its resolves, and never between threshold and clear', () => {
    fc.assert(
      fc.property(steps, (list) => {
        let ledger = quietRule;
        let pendingSince: number | null = null;
        let at = EPOCH;
        /** Since when no reading with evidence said otherwise. */
        let holdsSince: number | null = null;
        for (const { wait, value, stale } of list) {
          at += wait * SECOND;
          const verdict = verdictOf(value);
          const reading: RuleReading = {
            plan,
            at,
            value,
            verdict,
            freeze: stale ? { kind: 'stale', since: at, reason: 'test' } : null,
            watermark: at,
            from: at - MINUTE,
            to: at,
          };
          if (verdict === 'breached') holdsSince ??= at;
          else if (verdict !== 'unknown' && !stale) holdsSince = null;
          const before = ledger;
          const decided = decideRule(reading, ledger, pendingSince, null);
          pendingSince = decided.pendingSince;
          const { transition } = decided;
          if (transition !== null) ledger = evolveRule(ledger, transition);
          switch (transition?.type) {
            case 'rule.alert.fired':
              expect(before.firing).toBe(false);
              expect(verdict).toBe('breached');
              expect(at - (holdsSince as number)).toBeGreaterThanOrEqual(5 * MINUTE);
              expect(transition.data.n).toBe(before.n + 1);
              break;
            case 'rule.alert.resolved':
              expect(before.firing).toBe(true);
              expect(verdict).toBe('clear');
              expect(stale).toBe(false);
              expect(transition.data.n).toBe(before.n);
              // What fires again has to hold anew.
              holdsSince = null;
              break;
            default:
              // It is never late, either.
              if (!before.firing && verdict === 'breached')
                expect(at - (holdsSince as number)).toBeLessThan(5 * MINUTE);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});
