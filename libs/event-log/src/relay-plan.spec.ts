import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { resumePlan } from './relay-plan.js';

const copy = (lastPosition: number, created = 'A', firstPosition = 1) => ({
  created,
  lastPosition,
  firstPosition,
});

describe('a relay', () => {
  test('goes on from its checkpoint while the copy is the one it published into', () => {
    expect(resumePlan({ position: 7, incarnation: 'A' }, copy(7), 0)).toEqual({ after: 7, recovering: null });
  });

  test('publishes again what it published and had not noted', () => {
    expect(resumePlan({ position: 7, incarnation: 'A' }, copy(9), 0)).toEqual({ after: 7, recovering: null });
  });

  test('publishes the retention into a copy it has never seen, or that was made anew', () => {
    expect(resumePlan(null, copy(0), 3)).toEqual({ after: 3, recovering: 'new copy' });
    expect(resumePlan({ position: 7, incarnation: 'A' }, copy(0, 'B'), 3)).toEqual({
      after: 3,
      recovering: 'new copy',
    });
    expect(resumePlan({ position: 7, incarnation: 'A' }, copy(99, 'B'), 3)).toEqual({
      after: 3,
      recovering: 'new copy',
    });
  });

  test('publishes what a shortened copy lacks', () => {
    expect(resumePlan({ position: 7, incarnation: 'A' }, copy(5), 0)).toEqual({
      after: 5,
      recovering: 'shortened copy',
    });
  });

  test('does not bring back what is older than the retention', () => {
    expect(resumePlan({ position: 7, incarnation: 'A' }, copy(0), 7)).toEqual({ after: 7, recovering: null });
    expect(resumePlan({ position: 7, incarnation: 'A' }, copy(2), 4)).toEqual({
      after: 4,
      recovering: 'shortened copy',
    });
  });

  test('never leaves out an event within the retention that the copy may lack', () => {
    const position = fc.nat({ max: 50 });
    fc.assert(
      fc.property(
        fc.option(fc.record({ position, incarnation: fc.constantFrom('A', 'B') })),
        position,
        position,
        (checkpoint, last, retentionStart) => {
          const { after } = resumePlan(checkpoint, copy(last), retentionStart);
          const held = checkpoint?.incarnation === 'A' ? Math.min(checkpoint.position, last) : 0;
          expect(after).toBeLessThanOrEqual(Math.max(held, retentionStart));
        },
      ),
    );
  });
});
