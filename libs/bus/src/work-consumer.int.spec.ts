import { type CommandRequest, Headers, Streams } from '@bellwether/contracts';
import { eventually, startNats, type TestNats } from '@bellwether/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { headers } from '@nats-io/transport-node';
import { type Bus, connectBus } from './bus.js';
import { DeadLetters } from './dead-letters.js';
import { silentLog } from './memory-store.fixture.js';
import { defaultTopology } from './topology.js';
import { WorkConsumer, type WorkConsumerOptions } from './work-consumer.js';
import type { WorkMessage, WorkOutcome } from './work-message.js';

// Servers are killed and started here, on machines that do other things too.
jest.setTimeout(60_000);

let nats: TestNats;
let bus: Bus;
const open: (() => Promise<void>)[] = [];
beforeAll(async () => {
  nats = await startNats();
  bus = await connectBus({ servers: nats.url, name: 'publisher', log: silentLog });
});
afterAll(async () => {
  await bus.drain();
  await nats.stop();
});
beforeEach(async () => {
  await bus.reconcile();
  for (const stream of Object.values(Streams)) await bus.jsm.streams.delete(stream);
  await bus.reconcile();
});
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

const done: WorkOutcome = { kind: 'done' };
const text = (message: WorkMessage) => Buffer.from(message.data).toString();
const publish = (body: string, subject = 'sli.checkout.availability') => bus.js.publish(subject, body);
const publishAll = (from: number, to: number) =>
  Promise.all(Array.from({ length: to - from + 1 }, (_, index) => publish(String(from + index))));
const numbers = (to: number) => Array.from({ length: to }, (_, index) => String(index + 1));

interface Ingest {
  bus: Bus;
  consumer: WorkConsumer;
  dead: number;
}

async function ingest(
  handle: WorkConsumerOptions['handle'],
  options: Partial<WorkConsumerOptions> = {},
): Promise<Ingest> {
  const counts = { redelivered: 0, dead: 0 };
  const own = await connectBus({
    servers: nats.url,
    name: 'ingest',
    log: silentLog,
    metrics: {
      lag() {},
      halted() {},
      redelivered: (_, count) => {
        counts.redelivered += count;
      },
      deadLettered: (_, count) => {
        counts.dead += count;
      },
    },
  });
  const consumer = new WorkConsumer({ bus: own, durable: 'ingest', handle, ...options });
  consumer.start();
  open.push(async () => {
    await consumer.stop();
    await own.drain();
  });
  return {
    bus: own,
    consumer,
    get dead() {
      return counts.dead;
    },
  };
}

async function allAcknowledged(): Promise<void> {
  await eventually(
    async () => {
      const { num_pending, num_ack_pending } = await bus.jsm.consumers.info(Streams.SLI, 'ingest');
      expect([num_pending, num_ack_pending]).toEqual([0, 0]);
    },
    { timeoutMs: 20_000 },
  );
}

