import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { sparkline } from './chart.js';

const drawn = (...args: Parameters<typeof sparkline>) => stripVTControlCharacters(sparkline(...args));

describe('a sparkline', () => {
  test('goes from floor to ceiling', () => {
    expect(drawn([0, 0.5, 1, 0.87], { floor: 0, ceiling: 1 })).toBe('▁▅█▇');
  });
  test('makes room for what lies beyond them', () => {
    expect(drawn([-1, 0, 1], { floor: 0, ceiling: 1 })).toBe('▁▅█');
    expect(drawn([1, 15], { floor: 0, ceiling: 1 })).toBe('▁█');
  });
  test('has a blank for what is not known, and none of nothing', () => {
    expect(drawn([1, null, undefined, 0], { floor: 0, ceiling: 1 })).toBe('█  ▁');
    expect(drawn([null], { floor: 0, ceiling: 0 })).toBe(' ');
    expect(drawn([], { floor: 0, ceiling: 1 })).toBe('');
  });
  test('is flat where everything is the same', () => {
    expect(drawn([0, 0], { floor: 0, ceiling: 0 })).toBe('▁▁');
  });
});
