import type { EventEnvelope } from '@bellwether/contracts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { envelope, MemoryJournal, MemoryStore, type MemoryTx, silentLog } from './memory-store.fixture.js';
import { OrderedConsumer, type OrderedConsumerOptions } from './ordered-consumer.js';

const NAME = 'incident';

function consumerOf(
  journal: MemoryJournal,
  store: MemoryStore,
  options: Partial<OrderedConsumerOptions<MemoryTx>> = {},
): OrderedConsumer<MemoryTx> {
  return new OrderedConsumer<MemoryTx>({
    consumer: NAME,
    journal: 'control',
    reader: journal,
    store,
    keyOf: (event) => event.subject,
    handle: async (tx, event) => void tx.effects.push(label(event)),
    sleep: async () => {},
    log: silentLog,
    ...options,
  });
}

const label = (event: EventEnvelope) => `${event.subject}@${event.position}`;
const everything = (journal: MemoryJournal) => journal.events.map(label);

describe('contiguity', () => {
  test('what is delivered out of order, twice or not at all is handled once, in order', async () => {
    const journal = new MemoryJournal(6);
    const store = new MemoryStore();
    const consumer = consumerOf(journal, store);
    await consumer.start();
    const at = (position: number) => journal.events[position - 1] as EventEnvelope;
    await consumer.offer([at(2), at(1), at(2)]);
    await consumer.offer([at(1)]);
    await consumer.offer([at(6), at(4)]);
    expect(store.effects).toEqual(everything(journal));
    expect(consumer.position).toBe(6);
  });

  test('the log is not read while the transport delivers everything', async () => {
    const journal = new MemoryJournal(50);
    const consumer = consumerOf(journal, new MemoryStore());
    await consumer.start();
    await consumer.offer(journal.events.slice(0, 20));
    await consumer.offer(journal.events.slice(20));
    expect(journal.reads).toBe(0);
    expect(consumer.position).toBe(50);
  });

  test('an event beyond the end of the log is ignored, and does not stop the consumer', async () => {
    const journal = new MemoryJournal(3);
    const store = new MemoryStore();
    const consumer = consumerOf(journal, store);
    await consumer.start();
    await consumer.offer([envelope(9, 'ghost')]);
    expect(consumer.position).toBe(3);
    journal.append('key');
    await consumer.catchUp();
    expect(store.effects).toEqual(everything(journal));
  });

  test('a hole in the log is never skipped', async () => {
    const journal = new MemoryJournal(5);
    journal.events.splice(2, 1);
    const store = new MemoryStore();
    let sleeps = 0;
    const consumer: OrderedConsumer<MemoryTx> = consumerOf(journal, store, {
      sleep: async () => {
        if (++sleeps === 3) void consumer.stop();
      },
    });
    await consumer.start();
    await consumer.catchUp();
    expect(consumer.position).toBe(0);
    expect(store.effects).toEqual([]);
  });

  test('an event that concerns nobody only moves the checkpoint', async () => {
    const journal = new MemoryJournal(4, (position) => (position % 2 ? 'odd' : 'even'));
    const store = new MemoryStore();
    const consumer = consumerOf(journal, store, { concerns: (event) => event.subject === 'odd' });
    await consumer.start();
    await consumer.catchUp();
    expect(store.effects).toEqual(['odd@1', 'odd@3']);
    expect(consumer.position).toBe(4);
  });
});

