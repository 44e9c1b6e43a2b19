import { describe, expect, test } from '@jest/globals';
import { BROKEN, HEALTHY, parseFault } from './faults.js';

describe('a fault', () => {
  test('is what break and its end ask for', () => {
    for (const fault of [HEALTHY, BROKEN, { ...BROKEN, seconds: 60 }])
      expect(parseFault({ ...fault })).toEqual(fault);
  });
  test.each([
    [null, 'failRate'],
    [{ failRate: 2, delayMillis: 0 }, 'failRate'],
    [{ failRate: 0.5, delayMillis: -1 }, 'delayMillis'],
    [{ failRate: 0.5, delayMillis: 0, seconds: 0 }, 'seconds'],
  ])('%j is refused for its %s', (body, field) => {
    expect(() => parseFault(body)).toThrow(field);
  });
});
