import { type EventEnvelope, toEnvelope } from '@bellwether/contracts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { EventFilter } from './event-filter.js';
import type { EventStream, StreamedEvent } from './event-stream.js';
import type { EventsApi } from './events-api.js';
import { positionInMemory } from './position-store.js';
import { EventSubscription, type SubscriptionOptions } from './subscription.js';

const types = ['incident.declared', 'incident.resolved', 'page.requested'];

function eventAt(position: number): EventEnvelope {
  return toEnvelope({
    journal: 'control',
    position,
    id: `0190a0a0-0000-7000-8000-${String(position).padStart(12, '0')}`,
    stream: 'incident:INC-1',
    version: position,
    type: types[position % 3] as string,
    schema: 1,
    data: {},
    meta: {
      correlationId: 'c',
      causationId: null,
      actor: 'service:incident',
      source: '/bellwether/incident',
    },
    occurredAt: new Date(0),
    recordedAt: new Date(0),
  });
}

/** The log's api: it holds positions 1 to `head`. */
class FakeLog {
  head = 0;
  requests = 0;
  failures = 0;

  readonly api = {
    after: async (
      position: number,
      _: AbortSignal,
      options: { types?: string | undefined; limit?: number } = {},
    ) => {
      this.requests += 1;
      if (this.failures > 0) {
        this.failures -= 1;
        throw new Error('the api is away');
      }
      const filter = new EventFilter(options.types === undefined ? [] : options.types.split(','));
      const found: EventEnvelope[] = [];
      for (let at = position + 1; at <= this.head && found.length < (options.limit ?? 4); at += 1) {
        if (filter.matches(eventAt(at))) found.push(eventAt(at));
      }
      return found;
    },
    isLast: (events: readonly EventEnvelope[]) => events.length < 4,
  } as unknown as EventsApi;
}

/** A durable whose deliveries the test writes down, fetch by fetch. */
class ScriptedStream implements EventStream {
  readonly settled: number[] = [];
  doubtful = false;
  closed = false;
  #isNew: boolean;

  constructor(
    private readonly fetches: (Delivered[] | Error)[],
    private readonly onDry: () => void,
    isNew = false,
  ) {
    this.#isNew = isNew;
  }

  async open(): Promise<boolean> {
    const isNew = this.#isNew;
    this.#isNew = false;
    return isNew;
  }