describe('failures', () => {
  test('an event that fails is parked with its error; its key waits behind it, others go on', async () => {
    const journal = new MemoryJournal(6, (position) => (position % 2 ? 'a' : 'b'));
    const store = new MemoryStore();
    const parked: string[] = [];
    let attempts = 0;
    const consumer = consumerOf(journal, store, {
      maxAttempts: 3,
      handle: async (tx, event) => {
        tx.effects.push(label(event));
        if (event.position === 3) {
          attempts++;
          throw new TypeError('cannot read this');
        }
      },
      onParked: (event, key) => parked.push(`${key}:${event.position}`),
    });
    await consumer.start();
    await consumer.offer(journal.events);
    expect(store.effects).toEqual(['a@1', 'b@2', 'b@4', 'b@6']);
    expect(store.parked.map((each) => [each.key, each.position, each.error])).toEqual([
      ['a', 3, 'TypeError: cannot read this'],
      ['a', 5, null],
    ]);
    expect(parked).toEqual(['a:3']);
    // Once together with the others, then by itself.
    expect(attempts).toBe(1 + 3);
    expect(consumer.state()).toEqual({
      consumer: NAME,
      journal: 'control',
      position: 6,
      parked: 1,
      halted: null,
    });
  });

  test('retry handles the queue of a key in order and sets the key free', async () => {
    const journal = new MemoryJournal(4, () => 'a');
    const store = new MemoryStore();
    let broken = true;
    const consumer = consumerOf(journal, store, {
      maxAttempts: 1,
      handle: async (tx, event) => {
        if (broken && event.position === 2) throw new Error('not yet');
        tx.effects.push(label(event));
      },
    });
    await consumer.start();
    await consumer.offer(journal.events);
    expect(await consumer.retry()).toEqual([{ key: 'a', replayed: 0, remaining: 3, error: 'not yet' }]);
    broken = false;
    expect(await consumer.retry('a')).toEqual([{ key: 'a', replayed: 3, remaining: 0 }]);
    await consumer.offer([journal.append('a')]);
    expect(store.effects).toEqual(everything(journal));
    expect(consumer.state().parked).toBe(0);
  });

  test('a queue that someone else emptied does not hold its key', async () => {
    const journal = new MemoryJournal(1, () => 'a');
    const store = new MemoryStore();
    let broken = true;
    const options = {
      maxAttempts: 1,
      handle: async (tx: MemoryTx, event: EventEnvelope) => {
        if (broken) throw new Error('not yet');
        tx.effects.push(label(event));
      },
    };
    const consumer = consumerOf(journal, store, options);
    await consumer.start();
    await consumer.offer(journal.events);
    broken = false;
    const other = consumerOf(journal, store, options);
    await other.start();
    await other.retry('a');
    await consumer.offer([journal.append('a')]);
    expect(store.effects).toEqual(['a@1', 'a@2']);
    expect(store.parked).toEqual([]);
  });

  test('an event without a key halts the consumer, alarms, keeps its place, and goes on when it can', async () => {
    const journal = new MemoryJournal(3, () => 'all');
    const store = new MemoryStore();
    const halts: string[] = [];
    const seen: unknown[] = [];
    let broken = true;
    const consumer: OrderedConsumer<MemoryTx> = consumerOf(journal, store, {
      keyOf: () => null,
      maxAttempts: 2,
      handle: async (tx, event) => {
        if (broken && event.position === 2) throw new Error('no such column');
        tx.effects.push(label(event));
      },
      onHalted: (event) => halts.push(label(event)),
      sleep: async () => {
        seen.push(consumer.state().halted);
        if (seen.length === 10) broken = false;
      },
    });
    await consumer.start();
    await consumer.offer(journal.events);
    expect(halts).toEqual(['all@2']);
    expect(seen.at(-1)).toEqual({ position: 2, error: 'Error: no such column' });
    expect(store.effects).toEqual(everything(journal));
    expect(consumer.state()).toMatchObject({ position: 3, halted: null });
    expect(store.parked).toEqual([]);
  });

  test('a database that is away is waited for: no innocent event is parked', async () => {
    const journal = new MemoryJournal(3);
    const store = new MemoryStore();
    let outage = 40;
    const consumer = consumerOf(journal, store, {
      maxAttempts: 2,
      handle: async (tx, event) => {
        if (outage-- > 0) throw Object.assign(new Error('terminating connection'), { code: '57P01' });
        tx.effects.push(label(event));
      },
    });
    await consumer.start();
    await consumer.offer(journal.events);
    expect(store.effects).toEqual(everything(journal));
    expect(store.parked).toEqual([]);
  });

  test('a commit whose answer was lost is not repeated', async () => {
    const journal = new MemoryJournal(3);
    const store = new MemoryStore();
    let lost = true;
    store.afterCommit = () => {
      if (lost) {
        lost = false;
        throw new Error('Connection terminated unexpectedly');
      }
    };
    const consumer = consumerOf(journal, store);
    await consumer.start();
    await consumer.offer(journal.events);
    expect(store.effects).toEqual(everything(journal));
  });

  test('stop ends a consumer that waits for an event to succeed', async () => {
    const journal = new MemoryJournal(1);
    let stopped: Promise<void> | undefined;
    const consumer: OrderedConsumer<MemoryTx> = consumerOf(journal, new MemoryStore(), {
      keyOf: () => null,
      handle: async () => {
        throw new Error('never');
      },
      sleep: async () => {
        stopped ??= consumer.stop();
      },
    });
    await consumer.start();
    await consumer.catchUp();
    await stopped;
    expect(consumer.position).toBe(0);
  });
});

