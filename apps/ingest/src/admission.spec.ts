import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Admission } from './admission.js';

describe('admission', () => {
  const limits = { bytes: 100, requests: 3, bodyLimit: 60 };

  test('lets in what fits, and turns away the rest with 503 and Retry-After', () => {
    let turnedAway = 0;
    const admission = new Admission(limits, () => {
      turnedAway += 1;
    });
    const release = admission.admit(60);
    expect(() => admission.admit(41)).toThrow(
      expect.objectContaining({
        problem: expect.objectContaining({ status: 503 }),
        headers: { 'retry-after': '1' },
      }),
    );
    admission.admit(40);
    release();
    release();
    expect(admission.held).toEqual({ bytes: 40, requests: 1 });
    expect(turnedAway).toBe(1);
  });

  test('counts requests, however small', () => {
    const admission = new Admission(limits);
    for (let i = 0; i < 3; i += 1) admission.admit(0);
    expect(() => admission.admit(0)).toThrow(/in hand/);
  });

  test('takes a body without a length, or with one beyond the limit, for the largest there may be', () => {
    const admission = new Admission(limits);
    admission.admit(undefined);
    expect(admission.held.bytes).toBe(60);
    expect(() => admission.admit(1e15)).toThrow(/in hand/);
  });

  test('never holds more than its limits, and nothing when all is given back', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.nat(80), fc.constant('release' as const)), { maxLength: 60 }),
        (steps) => {
          const admission = new Admission(limits);
          const releases: (() => void)[] = [];
          for (const step of steps) {
            if (step === 'release') releases.shift()?.();
            else {
              try {
                releases.push(admission.admit(step));
              } catch {
                // turned away
              }
            }
            expect(admission.held.bytes).toBeLessThanOrEqual(limits.bytes);
            expect(admission.held.requests).toBeLessThanOrEqual(limits.requests);
          }
          for (const release of releases) release();
          expect(admission.held).toEqual({ bytes: 0, requests: 0 });
        },
      ),
    );
  });
});
