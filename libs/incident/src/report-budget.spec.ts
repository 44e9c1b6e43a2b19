import type { LoggedEvent } from '@bellwether/contracts';
import { expect, test } from '@jest/globals';
import { recordedBudgets, withMeasured } from './report-budget.js';
import { at } from './specification.fixture.js';

let told = 0;
const fired = (minutes: number, budgetRemaining: number, region?: string): LoggedEvent =>
  ({
    id: `event-${++told}`,
    type: 'slo.alert.fired',
    data: {
      slo: 'checkout-availability',
      ...(region && { group: { label: 'region', value: region } }),
      eventTime: at(minutes),
      budgetRemaining,
    },
  }) as unknown as LoggedEvent;

const budgetsOf = (events: LoggedEvent[]) => recordedBudgets(new Set(events.map(({ id }) => id)), events);

test('the budget of an SLO is that of the whole: what groups have left says nothing of it', () => {
  expect(budgetsOf([fired(0, -3, 'eu'), fired(1, 0.9), fired(2, -9, 'eu'), fired(3, 0.7)])).toMatchObject([
    {
      slo: 'checkout-availability',
      remainingAtFirst: 0.9,
      remainingAtLast: 0.7,
      spent: expect.closeTo(0.2, 9),
    },
  ]);
});

test('where only groups alerted, it is to be measured', () => {
  expect(budgetsOf([fired(0, -3, 'eu'), fired(1, -4, 'us')])).toMatchObject([
    { slo: 'checkout-availability', remainingAtFirst: null, remainingAtLast: null, spent: null },
  ]);
});

test('before anything was measured nothing was spent, whatever alerts recorded of a budget that young', () => {
  for (const alerts of [[fired(0, -12)], [fired(0, -12), fired(1, -12)]]) {
    const [recorded] = budgetsOf(alerts);
    expect(withMeasured(recorded!, { remainingAtStart: null, remainingAtEnd: -55 })).toMatchObject({
      remainingAtFirst: -12,
      remainingAtEnd: -55,
      spent: 56,
    });
  }
});
