import { expect, test } from '@jest/globals';
import { definition } from '../virtual-time.fixture.js';
import { componentWarnings } from './component-warnings.js';

const slices = (slice: string) => ({ method: 'ratio-timeslices', slice });
const composite = (budgeting: object) =>
  definition({
    name: 'journey',
    sli: undefined,
    indicator: { kind: 'composite', of: [{ slo: 'a' }, { slo: 'b' }] },
    budgeting,
    alerting: { preset: 'none' },
  });
const warningsOf = (budgeting: object, components: Record<string, object>) =>
  componentWarnings(composite(budgeting), (name) =>
    components[name] === undefined ? undefined : definition({ name, ...components[name] }),
  );

test('a component that is not there is told of', () => {
  expect(warningsOf(slices('1m'), { a: {} })).toEqual(['indicator.of.1.slo: SLO b is not defined yet']);
});

test('components that are budgeted otherwise are told of', () => {
  const b = { budgeting: slices('2m') };
  expect(warningsOf({ method: 'occurrences' }, { a: {}, b })).toEqual([
    'indicator.of.1.slo: b counts slices of time: each of them is one event',
  ]);
  expect(warningsOf(slices('3m'), { a: {}, b })).toEqual([
    expect.stringMatching(/^indicator\.of\.1\.slo: a slice of b is 2m, of which 3m are no whole number/),
  ]);
  expect(warningsOf(slices('4m'), { a: {}, b })).toEqual([]);
});

test('an SLO of its own has none', () => {
  expect(componentWarnings(definition(), () => undefined)).toEqual([]);
});