describe('work', () => {
  test('is handed over in batches, with what identifies a message, and acknowledged after the commit', async () => {
    await publishAll(1, 1_000);
    const seen: WorkMessage[] = [];
    let largest = 0;
    await ingest(
      async (messages) => {
        seen.push(...messages);
        largest = Math.max(largest, messages.length);
        return messages.map(() => done);
      },
      { batch: 100 },
    );
    await allAcknowledged();
    expect(seen.map(text).sort()).toEqual(numbers(1_000).sort());
    expect(largest).toBeLessThanOrEqual(100);
    const { created } = await bus.jsm.streams.info(Streams.SLI);
    expect(seen[0]).toMatchObject({
      subject: 'sli.checkout.availability',
      streamCreated: created,
      deliveries: 1,
    });
    expect(Math.abs((seen[0] as WorkMessage).receivedAt.getTime() - Date.now())).toBeLessThan(60_000);
    expect(new Set(seen.map(({ sequence }) => sequence)).size).toBe(1_000);
  });

  test('is shared by instances', async () => {
    const by = [0, 0];
    const handler = (instance: 0 | 1) => async (messages: readonly WorkMessage[]) => {
      by[instance] = (by[instance] as number) + messages.length;
      return messages.map(() => done);
    };
    await ingest(handler(0), { batch: 5 });
    await ingest(handler(1), { batch: 5 });
    await eventually(async () => {
      await publishAll(1, 50);
      expect(Math.min(...by)).toBeGreaterThan(0);
    });
    await allAcknowledged();
    expect((by[0] as number) + (by[1] as number)).toBe(
      (await bus.jsm.streams.info(Streams.SLI)).state.messages,
    );
  });

  test('a batch is bounded in bytes; a message above the bound comes alone', async () => {
    const sizes: number[] = [];
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    for (const size of [10, 300_000, 300_000, 900_000, 20, 30]) await publish('x'.repeat(size));
    const { consumer } = await ingest(
      async (messages) => {
        await held;
        sizes.push(messages.reduce((sum, { data }) => sum + data.length, 0));
        return messages.map(() => done);
      },
      { maxBytes: 500_000, concurrency: 1 },
    );
    await eventually(() => expect(consumer.held).toBe(6));
    release();
    await allAcknowledged();
    expect(sizes.reduce((sum, size) => sum + size)).toBe(1_500_060);
    for (const size of sizes) expect(size === 900_000 || size <= 500_000).toBe(true);
  });

  test('held memory is bounded: what is not worked on stays in the stream', async () => {
    await Promise.all(Array.from({ length: 60 }, () => publish('x'.repeat(500_000))));
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let handled = 0;
    const { consumer } = await ingest(
      async (messages) => {
        await held;
        handled += messages.length;
        return messages.map(() => done);
      },
      { batch: 4, maxBytes: 2 * 1024 * 1024, concurrency: 1 },
    );
    await eventually(() => expect(consumer.held).toBeGreaterThanOrEqual(8));
    const most = consumer.held;
    await bus.nc.flush();
    expect(Math.max(most, consumer.held)).toBeLessThanOrEqual(4 + 4 + 4);
    release();
    await eventually(() => expect(handled).toBe(60), { timeoutMs: 20_000 });
  });

  test('that is slow is not handed to anyone else: the server hears that it goes on', async () => {
    await publish('slow');
    let signs = 0;
    const watching = bus.nc.subscribe('$JS.ACK.SLI.ingest.>', {
      callback: (_, message) => {
        if (message.string() === '+WPI') signs++;
      },
    });
    let deliveries = 0;
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await ingest(
      async (messages) => {
        deliveries += messages.length;
        await held;
        return messages.map(() => done);
      },
      { ackWaitMs: 300, concurrency: 4 },
    );
    await eventually(() => expect(deliveries).toBe(1));
    // Three signs of life for each ack wait: many ack waits go by.
    await eventually(() => expect(signs).toBeGreaterThan(12));
    expect((await bus.jsm.consumers.info(Streams.SLI, 'ingest')).num_redelivered).toBe(0);
    release();
    await allAcknowledged();
    expect(deliveries).toBe(1);
    watching.unsubscribe();
  });

  test('whose acknowledgement expired comes again', async () => {
    await publish('lost');
    const frozen = await ingest(async () => await new Promise(() => {}), { ackWaitMs: 200 });
    await eventually(() => expect(frozen.consumer.held).toBe(1));
    // A process that is frozen or gone: it says nothing any more.
    await frozen.bus.nc.close();
    const seen: WorkMessage[] = [];
    await ingest(
      async (messages) => {
        seen.push(...messages);
        return messages.map(() => done);
      },
      { ackWaitMs: 200 },
    );
    await eventually(() =>
      expect(seen.map((message) => [text(message), message.deliveries])).toEqual([['lost', 2]]),
    );
    open.shift();
  });

  test('is given back by an instance that stops', async () => {
    await publishAll(1, 20);
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const seen: string[] = [];
    const first = await ingest(
      async (messages) => {
        await held;
        seen.push(...messages.map(text));
        return messages.map(() => done);
      },
      { batch: 5, concurrency: 1 },
    );
    await eventually(() => expect(first.consumer.held).toBeGreaterThan(5));
    const stopped = first.consumer.stop();
    release();
    await stopped;
    expect(seen).toHaveLength(5);
    await ingest(async (messages) => {
      seen.push(...messages.map(text));
      return messages.map(() => done);
    });
    // Well before the ack wait of 30 s.
    await eventually(() => expect([...seen].sort()).toEqual(numbers(20).sort()));
  });
});