describe('whatever happens', () => {
  const KEYS = ['a', 'b', 'c'];
  const step = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('deliver' as const),
        picks: fc.array(fc.nat(30), { maxLength: 12 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('catch-up' as const) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('crash' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('retry' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('lose-commit' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('lose-answer' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('lose-read' as const) }) },
  );

  test('each event has its effect once, in the order of its key, over duplicates, losses, disorder, crashes and two instances', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...KEYS), { minLength: 1, maxLength: 30 }),
        fc.array(step, { maxLength: 25 }),
        fc.uniqueArray(fc.nat(30), { maxLength: 4 }),
        fc.integer({ min: 1, max: 5 }),
        async (keys, steps, poison, batch) => {
          const journal = new MemoryJournal(keys.length, (position) => keys[position - 1] as string);
          const store = new MemoryStore();
          let healed = false;
          const once = (what: 'beforeCommit' | 'afterCommit') => {
            store[what] = () => {
              store[what] = () => {};
              throw new Error('Connection terminated unexpectedly');
            };
          };
          const fresh = async () => {
            const consumer = consumerOf(journal, store, {
              batch,
              maxAttempts: 2,
              handle: async (tx, event) => {
                tx.effects.push(label(event));
                if (!healed && poison.includes(event.position)) throw new Error('poison');
              },
            });
            await consumer.start();
            return consumer;
          };
          const instances = [await fresh(), await fresh()];
          for (const [index, each] of steps.entries()) {
            const consumer = instances[index % 2] as OrderedConsumer<MemoryTx>;
            if (each.kind === 'deliver') {
              const picked = each.picks.flatMap((pick) => journal.events[pick] ?? []);
              await consumer.offer(picked);
            } else if (each.kind === 'catch-up') await consumer.catchUp();
            else if (each.kind === 'crash') instances[index % 2] = await fresh();
            else if (each.kind === 'retry') await consumer.retry();
            else if (each.kind === 'lose-read') {
              journal.beforeRead = () => {
                journal.beforeRead = () => {};
                throw new Error('ECONNRESET');
              };
            } else once(each.kind === 'lose-commit' ? 'beforeCommit' : 'afterCommit');
            const order = store.effects.map((effect) => Number(effect.split('@')[1]));
            for (const key of KEYS) {
              const ofKey = order.filter((position) => keys[position - 1] === key);
              expect(ofKey).toEqual([...new Set(ofKey)].sort((a, b) => a - b));
            }
          }
          const last = await fresh();
          await last.catchUp();
          healed = true;
          await last.retry();
          for (const key of KEYS) {
            const expected = everything(journal).filter((effect) => effect.startsWith(`${key}@`));
            expect(store.effects.filter((effect) => effect.startsWith(`${key}@`))).toEqual(expected);
          }
          expect(store.parked).toEqual([]);
          expect(store.positions.get(NAME)).toBe(keys.length);
        },
      ),
      { numRuns: 300 },
    );
  });
});
