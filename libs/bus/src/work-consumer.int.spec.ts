import { Headers, Streams } from '@bellwether/contracts';
import { eventually } from '@bellwether/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { headers } from '@nats-io/transport-node';
import { connectBus } from './bus.js';
import { DeadLetters } from './dead-letters.js';
import { silentLog } from './memory-store.fixture.js';
import { defaultTopology } from './topology.js';
import { WorkConsumer } from './work-consumer.js';
import type { WorkMessage, WorkOutcome } from './work-message.js';
import { done, textOf, WorkStage } from './work-stage.fixture.js';

// Servers are killed and started here, on machines that do other things too.
jest.setTimeout(60_000);

let stage: WorkStage;
beforeAll(async () => {
  stage = await WorkStage.start();
});
afterAll(() => stage?.stop());
beforeEach(() => stage.clean());
afterEach(() => stage.closeAll());

const numbers = (to: number) => Array.from({ length: to }, (_, index) => String(index + 1));

describe('work', () => {
  test('is handed over in batches, with what identifies a message, and acknowledged after the commit', async () => {
    await stage.publishAll(1, 1_000);
    const seen: WorkMessage[] = [];
    let largest = 0;
    await stage.ingest(
      async (messages) => {
        seen.push(...messages);
        largest = Math.max(largest, messages.length);
        return messages.map(() => done);
      },
      { batch: 100 },
    );
    await stage.allAcknowledged();
    expect(seen.map(textOf).sort()).toEqual(numbers(1_000).sort());
    expect(largest).toBeLessThanOrEqual(100);
    const { created } = await stage.bus.jsm.streams.info(Streams.SLI);
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
    await stage.ingest(handler(0), { batch: 5 });
    await stage.ingest(handler(1), { batch: 5 });
    await eventually(async () => {
      await stage.publishAll(1, 50);
      expect(Math.min(...by)).toBeGreaterThan(0);
    });
    await stage.allAcknowledged();
    expect((by[0] as number) + (by[1] as number)).toBe(
      (await stage.bus.jsm.streams.info(Streams.SLI)).state.messages,
    );
  });

  test('a batch is bounded in bytes; a message above the bound comes alone', async () => {
    const sizes: number[] = [];
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    for (const size of [10, 300_000, 300_000, 900_000, 20, 30]) await stage.publish('x'.repeat(size));
    const { consumer } = await stage.ingest(
      async (messages) => {
        await held;
        sizes.push(messages.reduce((sum, { data }) => sum + data.length, 0));
        return messages.map(() => done);
      },
      { maxBytes: 500_000, concurrency: 1 },
    );
    await eventually(() => expect(consumer.held).toBe(6));
    release();
    await stage.allAcknowledged();
    expect(sizes.reduce((sum, size) => sum + size)).toBe(1_500_060);
    for (const size of sizes) expect(size === 900_000 || size <= 500_000).toBe(true);
  });

  test('held memory is bounded: what is not worked on stays in the stream', async () => {
    await Promise.all(Array.from({ length: 60 }, () => stage.publish('x'.repeat(500_000))));
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let handled = 0;
    const { consumer } = await stage.ingest(
      async (messages) => {
        await held;
        handled += messages.length;
        return messages.map(() => done);
      },
      { batch: 4, maxBytes: 2 * 1024 * 1024, concurrency: 1 },
    );
    await eventually(() => expect(consumer.held).toBeGreaterThanOrEqual(8));
    const most = consumer.held;
    await stage.bus.nc.flush();
    expect(Math.max(most, consumer.held)).toBeLessThanOrEqual(4 + 4 + 4);
    release();
    await eventually(() => expect(handled).toBe(60), { timeoutMs: 20_000 });
  });

  test('that is slow is not handed to anyone else: the server hears that it goes on', async () => {
    await stage.publish('slow');
    let signs = 0;
    const watching = stage.bus.nc.subscribe('$JS.ACK.SLI.ingest.>', {
      callback: (_, message) => {
        if (message.string() === '+WPI') signs++;
      },
    });
    let deliveries = 0;
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await stage.ingest(
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
    expect((await stage.bus.jsm.consumers.info(Streams.SLI, 'ingest')).num_redelivered).toBe(0);
    release();
    await stage.allAcknowledged();
    expect(deliveries).toBe(1);
    watching.unsubscribe();
  });

  test('whose acknowledgement expired comes again', async () => {
    await stage.publish('lost');
    const frozen = await stage.ingest(async () => await new Promise(() => {}), { ackWaitMs: 200 });
    await eventually(() => expect(frozen.consumer.held).toBe(1));
    // A process that is frozen or gone: it says nothing any more.
    await frozen.bus.nc.close();
    stage.open.shift();
    const seen: WorkMessage[] = [];
    await stage.ingest(
      async (messages) => {
        seen.push(...messages);
        return messages.map(() => done);
      },
      { ackWaitMs: 200 },
    );
    // How often it was delivered is not said: the server takes a delivery back that reached nobody.
    await eventually(() => expect(seen.map(textOf)).toEqual(['lost']), { timeoutMs: 30_000 });
    await stage.allAcknowledged();
  });

  test('is given back by an instance that stops', async () => {
    await stage.publishAll(1, 20);
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const seen: string[] = [];
    const first = await stage.ingest(
      async (messages) => {
        await held;
        seen.push(...messages.map(textOf));
        return messages.map(() => done);
      },
      { batch: 5, concurrency: 1 },
    );
    await eventually(() => expect(first.consumer.held).toBeGreaterThan(5));
    const stopped = first.consumer.stop();
    release();
    await stopped;
    expect(seen).toHaveLength(5);
    await stage.ingest(async (messages) => {
      seen.push(...messages.map(textOf));
      return messages.map(() => done);
    });
    // Well before the ack wait of 30 s.
    await eventually(() => expect([...seen].sort()).toEqual(numbers(20).sort()));
  });
});

describe('failures', () => {
  test('a poison message does not take its neighbours with it, and ends among the dead letters', async () => {
    await stage.publishAll(1, 9);
    await stage.publish('poison');
    await stage.publishAll(11, 20);
    const committed: string[] = [];
    const one = await stage.ingest(
      async (messages) => {
        if (messages.some((message) => textOf(message) === 'poison')) throw new TypeError('cannot digest');
        committed.push(...messages.map(textOf));
        return messages.map(() => done);
      },
      { maxDeliveries: 3 },
    );
    await stage.allAcknowledged();
    expect([...new Set(committed)].sort()).toEqual([...numbers(9), ...numbers(20).slice(10)].sort());
    const { items } = await new DeadLetters(stage.bus).list();
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
    await stage.publish('killer');
    for (let n = 0; n < 3; n++) {
      const victim = await stage.ingest(async () => await new Promise(() => {}), {
        ackWaitMs: 100,
        maxDeliveries: 3,
      });
      await eventually(() => expect(victim.consumer.held).toBe(1));
      await victim.bus.nc.close();
      stage.open.pop();
    }
    let handled = 0;
    await stage.ingest(
      async (messages) => {
        handled += messages.length;
        return messages.map(() => done);
      },
      { ackWaitMs: 100, maxDeliveries: 3 },
    );
    await eventually(async () => {
      expect((await new DeadLetters(stage.bus).list()).items).toEqual([
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
    await stage.bus.jsm.streams.update(Streams.SLI, { allow_rollup_hdrs: true } as never);
    await stage.bus.js.publish('sli.checkout.latency', '{"total":-1}', { headers: head });
    await stage.publish('fine');
    await stage.ingest(async (messages) =>
      messages.map(
        (message): WorkOutcome =>
          textOf(message) === 'fine'
            ? done
            : { kind: 'dead', error: 'must not be negative\r\nX: y', path: 'points.0.total' },
      ),
    );
    await stage.allAcknowledged();
    const dead = await stage.bus.jsm.streams.getMessage(Streams.DLQ, {
      last_by_subj: 'dlq.sli.checkout.latency',
    });
    expect(dead?.string()).toBe('{"total":-1}');
    expect(dead?.header.get(Headers.error)).toBe('must not be negative X: y');
    expect(dead?.header.get(Headers.path)).toBe('points.0.total');
    expect(dead?.header.get('content-type')).toBe('application/json');
    expect(dead?.header.get('Nats-Rollup')).toBe('');
    expect(dead?.header.get('Bellwether-Message-Id')).toBe('id-1');
    expect((await stage.bus.jsm.streams.info(Streams.DLQ)).state.messages).toBe(1);
  });

  test('a database that is away is waited for with the messages in hand; nothing is handed out again or put aside', async () => {
    await stage.publishAll(1, 30);
    let outage = 6;
    const committed: string[] = [];
    await stage.ingest(
      async (messages) => {
        if (outage-- > 0) throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
        committed.push(...messages.map(textOf));
        return messages.map(() => done);
      },
      { concurrency: 1, maxDeliveries: 2 },
    );
    await stage.allAcknowledged();
    expect(committed.sort()).toEqual(numbers(30).sort());
    expect((await stage.bus.jsm.consumers.info(Streams.SLI, 'ingest')).num_redelivered).toBe(0);
    expect((await new DeadLetters(stage.bus).list()).items).toEqual([]);
  });

  test('NATS killed and started again under load: every message that was accepted is worked on', async () => {
    const committed = new Set<string>();
    await stage.ingest(async (messages) => {
      for (const message of messages) committed.add(textOf(message));
      return messages.map(() => done);
    });
    const accepted: string[] = [];
    for (let round = 0; round < 5; round++) {
      for (let n = 0; n < 40; n++) {
        const body = `${round}-${n}`;
        await eventually(
          () => stage.bus.whileConnected(() => stage.bus.js.publish('sli.a.b', body, { msgID: body })),
          {
            timeoutMs: 20_000,
          },
        );
        accepted.push(body);
        if (n === 20) {
          await stage.nats.kill();
          await stage.nats.start();
          await eventually(() => expect(stage.bus.connected).toBe(true));
        }
      }
    }
    await eventually(() => expect([...committed].sort()).toEqual(accepted.sort()), { timeoutMs: 40_000 });
  }, 90_000);

  test('a lost volume: the consumer comes back and goes on with what is published then', async () => {
    const seen: WorkMessage[] = [];
    await stage.ingest(async (messages) => {
      seen.push(...messages);
      return messages.map(() => done);
    });
    await stage.publish('before');
    await eventually(() => expect(seen.map(textOf)).toEqual(['before']));
    await stage.nats.wipe();
    await eventually(() => expect(stage.bus.connected).toBe(true));
    await eventually(() => stage.bus.whileConnected(() => stage.publish('after')), { timeoutMs: 20_000 });
    await eventually(() => expect(seen.map(textOf)).toContain('after'), { timeoutMs: 20_000 });
    expect(seen.at(-1)?.streamCreated).not.toBe(seen[0]?.streamCreated);
  }, 60_000);

  test('a consumer that was deleted is created again', async () => {
    const seen = new Set<string>();
    await stage.ingest(async (messages) => {
      for (const message of messages) seen.add(textOf(message));
      return messages.map(() => done);
    });
    await stage.publish('1');
    await eventually(() => expect(seen.has('1')).toBe(true));
    await stage.bus.jsm.consumers.delete(Streams.SLI, 'ingest');
    await stage.publish('2');
    await eventually(() => expect([...seen]).toEqual(['1', '2']));
  });
});

describe('room', () => {
  test('a stream that fills up is freed of what is done, and only of that', async () => {
    await stage.bus.jsm.streams.update(Streams.SLI, { max_bytes: 16 * 1024 * 1024 });
    const sized = await connectBus({
      servers: stage.nats.url,
      name: 'sized',
      log: silentLog,
      topology: { sli: { ...defaultTopology.sli, maxBytes: 16 * 1024 * 1024 } },
    });
    stage.open.push(() => sized.drain());
    for (let n = 0; n < 10; n++) await stage.publish('x'.repeat(500_000));
    await stage.publish('last');
    let hold = false;
    const consumer = new WorkConsumer({
      bus: sized,
      durable: 'ingest',
      batch: 1,
      concurrency: 1,
      handle: async (messages) => {
        if (messages.some((message) => textOf(message) === 'last')) {
          hold = true;
          return [{ kind: 'retry', delayMs: 600_000 }];
        }
        return messages.map(() => done);
      },
    });
    consumer.start();
    stage.open.push(() => consumer.stop());
    await eventually(() => expect(hold).toBe(true));
    await eventually(async () => {
      await consumer.trim();
      expect((await stage.bus.jsm.streams.info(Streams.SLI)).state.messages).toBe(1);
    });
    const { state } = await stage.bus.jsm.streams.info(Streams.SLI);
    expect([state.first_seq, state.last_seq]).toEqual([11, 11]);
  });

  test('a full stream refuses new messages instead of dropping old ones', async () => {
    await stage.bus.jsm.streams.update(Streams.SLI, { max_bytes: 1024 * 1024 });
    await stage.publish('x'.repeat(600_000));
    await expect(stage.publish('x'.repeat(600_000))).rejects.toThrow(/maximum bytes/);
    expect((await stage.bus.jsm.streams.info(Streams.SLI)).state.messages).toBe(1);
  });
});