describe('failures', () => {
  test('a poison message does not take its neighbours with it, and ends among the dead letters', async () => {
    await publishAll(1, 9);
    await publish('poison');
    await publishAll(11, 20);
    const committed: string[] = [];
    const one = await ingest(
      async (messages) => {
        if (messages.some((message) => text(message) === 'poison')) throw new TypeError('cannot digest');
        committed.push(...messages.map(text));
        return messages.map(() => done);
      },
      { maxDeliveries: 3 },
    );
    await allAcknowledged();
    expect([...new Set(committed)].sort()).toEqual([...numbers(9), ...numbers(20).slice(10)].sort());
    const { items } = await new DeadLetters(bus).list();
    expect(items).toEqual([
      expect.objectContaining({
        subject: 'sli.checkout.availability',
        error: 'TypeError: cannot digest',
        deliveries: 3,
        body: 'poison',
      }),
    ]);
    expect(one.dead).toBe(1);
  });

  test('a message that kills the process every time is put aside unseen', async () => {
    await publish('killer');
    for (let n = 0; n < 3; n++) {
      const victim = await ingest(async () => await new Promise(() => {}), {
        ackWaitMs: 100,
        maxDeliveries: 3,
      });
      await eventually(() => expect(victim.consumer.held).toBe(1));
      await victim.bus.nc.close();
      open.pop();
    }
    let handled = 0;
    await ingest(
      async (messages) => {
        handled += messages.length;
        return messages.map(() => done);
      },
      { ackWaitMs: 100, maxDeliveries: 3 },
    );
    await eventually(async () => {
      expect((await new DeadLetters(bus).list()).items).toEqual([
        expect.objectContaining({
          body: 'killer',
          error: expect.stringMatching(/given up after 3 deliveries/),
        }),
      ]);
    });
    expect(handled).toBe(0);
  }, 20_000);

  test('what the handler refuses goes to the dead letters with reason and place, the rest is done', async () => {
    const head = headers();
    head.set('Nats-Msg-Id', 'id-1');
    head.set('Nats-Rollup', 'sub');
    head.set('content-type', 'application/json');
    head.set(Headers.receipt, '_INBOX.x');
    await bus.jsm.streams.update(Streams.SLI, { allow_rollup_hdrs: true } as never);
    await bus.js.publish('sli.checkout.latency', '{"total":-1}', { headers: head });
    await publish('fine');
    await ingest(async (messages) =>
      messages.map(
        (message): WorkOutcome =>
          text(message) === 'fine'
            ? done
            : { kind: 'dead', error: 'must not be negative\r\nX: y', path: 'points.0.total' },
      ),
    );
    await allAcknowledged();
    const dead = await bus.jsm.streams.getMessage(Streams.DLQ, { last_by_subj: 'dlq.sli.checkout.latency' });
    expect(dead?.string()).toBe('{"total":-1}');
    expect(dead?.header.get(Headers.error)).toBe('must not be negative X: y');
    expect(dead?.header.get(Headers.path)).toBe('points.0.total');
    expect(dead?.header.get('content-type')).toBe('application/json');
    expect(dead?.header.get('Nats-Rollup')).toBe('');
    expect(dead?.header.get('Bellwether-Message-Id')).toBe('id-1');
    expect((await bus.jsm.streams.info(Streams.DLQ)).state.messages).toBe(1);
  });

  test('a database that is away is waited for with the messages in hand; nothing is handed out again or put aside', async () => {
    await publishAll(1, 30);
    let outage = 6;
    const committed: string[] = [];
    await ingest(
      async (messages) => {
        if (outage-- > 0) throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
        committed.push(...messages.map(text));
        return messages.map(() => done);
      },
      { concurrency: 1, maxDeliveries: 2 },
    );
    await allAcknowledged();
    expect(committed.sort()).toEqual(numbers(30).sort());
    expect((await bus.jsm.consumers.info(Streams.SLI, 'ingest')).num_redelivered).toBe(0);
    expect((await new DeadLetters(bus).list()).items).toEqual([]);
  });

  test('NATS killed and started again under load: every message that was accepted is worked on', async () => {
    const committed = new Set<string>();
    await ingest(async (messages) => {
      for (const message of messages) committed.add(text(message));
      return messages.map(() => done);
    });
    const accepted: string[] = [];
    for (let round = 0; round < 5; round++) {
      for (let n = 0; n < 40; n++) {
        const body = `${round}-${n}`;
        await eventually(() => bus.whileConnected(() => bus.js.publish('sli.a.b', body, { msgID: body })), {
          timeoutMs: 20_000,
        });
        accepted.push(body);
        if (n === 20) {
          await nats.kill();
          await nats.start();
          await eventually(() => expect(bus.connected).toBe(true));
        }
      }
    }
    await eventually(() => expect([...committed].sort()).toEqual(accepted.sort()), { timeoutMs: 40_000 });
  }, 90_000);

  test('a lost volume: the consumer comes back and goes on with what is published then', async () => {
    const seen: WorkMessage[] = [];
    await ingest(async (messages) => {
      seen.push(...messages);
      return messages.map(() => done);
    });
    await publish('before');
    await eventually(() => expect(seen.map(text)).toEqual(['before']));
    await nats.wipe();
    await eventually(() => expect(bus.connected).toBe(true));
    await eventually(() => bus.whileConnected(() => publish('after')), { timeoutMs: 20_000 });
    await eventually(() => expect(seen.map(text)).toContain('after'), { timeoutMs: 20_000 });
    expect(seen.at(-1)?.streamCreated).not.toBe(seen[0]?.streamCreated);
  }, 60_000);

  test('a consumer that was deleted is created again', async () => {
    const seen = new Set<string>();
    await ingest(async (messages) => {
      for (const message of messages) seen.add(text(message));
      return messages.map(() => done);
    });
    await publish('1');
    await eventually(() => expect(seen.has('1')).toBe(true));
    await bus.jsm.consumers.delete(Streams.SLI, 'ingest');
    await publish('2');
    await eventually(() => expect([...seen]).toEqual(['1', '2']));
  });
});