  async *events(): AsyncGenerator<StreamedEvent> {
    this.doubtful = false;
    const fetched = this.fetches.shift();
    if (fetched === undefined) this.onDry();
    else if (fetched instanceof Error) {
      this.#isNew = fetched.message === 'the durable is gone';
      this.doubtful = fetched.message === 'reconnected';
      throw fetched;
    } else {
      for (const { at, doubtful = false, large = false } of fetched) {
        const event = large
          ? { position: at, complete: false as const }
          : { position: at, complete: true as const, envelope: eventAt(at) };
        yield { event, doubtful, settle: () => this.settled.push(at) };
      }
    }
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

interface Delivered {
  at: number;
  doubtful?: boolean;
  large?: boolean;
}

/** Runs a subscription until its stream is dry. */
async function run(
  script: {
    fetches: (Delivered[] | Error)[];
    isNew?: boolean;
    head: number;
    failures?: number;
    types?: string[];
  },
  options: Partial<SubscriptionOptions> = {},
) {
  const log = new FakeLog();
  log.head = script.head;
  log.failures = script.failures ?? 0;
  const handled: number[] = [];
  const position = options.position ?? positionInMemory();
  let dry: () => void = () => {};
  const isDry = new Promise<void>((resolve) => {
    dry = resolve;
  });
  const stream = new ScriptedStream([...script.fetches], () => dry(), script.isNew);
  const subscription = new EventSubscription(stream, log.api, new EventFilter(script.types ?? []), {
    onEvent: (event) => void handled.push(event.position),
    retryMs: [0, 0],
    ...options,
    position,
  });
  subscription.start();
  await isDry;
  await subscription.stop();
  return { handled, stream, log, kept: await position.load(), subscription };
}

describe('a subscription', () => {
  test('handles each event once and in order, and settles it then', async () => {
    const { handled, stream, kept, log } = await run({
      fetches: [[{ at: 5 }, { at: 6 }], [{ at: 7 }]],
      head: 7,
    });
    expect(handled).toEqual([5, 6, 7]);
    expect(stream.settled).toEqual([5, 6, 7]);
    expect(kept).toBe(7);
    expect(log.requests).toBe(0);
    expect(stream.closed).toBe(true);
  });

  test('passes over what it has handled, and settles it again', async () => {
    const { handled, stream } = await run({
      fetches: [[{ at: 5 }, { at: 6 }, { at: 5 }, { at: 7 }]],
      head: 7,
    });
    expect(handled).toEqual([5, 6, 7]);
    expect(stream.settled).toEqual([5, 6, 5, 7]);
  });

  test('reads what is missing between two positions from the log', async () => {
    const { handled } = await run({ fetches: [[{ at: 5 }, { at: 9 }]], head: 9 });
    expect(handled).toEqual([5, 6, 7, 8, 9]);
  });

  test('of some types does so when deliveries were lost, and proves it to the position', async () => {
    const wanted = { types: ['incident.*'], head: 12 };
    const { handled } = await run({ ...wanted, fetches: [[{ at: 3 }, { at: 12, doubtful: true }]] });
    expect(handled).toEqual([3, 4, 6, 7, 9, 10, 12]);
    const calm = await run({ ...wanted, fetches: [[{ at: 3 }, { at: 12 }]] });
    expect(calm.handled).toEqual([3, 12]);
    expect(calm.log.requests).toBe(0);
  });

  test('asks an api that is away or behind until it has what is missing', async () => {
    const { handled } = await run({ fetches: [[{ at: 5 }], [{ at: 8 }], [{ at: 8 }]], head: 8, failures: 1 });
    expect(handled).toEqual([5, 6, 7, 8]);
  });

  test('whose durable died resumes from its last position through the api', async () => {
    const gone = new Error('the durable is gone');
    const { handled } = await run({
      fetches: [[{ at: 1 }, { at: 2 }], gone, [{ at: 2 }, { at: 9 }, { at: 10 }]],
      head: 9,
    });
    expect(handled).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  test('whose connection came back reads the log at once, not when the next delivery comes', async () => {
    const reconnected = new Error('reconnected');
    const { handled } = await run({ fetches: [[{ at: 1 }, { at: 2 }], reconnected], head: 4 });
    expect(handled).toEqual([1, 2, 3, 4]);
  });

  test('that kept its position resumes from it, whatever the durable knows', async () => {
    const { handled } = await run(
      { fetches: [[{ at: 7 }]], head: 6, isNew: true },
      { position: positionInMemory(4) },
    );
    expect(handled).toEqual([5, 6, 7]);
  });

  test('that never ran begins now, or at the beginning', async () => {
    const fresh = { fetches: [[{ at: 20 }, { at: 21 }, { at: 22 }]], head: 20, isNew: true };
    expect((await run(fresh)).handled).toEqual([21, 22]);
    const all = await run({ ...fresh, head: 9, fetches: [[{ at: 10 }]] }, { from: 'beginning' });
    expect(all.handled).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  test('reads an event that was too large for a message from the log', async () => {
    const { handled, stream } = await run({
      fetches: [[{ at: 5 }, { at: 6, large: true }, { at: 7 }]],
      head: 7,
    });
    expect(handled).toEqual([5, 6, 7]);
    expect(stream.settled).toEqual([5, 6, 7]);
  });

  test('gives a failing handler the same event again, and not the next', async () => {
    const attempts: number[] = [];
    const errors: Error[] = [];
    await run(
      { fetches: [[{ at: 5 }, { at: 6 }]], head: 6 },
      {
        onEvent: ({ position }) => {
          attempts.push(position);
          if (attempts.length < 4) throw new Error('the pager is away');
        },
        onError: (error) => void errors.push(error),
      },
    );
    expect(attempts).toEqual([5, 5, 5, 5, 6]);
    expect(errors).toHaveLength(3);
  });

  test('passes over an event after maxAttempts, and says so', async () => {
    const givenUp: number[] = [];
    const { kept } = await run(
      { fetches: [[{ at: 5 }, { at: 6 }]], head: 6 },
      {
        maxAttempts: 2,
        onEvent: ({ position }) => {
          if (position === 5) throw new Error('poison');
        },
        onGivenUp: ({ position }) => void givenUp.push(position),
      },
    );
    expect(givenUp).toEqual([5]);
    expect(kept).toBe(6);
  });

  test('misses nothing and keeps the order, whatever is lost, repeated or broken on the way', async () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.constant('deliver' as const) },
      { weight: 2, arbitrary: fc.constant('lose' as const) },
      { weight: 2, arbitrary: fc.constant('repeat' as const) },
      { weight: 1, arbitrary: fc.constant('break' as const) },
      { weight: 1, arbitrary: fc.constant('die' as const) },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 25 }),
        fc.constantFrom<string[]>([], ['incident.*']),
        async (steps, wanted) => {
          const filter = new EventFilter(wanted);
          const fetches: (Delivered[] | Error)[] = [];
          let at = 0;
          let doubtful = false;
          const next = () => {
            do at += 1;
            while (!filter.matches(eventAt(at)));
            return at;
          };
          for (const kind of steps) {
            if (kind === 'deliver') fetches.push([{ at: next(), doubtful }]);
            if (kind === 'repeat' && at > 0) fetches.push([{ at, doubtful: true }]);
            if (kind === 'break') fetches.push(new Error('connection lost'));
            if (kind === 'die') fetches.push(new Error('the durable is gone'));
            if (kind === 'lose') next();
            doubtful = kind === 'lose' || (doubtful && kind !== 'deliver');
          }
          fetches.push([{ at: next(), doubtful }]);
          const { handled } = await run(
            { fetches, head: at, isNew: true, types: wanted },
            { from: 'beginning' },
          );
          expect(handled).toEqual(
            Array.from({ length: at }, (_, i) => i + 1).filter((p) => filter.matches(eventAt(p))),
          );
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('a filter of events', () => {
  test.each([
    [[], 'evt.>', undefined],
    [['incident.declared'], 'evt.incident.declared.>', 'incident.declared'],
    [['incident.*'], 'evt.incident.>', 'incident.*'],
    [['incident.*', 'page.requested'], 'evt.>', 'incident.*,page.requested'],
  ])('%j', (wanted, subject, query) => {
    const filter = new EventFilter(wanted);
    expect({ subject: filter.subject, query: filter.query }).toEqual({ subject, query });
  });

  test('refuses what is no name', () => {
    for (const type of ['>', '*', 'incident.>', 'Incident', 'a b', ''])
      expect(() => new EventFilter([type])).toThrow(TypeError);
  });
});
