import { describe, expect, test } from '@jest/globals';
import { definition } from '../virtual-time.fixture.js';
import { componentFaults } from './component-faults.js';

const composite = (name: string, ...slos: string[]) =>
  definition({ name, sli: undefined, indicator: { kind: 'composite', of: slos.map((slo) => ({ slo })) } });

describe('a composite cannot be made', () => {
  test('of itself through others, whatever it was made of before', () => {
    const defined = new Map([
      ['a', composite('a', 'x', 'y')],
      ['b', composite('b', 'x', 'a')],
    ]);
    const find = (name: string) => defined.get(name);
    expect(componentFaults(composite('a', 'x', 'b'), find)).toEqual([
      { path: 'indicator.of.1.slo', message: 'would be made of itself: a → b → a' },
    ]);
    expect(componentFaults(composite('a', 'x', 'z'), find)).toEqual([]);
  });

  test('of too many, others of others among them', () => {
    const names = (from: string, many: number) => Array.from({ length: many }, (_, n) => `${from}${n}`);
    const defined = new Map(names('m', 5).map((name) => [name, composite(name, ...names(`${name}-`, 20))]));
    const asked = composite('all', ...defined.keys());
    expect(componentFaults(asked, (name) => defined.get(name))).toEqual([
      { path: 'indicator.of', message: expect.stringMatching(/^comes to 105 SLOs .* at most 100/) },
    ]);
    expect(componentFaults(asked, () => undefined)).toEqual([]);
  });
});