describe('room', () => {
  test('a stream that fills up is freed of what is done, and only of that', async () => {
    await bus.jsm.streams.update(Streams.SLI, { max_bytes: 16 * 1024 * 1024 });
    const sized = await connectBus({
      servers: nats.url,
      name: 'sized',
      log: silentLog,
      topology: { sli: { ...defaultTopology.sli, maxBytes: 16 * 1024 * 1024 } },
    });
    open.push(() => sized.drain());
    for (let n = 0; n < 10; n++) await publish('x'.repeat(500_000));
    await publish('last');
    let hold = false;
    const consumer = new WorkConsumer({
      bus: sized,
      durable: 'ingest',
      batch: 1,
      concurrency: 1,
      handle: async (messages) => {
        if (messages.some((message) => text(message) === 'last')) {
          hold = true;
          return [{ kind: 'retry', delayMs: 600_000 }];
        }
        return messages.map(() => done);
      },
    });
    consumer.start();
    open.push(() => consumer.stop());
    await eventually(() => expect(hold).toBe(true));
    await eventually(async () => {
      await consumer.trim();
      expect((await bus.jsm.streams.info(Streams.SLI)).state.messages).toBe(1);
    });
    const { state } = await bus.jsm.streams.info(Streams.SLI);
    expect([state.first_seq, state.last_seq]).toEqual([11, 11]);
  });

  test('a full stream refuses new messages instead of dropping old ones', async () => {
    await bus.jsm.streams.update(Streams.SLI, { max_bytes: 1024 * 1024 });
    await publish('x'.repeat(600_000));
    await expect(publish('x'.repeat(600_000))).rejects.toThrow(/maximum bytes/);
    expect((await bus.jsm.streams.info(Streams.SLI)).state.messages).toBe(1);
  });
});

