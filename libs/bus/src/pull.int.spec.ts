import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Streams } from '@bellwether/contracts';
import { eventually, startNats, type TestNats } from '@bellwether/testing';
import { afterAll, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { AckPolicy, DeliverPolicy, ReplayPolicy } from '@nats-io/jetstream';
import { type Bus, connectBus } from './bus.js';
import type { Delivery } from './delivery.js';
import { silentLog } from './memory-store.fixture.js';
import { type PullEnd, pull } from './pull.js';
import type { DeclaredConsumer } from './topology.js';

jest.setTimeout(60_000);

const consumer: DeclaredConsumer = {
  stream: Streams.SLI,
  config: {
    durable_name: 'ingest',
    ack_policy: AckPolicy.Explicit,
    ack_wait: 30_000_000_000,
    deliver_policy: DeliverPolicy.All,
    replay_policy: ReplayPolicy.Instant,
  },
};

let nats: TestNats;
let bus: Bus;
beforeAll(async () => {
  nats = await startNats();
  bus = await connectBus({ servers: nats.url, name: 'puller', log: silentLog });
});
afterAll(async () => {
  await bus.drain();
  await nats.stop();
});
beforeEach(async () => {
  await bus.reconcile();
  await bus.jsm.streams.purge(Streams.SLI);
  await bus.jsm.consumers.delete(Streams.SLI, 'ingest').catch(() => {});
  await bus.ensureConsumer(consumer);
});

interface Pulling {
  received: string[];
  ended: Promise<PullEnd>;
  stop: AbortController;
}

/** A pull that the server knows of. */
async function pulling(expiresMs = 15_000): Promise<Pulling> {
  const received: string[] = [];
  const stop = new AbortController();
  const size = { batch: 100, maxBytes: 4 * 1024 * 1024, expiresMs };
  const sink = (delivery: Delivery) => {
    received.push(Buffer.from(delivery.data).toString());
    delivery.ack();
  };
  const ended = pull(bus, consumer, size, stop.signal, sink);
  await eventually(async () => expect((await info()).num_waiting).toBe(1));
  return { received, ended, stop };
}

const info = () => bus.jsm.consumers.info(Streams.SLI, 'ingest');

/** A publisher whose bytes are with the server when `write` returns, whatever this process does then. */
async function rawPublisher(): Promise<Socket> {
  const socket = connect(nats.port, '127.0.0.1').resume();
  await once(socket, 'connect');
  socket.write('CONNECT {"verbose":false}\r\nPING\r\n');
  await once(socket, 'data');
  return socket;
}

const publishRaw = (socket: Socket, body: string) =>
  socket.write(`PUB sli.checkout.availability ${body.length}\r\n${body}\r\n`);

/** Nothing of this process runs, as under SIGSTOP or on a machine that stands still; its timers are overdue then. */
function standStill(millis: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, millis);
}

test('what arrived while the process stood still is taken, though its timers are due first', async () => {
  const { received, ended } = await pulling();
  const publisher = await rawPublisher();
  for (let n = 1; n <= 20; n++) publishRaw(publisher, `m${n}`);
  standStill(3_000);
  // Not `broken`: the consumer is there, and the next pull may follow at once.
  expect(await ended).toBe('done');
  expect(received).toEqual(Array.from({ length: 20 }, (_, index) => `m${index + 1}`));
  await eventually(async () => {
    const { num_ack_pending, num_redelivered, num_waiting } = await info();
    expect({ num_ack_pending, num_redelivered, num_waiting }).toEqual({
      num_ack_pending: 0,
      num_redelivered: 0,
      num_waiting: 0,
    });
  });
  publisher.destroy();
});

test('what is on its way when a pull is stopped is taken', async () => {
  const { received, ended, stop } = await pulling();
  const publisher = await rawPublisher();
  publishRaw(publisher, 'late');
  standStill(200);
  stop.abort();
  expect(await ended).toBe('stopped');
  expect(received).toEqual(['late']);
  publisher.destroy();
});

test('a consumer that is gone without a word is noticed', async () => {
  await bus.jsm.consumers.delete(Streams.SLI, 'ingest');
  const size = { batch: 1, maxBytes: 1024, expiresMs: 15_000 };
  expect(await pull(bus, consumer, size, new AbortController().signal, () => {})).toBe('broken');
});

test('a request that was answered, or ran out, is done', async () => {
  const one = await pulling(2_500);
  expect(await one.ended).toBe('done');
  expect(one.received).toEqual([]);
});
