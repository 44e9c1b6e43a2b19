import type { EventEnvelope } from '@bellwether/contracts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { JournalFeed, type JournalFeedOptions } from './journal-feed.js';
import { MemoryJournal, silentLog } from './memory-store.fixture.js';

const JOURNAL = 'measurement-07';

class Nudges {
  handlers = new Set<(journal: string, position: number) => void>();

  onNudge(handler: (journal: string, position: number) => void): () => void {
    this.handlers.add(handler);
    return () => void this.handlers.delete(handler);
  }

  nudge(position: number, journal = JOURNAL): void {
    for (const handler of this.handlers) handler(journal, position);
  }
}

/** A feed that is woken by nudges alone, and what it has delivered. */
function feedOf(log: MemoryJournal, options: Partial<JournalFeedOptions> = {}) {
  const nudges = new Nudges();
  const delivered: number[] = [];
  const waiting = new Set<() => void>();
  const feed = new JournalFeed({
    consumer: 'evaluator',
    journal: JOURNAL,
    reader: log,
    bus: nudges,
    pollMs: 600_000,
    log: silentLog,
    ...options,
    deliver: async (events, signal) => {
      await options.deliver?.(events, signal);
      delivered.push(...events.map(({ position }) => position));
      for (const check of waiting) check();
    },
  });
  const until = (count: number) =>
    new Promise<void>((resolve) => {
      const check = () => {
        if (delivered.length < count) return;
        waiting.delete(check);
        resolve();
      };
      waiting.add(check);
      check();
    });
  return { feed, nudges, delivered, until };
}

