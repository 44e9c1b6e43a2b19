import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type CopyState, resumePlan } from './relay-plan.js';

const copy = (lastPosition: number, over: Partial<CopyState> = {}): CopyState => ({
  created: 'A',
  lastPosition,
  firstPosition: lastPosition === 0 ? 0 : 1,
  isShared: false,
  hasHoles: false,
  isFull: false,
  maxAgeMs: 7 * 86_400_000,
  ...over,
});
const from = (start: number, sound = start, head = 1000) => ({ head, start, sound });
const noted = { position: 7, incarnation: 'A' };
const goesOn = (after: number) => ({ after, recovering: null, clear: false });

describe('a relay', () => {
  test('goes on from its checkpoint while the copy is the one it published into', () => {
    expect(resumePlan(noted, copy(7), from(0))).toEqual(goesOn(7));
  });

  test('does not publish again what is stored and had not been noted', () => {
    expect(resumePlan(noted, copy(9), from(0))).toEqual(goesOn(9));
  });

  test('publishes it again where nobody looks for holes, and into the copy of a log that had gone on further', () => {
    expect(resumePlan(noted, copy(9, { isShared: true }), from(0))).toEqual(goesOn(7));
    expect(resumePlan(noted, copy(9), from(0, 0, 8))).toEqual(goesOn(7));
  });

  test('publishes the retention into a copy it has never seen, or that was made anew', () => {
    const anew = { after: 3, recovering: 'new copy', clear: false };
    expect(resumePlan(null, copy(0), from(3))).toEqual(anew);
    expect(resumePlan(noted, copy(0, { created: 'B' }), from(3))).toEqual(anew);
  });

  test('puts the retention in the place of what another copy holds', () => {
    expect(resumePlan(noted, copy(99, { created: 'B' }), from(3))).toEqual({
      after: 3,
      recovering: 'new copy',
      clear: true,
    });
  });

  test('publishes what a shortened copy lacks', () => {
    const lacking = (after: number) => ({ after, recovering: 'shortened copy', clear: false });
    expect(resumePlan(noted, copy(5), from(0))).toEqual(lacking(5));
    expect(resumePlan(noted, copy(2), from(4))).toEqual(lacking(4));
  });

  test('does not bring back what is older than the retention', () => {
    expect(resumePlan(noted, copy(0), from(7))).toEqual(goesOn(7));
  });

  test('puts the retention in the place of a copy that lacks what is before its newest', () => {
    const damaged = { after: 2, recovering: 'damaged copy', clear: true };
    expect(resumePlan(noted, copy(7, { hasHoles: true }), from(2))).toEqual(damaged);
    expect(resumePlan(noted, copy(7, { firstPosition: 5 }), from(2, 3))).toEqual(damaged);
  });

  test('leaves a copy alone that let go of its oldest, by age or by size', () => {
    expect(resumePlan(noted, copy(7, { firstPosition: 4 }), from(2, 3))).toEqual(goesOn(7));
    expect(resumePlan(noted, copy(7, { firstPosition: 6, isFull: true }), from(0))).toEqual(goesOn(7));
    expect(resumePlan(noted, copy(7, { firstPosition: 6, isShared: true }), from(0))).toEqual(goesOn(7));
    expect(resumePlan(noted, copy(0, { isFull: true, isShared: true }), from(0))).toEqual(goesOn(7));
  });

  test('never leaves out an event within the retention that the copy may lack', () => {
    const position = fc.nat({ max: 50 });
    fc.assert(
      fc.property(
        fc.option(fc.record({ position, incarnation: fc.constantFrom('A', 'B') })),
        fc.tuple(position, position).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const),
        fc.boolean(),
        position,
        (checkpoint, [firstPosition, lastPosition], hasHoles, start) => {
          const held = copy(lastPosition, { firstPosition, hasHoles });
          const { after, clear } = resumePlan(checkpoint, held, from(start));
          const isSound = checkpoint?.incarnation === 'A' && !hasHoles && firstPosition <= start + 1;
          const holds = isSound ? lastPosition : 0;
          // What is published behind what is held leaves no gap, and what is cleared is published.
          if (start < Math.max(checkpoint?.position ?? 0, lastPosition)) {
            expect(after).toBeLessThanOrEqual(Math.max(holds, start));
          }
          if (clear) expect(after).toBe(start);
        },
      ),
    );
  });
});
