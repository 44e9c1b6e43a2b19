import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { RecordedEvent } from './event.js';
import type { Page } from './page.js';
import { SharedPages } from './shared-pages.js';

/** A journal whose events are their positions; each reading ends when it is told to. */
class Journal {
  length = 0;
  readings = 0;
  fails = false;

  async readPage(_: string, { after, limit }: { after: number; limit: number }): Promise<Page> {
    this.readings++;
    if (this.fails) throw new Error('the database is away');
    const until = Math.min(this.length, after + limit);
    await Promise.resolve();
    const events = Array.from({ length: Math.max(0, until - after) }, (_, i) => event(after + i + 1));
    return { events, full: events.length === limit, characters: events.length * 10 };
  }
}

const event = (position: number) => ({ position }) as RecordedEvent;
const positions = ({ events }: Page) => events.map(({ position }) => position);

describe('pages that followers share', () => {
  test('are each what the journal had, whoever reads when', async () => {
    const step = fc.oneof(
      fc.record({ grow: fc.integer({ min: 1, max: 300 }) }),
      fc.record({ who: fc.nat(3), limit: fc.integer({ min: 1, max: 60 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const journal = new Journal();
        const pages = new SharedPages(journal);
        const read = [0, 0, 0, 0];
        for (const one of steps) {
          if ('grow' in one) {
            journal.length += one.grow;
            continue;
          }
          const after = read[one.who] as number;
          const page = await pages.read('control', after, one.limit);
          const found = positions(page);
          expect(found).toEqual(found.map((_, i) => after + i + 1));
          expect(found.length).toBeLessThanOrEqual(Math.min(one.limit, journal.length - after));
          // Nothing is at the end only.
          if (found.length === 0) expect(after).toBe(journal.length);
          expect(page.full).toBe(found.length === one.limit);
          read[one.who] = after + found.length;
        }
      }),
    );
  });

  test('are read once for those who come to them together, and for those who come a moment later', async () => {
    const journal = new Journal();
    const pages = new SharedPages(journal);
    journal.length = 5;
    const together = await Promise.all([0, 0, 0].map((after) => pages.read('control', after, 500)));
    expect(together.map(positions)).toEqual(Array(3).fill([1, 2, 3, 4, 5]));
    expect(positions(await pages.read('control', 2, 500))).toEqual([3, 4, 5]);
    expect(journal.readings).toBe(1);
    journal.length = 7;
    expect(positions(await pages.read('control', 5, 500))).toEqual([6, 7]);
    expect(positions(await pages.read('control', 3, 500))).toEqual([4, 5, 6, 7]);
    expect(journal.readings).toBe(2);
  });

  test('keep no more of the end of a journal than is bounded', async () => {
    const journal = new Journal();
    const pages = new SharedPages(journal);
    for (let i = 1; i <= 300; i++) {
      journal.length = i;
      await pages.read('control', i - 1, 500);
    }
    journal.readings = 0;
    expect(positions(await pages.read('control', 44, 500))).toHaveLength(256);
    expect(journal.readings).toBe(0);
    expect(positions(await pages.read('control', 43, 500))).toHaveLength(257);
    expect(journal.readings).toBe(1);
  });

  test('are read anew after a failure, and where the journal grew by what nobody knows', async () => {
    const journal = new Journal();
    const pages = new SharedPages(journal);
    journal.length = 2;
    journal.fails = true;
    await expect(pages.read('control', 0, 500)).rejects.toThrow('away');
    journal.fails = false;
    expect(positions(await pages.read('control', 0, 500))).toEqual([1, 2]);
    journal.length = 3;
    pages.forget('control');
    expect(positions(await pages.read('control', 1, 500))).toEqual([2, 3]);
  });
});