const upTo = (to: number, from = 1) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe('a journal feed', () => {
  test('delivers from the position asked for, then what nudges announce', async () => {
    const log = new MemoryJournal(10);
    const { feed, nudges, delivered, until } = feedOf(log);
    feed.start(4);
    await until(6);
    log.append('key');
    nudges.nudge(11);
    await until(7);
    expect(delivered).toEqual(upTo(11, 5));
    await feed.stop();
    expect(feed.position).toBe(11);
    expect(feed.running).toBe(false);
  });

  test('is not misled by nudges for other journals, late or false ones', async () => {
    const log = new MemoryJournal(3);
    const { feed, nudges, delivered, until } = feedOf(log);
    feed.start(0);
    await until(3);
    for (let n = 0; n < 50; n++) nudges.nudge(n % 2 ? 1 : 1_000, n % 3 ? JOURNAL : 'control');
    log.append('key');
    nudges.nudge(4);
    await until(4);
    expect(delivered).toEqual(upTo(4));
    // A false nudge costs a read; it does not make the feed spin.
    expect(log.reads).toBeLessThan(60);
    await feed.stop();
  });

  test('polls when no nudge comes', async () => {
    const log = new MemoryJournal(1);
    const { feed, until } = feedOf(log, { pollMs: 1 });
    feed.start(0);
    await until(1);
    log.append('key');
    await until(2);
    await feed.stop();
  });

  test('delivers a batch again until it is taken, and nothing beyond it', async () => {
    const log = new MemoryJournal(6);
    let failures = 3;
    const seen: number[][] = [];
    const halts: unknown[] = [];
    const { feed, delivered, until } = feedOf(log, {
      batch: 2,
      onHalted: (error) => halts.push(error),
      deliver: async (events) => {
        seen.push(events.map(({ position }) => position));
        if (events[0]?.position === 3 && failures-- > 0) throw new Error('no database');
      },
    });
    feed.start(0);
    await until(6);
    expect(delivered).toEqual(upTo(6));
    expect(seen).toEqual([
      [1, 2],
      [3, 4],
      [3, 4],
      [3, 4],
      [3, 4],
      [5, 6],
    ]);
    expect(halts).toHaveLength(1);
    await feed.stop();
  });

  test('delivers again what a taker has lost, whether or not more has come', async () => {
    const log = new MemoryJournal(6);
    let stands = 0;
    const { feed, nudges, delivered, until } = feedOf(log, {
      batch: 2,
      standing: async () => stands,
      deliver: async (events) => {
        expect(events[0]?.position).toBe(stands + 1);
        stands = events.at(-1)?.position as number;
      },
    });
    feed.start(0);
    await until(6);
    stands = 3; // as a database that comes back without its last commits
    nudges.nudge(6);
    await until(9);
    log.append('key');
    stands = 5;
    nudges.nudge(7);
    await until(11);
    expect(delivered).toEqual([1, 2, 3, 4, 5, 6, 4, 5, 6, 6, 7]);
    await feed.stop();
  });

  test('asks where the taker stands before it delivers a batch again', async () => {
    const log = new MemoryJournal(4);
    let stands = 2;
    let failures = 1;
    const { feed, delivered, until } = feedOf(log, {
      standing: async () => stands,
      deliver: async (events) => {
        if (failures-- > 0) {
          stands = 0;
          throw new Error('the database went away, and with it what was not yet on its disk');
        }
        stands = events.at(-1)?.position as number;
      },
    });
    feed.start(2);
    await until(4);
    expect(delivered).toEqual(upTo(4));
    await feed.stop();
  });

  test('never delivers across a hole', async () => {
    const log = new MemoryJournal(6);
    const [missing] = log.events.splice(3, 1);
    let halt: (error: unknown) => void = () => {};
    const halted = new Promise<unknown>((resolve) => {
      halt = resolve;
    });
    const { feed, delivered } = feedOf(log, { batch: 2, onHalted: halt });
    feed.start(0);
    expect(await halted).toEqual(new Error(`journal ${JOURNAL} goes from position 3 to 5`));
    await feed.stop();
    expect(delivered).toEqual([1, 2]);
    expect(missing?.position).toBe(4);
  });

  test('stop waits for the batch at work, and start begins anew elsewhere', async () => {
    const log = new MemoryJournal(4);
    let release = () => {};
    let at: EventEnvelope | undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { feed, delivered, until } = feedOf(log, {
      batch: 1,
      deliver: async (events) => {
        at ??= events[0];
        await held;
      },
    });
    feed.start(0);
    while (at === undefined) await Promise.resolve();
    expect(() => feed.start(0)).toThrow(/runs already/);
    let stopped = false;
    const stopping = feed.stop().then(() => {
      stopped = true;
    });
    await Promise.resolve();
    expect(stopped).toBe(false);
    release();
    await stopping;
    expect(delivered).toEqual([1]);
    feed.start(2);
    await until(3);
    await feed.stop();
    expect(delivered).toEqual([1, 3, 4]);
  });

  test('stop ends a feed whose events are never taken, and one whose log is away', async () => {
    const log = new MemoryJournal(1);
    let tries = 0;
    const untaken = feedOf(log, {
      deliver: async () => {
        tries++;
        throw new Error('never');
      },
    });
    untaken.feed.start(0);
    while (tries === 0) await Promise.resolve();
    await untaken.feed.stop();
    log.beforeRead = () => {
      throw new Error('away');
    };
    const away = feedOf(log);
    away.feed.start(0);
    await away.feed.stop();
    expect(away.delivered).toEqual([]);
  });

  test('whatever the log and the receiver do, each event arrives once, in order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 40 }),
        fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 10 }),
        fc.integer({ min: 1, max: 7 }),
        fc.uniqueArray(fc.nat(20), { maxLength: 3 }),
        fc.nat(40),
        async (length, appends, batch, failedReads, after) => {
          const log = new MemoryJournal(Math.max(length, after));
          log.beforeRead = () => {
            if (failedReads.includes(log.reads)) throw new Error('away');
          };
          const { feed, nudges, delivered, until } = feedOf(log, { batch });
          feed.start(after);
          for (const count of appends) {
            for (let n = 0; n < count; n++) log.append('key');
            nudges.nudge(log.events.length);
            await Promise.resolve();
          }
          await until(log.events.length - after);
          await feed.stop();
          expect(delivered).toEqual(upTo(log.events.length, after + 1));
        },
      ),
      { numRuns: 50 },
    );
  });
});
