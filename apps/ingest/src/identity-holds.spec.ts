import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { IdentityHolds } from './identity-holds.js';

/** Work that the test ends, and what has begun and ended of it, in order. */
class Works {
  readonly holds = new IdentityHolds();
  readonly told: string[] = [];
  readonly #ends = new Map<string, (error?: Error) => void>();

  work(name: string): () => Promise<string> {
    return () => {
      this.told.push(`+${name}`);
      return new Promise((resolve, reject) =>
        this.#ends.set(name, (error) => {
          this.told.push(`-${name}`);
          if (error) reject(error);
          else resolve(name);
        }),
      );
    };
  }

  async end(name: string, error?: Error): Promise<void> {
    this.#ends.get(name)?.(error);
    await nextTurn();
  }
}

describe('identities on their way to the log', () => {
  test('a second batch with one of them waits for the first, and others do not', async () => {
    const works = new Works();
    const first = works.holds.alone(['n', 'z'], works.work('first'));
    const second = works.holds.alone(['m', 'z'], works.work('second'));
    const other = works.holds.alone(['o'], works.work('other'));
    await nextTurn();
    expect(works.told).toEqual(['+first', '+other']);
    await works.end('first');
    expect(works.told).toEqual(['+first', '+other', '-first', '+second']);
    await works.end('second');
    await works.end('other');
    expect(await Promise.all([first, second, other])).toEqual(['first', 'second', 'other']);
    expect(works.holds.size).toBe(0);
  });

  test('a message waits for the batches, and a batch for the messages, one that ended sooner or not', async () => {
    const works = new Works();
    const all = [
      works.holds.shared('z', works.work('one')),
      works.holds.shared('z', works.work('two')),
      works.holds.alone(['z'], works.work('batch')),
      works.holds.shared('z', works.work('three')),
      works.holds.shared('z', works.work('four')),
    ];
    await nextTurn();
    expect(works.told).toEqual(['+one', '+two']);
    await works.end('two');
    expect(works.told).not.toContain('+batch');
    await works.end('one');
    expect(works.told.slice(4)).toEqual(['+batch']);
    await works.end('batch');
    expect(works.told.slice(6)).toEqual(['+three', '+four']);
    await works.end('three');
    await works.end('four');
    await Promise.all(all);
    expect(works.holds.size).toBe(0);
  });

  test('a message that ended leaves those before it held', async () => {
    const works = new Works();
    const one = works.holds.shared('z', works.work('one'));
    const two = works.holds.shared('z', works.work('two'));
    await nextTurn();
    await works.end('two');
    const batch = works.holds.alone(['z'], works.work('batch'));
    await nextTurn();
    expect(works.told).not.toContain('+batch');
    await works.end('one');
    await works.end('batch');
    await Promise.all([one, two, batch]);
  });

  test('what fails lets go, and is told to who asked for it alone', async () => {
    const works = new Works();
    const first = works.holds.alone(['z'], works.work('first'));
    const second = works.holds.alone(['z', 'z'], works.work('second'));
    await nextTurn();
    const failed = expect(first).rejects.toThrow('the log is away');
    await works.end('first', new Error('the log is away'));
    await failed;
    await works.end('second');
    expect(await second).toBe('second');
    expect(works.holds.size).toBe(0);
  });

  test('a batch is always alone with its identities, and everybody comes to an end', async () => {
    const identities = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ identities, turns: fc.nat(3), batch: fc.boolean() }), { maxLength: 20 }),
        async (asked) => {
          const holds = new IdentityHolds();
          const running = new Set<{ held: string[]; batch: boolean }>();
          const work = (held: string[], batch: boolean, turns: number) => async () => {
            const self = { held, batch };
            for (const other of running) {
              if (!batch && !other.batch) continue;
              expect(held.filter((identity) => other.held.includes(identity))).toEqual([]);
            }
            running.add(self);
            for (let turn = 0; turn < turns; turn += 1) await nextTurn();
            running.delete(self);
          };
          await Promise.all(
            asked.map(({ identities: [first = '', ...more], turns, batch }) =>
              batch
                ? holds.alone([first, ...more], work([first, ...more], true, turns))
                : holds.shared(first, work([first], false, turns)),
            ),
          );
          await nextTurn();
          expect(holds.size).toBe(0);
        },
      ),
    );
  });
});