describe('dead letters', () => {
  async function bury(count: number, options: { msgID?: string } = {}): Promise<void> {
    for (let n = 1; n <= count; n++) await bus.js.publish('sli.checkout.availability', `bad ${n}`, options);
    const one = await ingest(async (messages) =>
      messages.map((): WorkOutcome => ({ kind: 'dead', error: 'no' })),
    );
    await allAcknowledged();
    await one.consumer.stop();
  }

  test('are listed in pages', async () => {
    await bury(5);
    const letters = new DeadLetters(bus, 'dlq.sli.>');
    const first = await letters.list({ limit: 2 });
    expect(first.items.map(({ body }) => body)).toEqual(['bad 1', 'bad 2']);
    const second = await letters.list({ after: first.next as number, limit: 2 });
    expect(second.items.map(({ body }) => body)).toEqual(['bad 3', 'bad 4']);
    const third = await letters.list({ after: second.next as number, limit: 2 });
    expect([third.items.map(({ body }) => body), third.next]).toEqual([['bad 5'], null]);
  });

  test('are published again once, and are then gone', async () => {
    await bury(1);
    const letters = new DeadLetters(bus);
    const [letter] = (await letters.list()).items;
    expect(await letters.retry(letter?.sequence as number)).toEqual({ retried: true });
    expect((await letters.list()).items).toEqual([]);
    const seen: string[] = [];
    await ingest(async (messages) => {
      seen.push(...messages.map(text));
      return messages.map(() => done);
    });
    await eventually(() => expect(seen).toEqual(['bad 1']));
    await expect(letters.retry(letter?.sequence as number)).rejects.toThrow(/no dead letter/);
  });

  test('are kept when the broker would take the retry for a duplicate', async () => {
    await bury(1, { msgID: 'id-7' });
    const letters = new DeadLetters(bus);
    const [letter] = (await letters.list()).items;
    expect(await letters.retry(letter?.sequence as number)).toMatchObject({ retried: false });
    expect((await letters.list()).items).toHaveLength(1);
  });

  test('are listed and retried by command, as parked events are', async () => {
    await bury(2);
    await ingest(async (messages) => messages.map(() => done));
    const ask = (name: string, data: unknown = {}, role: CommandRequest['role'] = 'admin') =>
      bus.request<{ items: { key: string }[] }>(`cmd.ingest.${name}`, {
        id: 'test',
        actor: 'user:ada',
        role,
        correlationId: 'story',
        at: '2026-01-01T00:00:00.000Z',
        data,
      });
    const listed = await ask('dlq-list');
    expect(listed).toMatchObject({
      ok: true,
      data: {
        items: [
          {
            consumer: 'ingest',
            key: '1',
            position: 1,
            type: 'sli.checkout.availability',
            error: 'no',
            attempts: 1,
          },
          { key: '2' },
        ],
      },
    });
    expect(await ask('dlq-retry', {}, 'viewer')).toMatchObject({ ok: false, problem: { status: 403 } });
    expect(await ask('dlq-retry', { key: '99' })).toMatchObject({ ok: false, problem: { status: 404 } });
    expect(await ask('dlq-retry', { key: 'x' })).toMatchObject({ ok: false, problem: { status: 404 } });
    expect(await ask('dlq-retry', { key: '1' })).toMatchObject({
      data: { items: [{ key: '1', replayed: 1, remaining: 0 }] },
    });
    expect(await ask('dlq-retry')).toMatchObject({
      data: { items: [{ key: '2', replayed: 1, remaining: 0 }] },
    });
    expect(await ask('dlq-list')).toMatchObject({ data: { items: [] } });
  });

  test('tell what a subscriber gave up on', async () => {
    await bus.js.publish('evt.incident.declared.INC-1', '{}');
    await bus.jsm.consumers.add(Streams.EVENTS, {
      durable_name: 'pager',
      ack_policy: 'explicit',
      ack_wait: 50_000_000,
      max_deliver: 1,
    });
    const consumer = await bus.js.consumers.get(Streams.EVENTS, 'pager');
    await consumer.next({ expires: 1_000 });
    await eventually(async () => {
      // The server notices when the consumer asks for more.
      await consumer.next({ expires: 1_000 });
      expect(await new DeadLetters(bus).abandoned()).toEqual([
        expect.objectContaining({ subscriber: 'pager', subject: 'EVENTS/1', deliveries: 1 }),
      ]);
    });
  }, 20_000);
});
