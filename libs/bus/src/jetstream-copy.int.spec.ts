import { rm } from 'node:fs/promises';
import {
  type EventEnvelope,
  eventEnvelope,
  JsonText,
  type LoggedEvent,
  Streams,
} from '@bellwether/contracts';
import { eventually, startNats, type TestNats } from '@bellwether/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type Bus, connectBus } from './bus.js';
import { BusUnavailable, PublishFailed } from './errors.js';
import { decodeEvent } from './event-message.js';
import { JetStreamCopy } from './jetstream-copy.js';
import { silentLog } from './memory-store.fixture.js';
import { WorkConsumer } from './work-consumer.js';

// Servers are killed and started here, on machines that do other things too.
jest.setTimeout(60_000);

let nats: TestNats;
let bus: Bus;
beforeAll(async () => {
  nats = await startNats();
  bus = await connectBus({ servers: nats.url, name: 'relay', log: silentLog });
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

function logged(position: number, over: Partial<LoggedEvent> = {}): LoggedEvent {
  const journal = over.journal ?? 'control';
  const of = (Number(journal.split('-')[1] ?? 99) + 1).toString().padStart(4, '0');
  return {
    journal,
    position,
    id: `0190a000-${of}-7000-8000-${String(position).padStart(12, '0')}`,
    stream: 'incident:INC-1',
    version: position,
    type: 'incident.note-added',
    schema: 1,
    data: { text: `note ${position}` },
    meta: { correlationId: 'story', causationId: null, actor: 'user:ada', source: '/bellwether/incident' },
    occurredAt: new Date('2026-01-01T00:00:00.000Z'),
    recordedAt: new Date('2026-01-01T00:00:00.100Z'),
    ...over,
  };
}

const range = (from: number, to: number, over: Partial<LoggedEvent> = {}) =>
  Array.from({ length: to - from + 1 }, (_, index) => logged(from + index, over));

async function stored(
  stream: string,
): Promise<{ subject: string; envelope: EventEnvelope; headers: string[][] }[]> {
  const { state } = await bus.jsm.streams.info(stream);
  const all = [];
  if (state.messages === 0) return [];
  for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
    const message = await bus.jsm.streams.getMessage(stream, { seq });
    if (!message) continue;
    const headers = message.header.keys().map((key) => [key, message.header.get(key)]);
    all.push({ subject: message.subject, envelope: JSON.parse(message.string()) as EventEnvelope, headers });
  }
  return all;
}

const eventAt = (position: number) => ({
  id: logged(position).id,
  position,
  streamversion: position,
});

const positions = async (stream: string) => (await stored(stream)).map(({ envelope }) => envelope.position);

describe('what goes out', () => {
  test('is a CloudEvent under its subject, with what filters need in headers', async () => {
    const copy = new JetStreamCopy(bus);
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await copy.publish([
      logged(1, {
        type: 'incident.declared',
        data: { services: ['checkout', 'cart'], severity: 'sev2' },
        meta: {
          correlationId: 'story',
          causationId: 'cause',
          actor: 'service:incident',
          source: '/bellwether/incident',
          traceparent,
        },
      }),
      logged(2, {
        stream: 'slo:checkout-availability',
        type: 'slo.alert.fired',
        data: { service: 'checkout', severity: 'page' },
      }),
    ]);
    const [first, second] = await stored(Streams.EVENTS);
    expect(first?.subject).toBe('evt.incident.declared.INC-1');
    expect(eventEnvelope.parse(first?.envelope)).toEqual(first?.envelope);
    expect(first?.envelope).toMatchObject({
      type: 'bellwether.incident.declared.v1',
      position: 1,
      traceparent,
    });
    expect(Object.fromEntries(first?.headers as string[][])).toMatchObject({
      'Nats-Msg-Id': logged(1).id,
      'content-type': 'application/cloudevents+json',
      'Bellwether-Position': '1',
      'Bellwether-Service': 'checkout,cart',
      'Bellwether-Severity': 'sev2',
      traceparent,
    });
    expect(second?.subject).toBe('evt.slo.alert.fired.checkout-availability');
    expect(Object.fromEntries(second?.headers as string[][])).toMatchObject({
      'Bellwether-Service': 'checkout',
      'Bellwether-Severity': 'page',
    });
  });

  test('data that is text already goes out the same', async () => {
    const over = { data: { service: 'checkout', severity: 'sev1', text: 'a "b"', numbers: [1, 2.5] } };
    const asText = { data: new JsonText(JSON.stringify(over.data)) };
    await new JetStreamCopy(bus).publish([logged(1, over), logged(2, asText)]);
    const [first, second] = await stored(Streams.EVENTS);
    expect(second?.envelope).toEqual({ ...first?.envelope, ...eventAt(2) });
    const filters = (headers: string[][] | undefined) =>
      Object.entries(Object.fromEntries(headers ?? [])).filter(([name]) => /Service|Severity/.test(name));
    expect(filters(second?.headers)).toEqual(filters(first?.headers));
    expect(filters(first?.headers)).toHaveLength(2);
  });

  test('secrets stay in the log', async () => {
    const hash = 'c0ffee';
    const over = { type: 'token.created', stream: 'token:a1', data: { id: 'a1', hash } };
    const asText = { ...over, data: new JsonText(JSON.stringify(over.data)) };
    await new JetStreamCopy(bus).publish([logged(1, over), logged(2, asText)]);
    const all = await stored(Streams.EVENTS);
    expect(all.map(({ envelope }) => envelope.data)).toEqual(Array(2).fill({ id: 'a1', hash: 'hidden' }));
  });

  test('measurements go to the subject of their partition', async () => {
    const over = {
      journal: 'measurement-07',
      stream: 'measurement:checkout/availability',
      type: 'measurement.recorded',
    };
    await new JetStreamCopy(bus).publish(range(1, 2, over));
    const all = await stored(Streams.MEASURED);
    expect(all.map(({ subject }) => subject)).toEqual(['measured.07', 'measured.07']);
    expect(Object.fromEntries(all[0]?.headers ?? [])).toMatchObject({ 'Bellwether-Service': 'checkout' });
  });

  test('hostile names and values stay within their line and their subject', async () => {
    await new JetStreamCopy(bus).publish([
      logged(1, { stream: 'token:a b.*.>', data: { service: 'x\r\nNats-Rollup: all', severity: 7 } }),
    ]);
    const [only] = await stored(Streams.EVENTS);
    expect(only?.subject).toBe('evt.incident.note-added.a_b._._');
    expect(Object.fromEntries(only?.headers as string[][])).toMatchObject({
      'Bellwether-Service': 'x Nats-Rollup: all',
    });
  });

  test('an event too large for the server says where it is to be had, and does not hold up the rest', async () => {
    const huge = logged(2, { data: { text: 'x'.repeat(2_000_000) } });
    await new JetStreamCopy(bus).publish([logged(1), huge, logged(3)]);
    expect(await positions(Streams.EVENTS)).toEqual([1, 2, 3]);
    const message = await bus.jsm.streams.getMessage(Streams.EVENTS, { seq: 2 });
    expect(message?.json()).toMatchObject({ position: 2, data: null, dataref: '/v1/events?after=1&limit=1' });
    expect(decodeEvent(message?.data as Uint8Array)).toBeNull();
  });
});

describe('repetition and order', () => {
  test('windows of a long run arrive in order', async () => {
    await new JetStreamCopy(bus, { window: 64 }).publish(range(1, 500));
    expect(await positions(Streams.EVENTS)).toEqual(range(1, 500).map(({ position }) => position));
  });

  test('publishing again, from anywhere, by anyone, stores nothing twice', async () => {
    await new JetStreamCopy(bus).publish(range(1, 20));
    const copy = new JetStreamCopy(bus);
    await copy.publish(range(11, 25));
    await copy.publish(range(5, 30));
    expect(await positions(Streams.EVENTS)).toEqual(range(1, 30).map(({ position }) => position));
  });

  test('when one is lost under way, none behind it is stored before it', async () => {
    const copy = new JetStreamCopy(bus, { ackTimeoutMs: 1_000 });
    await copy.publish(range(1, 3));
    const { publish } = bus.nc;
    let lost = true;
    bus.nc.publish = (subject, data, options) => {
      if (options?.headers?.get('Nats-Msg-Id') === logged(6).id && lost) lost = false;
      else publish.call(bus.nc, subject, data, options);
    };
    try {
      const failure = await copy.publish(range(4, 10)).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(PublishFailed);
      expect(failure).toMatchObject({ journal: 'control', position: 6 });
      expect(await positions(Streams.EVENTS)).toEqual([1, 2, 3, 4, 5]);
      await copy.publish(range(4, 10));
    } finally {
      bus.nc.publish = publish;
    }
    expect(await positions(Streams.EVENTS)).toEqual(range(1, 10).map(({ position }) => position));
  });

  test('a server killed in the middle: what is repeated until it succeeds is all there, in order', async () => {
    const copy = new JetStreamCopy(bus, { window: 100 });
    const events = range(1, 3_000);
    const kill = async () => {
      await eventually(async () => {
        expect((await bus.jsm.streams.info(Streams.EVENTS)).state.messages).toBeGreaterThan(200);
      });
      await nats.kill();
      await nats.start();
    };
    const killing = kill();
    let done = 0;
    // As the relay does it: a window, its checkpoint, the next; a failed one again.
    while (done < events.length) {
      try {
        await copy.publish(events.slice(done, done + 100));
        done += 100;
      } catch {
        await bus.whenConnected(20_000);
      }
    }
    await killing;
    const all = await positions(Streams.EVENTS);
    expect([...new Set(all)]).toEqual(events.map(({ position }) => position));
    expect(all.every((position, index) => index === 0 || position <= (all[index - 1] as number) + 1)).toBe(
      true,
    );
  }, 60_000);

  test('without a connection it fails at once and sends nothing later', async () => {
    await nats.kill();
    await eventually(() => expect(bus.connected).toBe(false));
    await expect(new JetStreamCopy(bus).publish(range(1, 2))).rejects.toThrow(BusUnavailable);
    await nats.start();
    await bus.whenConnected(20_000);
    expect(await positions(Streams.EVENTS)).toEqual([]);
  }, 30_000);
});

describe('incarnation', () => {
  test('says what each journal’s copy holds', async () => {
    const copy = new JetStreamCopy(bus);
    expect((await copy.incarnation()).control).toMatchObject({ firstPosition: 0, lastPosition: 0 });
    await copy.publish(range(1, 7));
    const measured = { type: 'measurement.recorded', stream: 'measurement:a/b' };
    await copy.publish(range(40, 44, { ...measured, journal: 'measurement-03' }));
    await copy.publish(range(9, 12, { ...measured, journal: 'measurement-15' }));
    const all = await copy.incarnation();
    expect(Object.keys(all)).toHaveLength(17);
    expect(all.control).toMatchObject({ firstPosition: 1, lastPosition: 7 });
    expect(all['measurement-03']).toMatchObject({ firstPosition: 40, lastPosition: 44 });
    expect(all['measurement-15']).toMatchObject({ firstPosition: 9, lastPosition: 12 });
    expect(all['measurement-00']).toMatchObject({ firstPosition: 0, lastPosition: 0 });
    await bus.jsm.streams.purge(Streams.EVENTS, { seq: 4 });
    expect((await copy.incarnation()).control).toMatchObject({ firstPosition: 4, lastPosition: 7 });
  });

  test('says whether one was removed in between, or at the end; not of the journals that share a stream', async () => {
    const copy = new JetStreamCopy(bus);
    const measured = (from: number, to: number, journal: string) =>
      range(from, to, { type: 'measurement.recorded', stream: 'measurement:a/b', journal });
    const holes = async () =>
      Object.entries(await copy.incarnation())
        .filter(([, { hasHoles }]) => hasHoles)
        .map(([journal]) => journal);
    await copy.publish(range(1, 7));
    await copy.publish(measured(40, 44, 'measurement-03'));
    await copy.publish(measured(9, 12, 'measurement-15'));
    expect(await holes()).toEqual([]);
    await bus.jsm.streams.deleteMessage(Streams.MEASURED, 3);
    expect(await holes()).toEqual([]);
    for (const [fromTheEnd, next] of [
      [3, 8],
      [0, 15],
    ] as const) {
      const { state } = await bus.jsm.streams.info(Streams.EVENTS);
      await bus.jsm.streams.deleteMessage(Streams.EVENTS, state.last_seq - fromTheEnd);
      expect(await holes()).toEqual(['control']);
      await copy.clear('control');
      expect(await holes()).toEqual([]);
      expect((await copy.incarnation()).control).toMatchObject({ firstPosition: 0, lastPosition: 0 });
      await copy.publish(range(next, next + 6));
    }
    await copy.clear('measurement-15');
    const all = await copy.incarnation();
    expect(all['measurement-15']).toMatchObject({ lastPosition: 0 });
    expect(all['measurement-03']).toMatchObject({ firstPosition: 40, lastPosition: 44, isShared: true });
  });

  test('says of a stream that lets go of whole blocks of its oldest that it has no holes', async () => {
    const copy = new JetStreamCopy(bus);
    const { config } = await bus.jsm.streams.info(Streams.EVENTS);
    const looking = jest.spyOn(bus, 'ensureStreams').mockResolvedValue(undefined);
    await bus.jsm.streams.update(Streams.EVENTS, { ...config, max_msgs: 3_000 });
    const data = { text: 'x'.repeat(2_000) };
    for (let from = 1; from <= 12_000; from += 1_000) {
      await copy.publish(range(from, from + 999, { data }));
      expect((await copy.incarnation()).control).toMatchObject({
        hasHoles: false,
        lastPosition: from + 999,
        isFull: from > 2_000,
      });
    }
    looking.mockRestore();
  });

  test('says how long a stream keeps what it has, and whether it lets go of the oldest for want of room', async () => {
    const copy = new JetStreamCopy(bus);
    await copy.publish(range(1, 10));
    expect((await copy.incarnation()).control).toMatchObject({ maxAgeMs: 7 * 86_400_000, isFull: false });
    const { config } = await bus.jsm.streams.info(Streams.EVENTS);
    await bus.jsm.streams.update(Streams.EVENTS, { ...config, max_msgs: 5 });
    // What declares the streams would put that right with the next look.
    const looking = jest.spyOn(bus, 'ensureStreams').mockResolvedValue(undefined);
    expect((await copy.incarnation()).control).toMatchObject({
      isFull: true,
      firstPosition: 6,
      hasHoles: false,
    });
    looking.mockRestore();
  });

  test('a message that was removed is not taken for published, though the server takes it for a repeat', async () => {
    const copy = new JetStreamCopy(bus);
    await copy.publish(range(1, 5));
    await copy.publish(range(4, 5)); // a repeat of what is there
    expect(await positions(Streams.EVENTS)).toEqual([1, 2, 3, 4, 5]);
    await bus.jsm.streams.deleteMessage(Streams.EVENTS, 5);
    await expect(copy.publish(range(4, 5))).rejects.toMatchObject({ position: 5 });
    expect(await positions(Streams.EVENTS)).toEqual([1, 2, 3, 4]);
  });

  test('a lost volume shows as another creation time, and publishing begins anew', async () => {
    const copy = new JetStreamCopy(bus);
    await copy.publish(range(1, 7));
    const before = await copy.incarnation();
    await nats.wipe();
    await eventually(() => expect(bus.connected).toBe(true));
    const after = await eventually(() => copy.incarnation());
    expect(after.control?.created).not.toBe(before.control?.created);
    expect(after.control).toMatchObject({ firstPosition: 0, lastPosition: 0 });
    // The first window may still count on a last message that is gone; the relay repeats it.
    await copy.publish(range(3, 7)).catch(() => copy.publish(range(3, 7)));
    expect(await positions(Streams.EVENTS)).toEqual([3, 4, 5, 6, 7]);
  }, 30_000);

  test('a stream that somebody deleted comes back when the relay looks', async () => {
    const copy = new JetStreamCopy(bus);
    await bus.jsm.streams.delete(Streams.EVENTS);
    await expect(copy.publish(range(1, 3))).rejects.toThrow(PublishFailed);
    expect((await copy.incarnation()).control).toMatchObject({ lastPosition: 0 });
    await copy.publish(range(1, 3));
    expect(await positions(Streams.EVENTS)).toEqual([1, 2, 3]);
  });
});

describe('JetStream’s files deleted under the running server', () => {
  test('are noticed, and the streams are made anew; consumers and publishers go on', async () => {
    const own = await startNats();
    const one = await connectBus({ servers: own.url, name: 'relay', log: silentLog });
    const stopping: (() => Promise<void>)[] = [() => one.drain(), () => own.stop()];
    try {
      const copy = new JetStreamCopy(one);
      const before = await copy.incarnation();
      await copy.publish(range(1, 20));
      await one.js.publish('sli.a.b', 'before');
      const seen: string[] = [];
      const worker = new WorkConsumer({
        bus: one,
        durable: 'ingest',
        handle: async (messages) => {
          seen.push(...messages.map(({ data }) => Buffer.from(data).toString()));
          return messages.map(() => ({ kind: 'done' }));
        },
      });
      worker.start();
      stopping.unshift(() => worker.stop());
      await eventually(() => expect(seen).toEqual(['before']));
      await rm(own.storeDir, { recursive: true });
      // As the relay does: publishes, and looks at the copy when that fails and every few seconds.
      const after = await eventually(
        async () => {
          await copy.publish(range(21, 300, { data: { text: 'x'.repeat(50_000) } })).catch(() => {});
          const { control } = await copy.incarnation();
          expect(control?.created).not.toBe(before.control?.created);
          return control;
        },
        { timeoutMs: 60_000 },
      );
      expect(after).toMatchObject({ lastPosition: 0 });
      await copy.publish(range(1, 300)).catch(() => copy.publish(range(1, 300)));
      expect((await copy.incarnation()).control).toMatchObject({ firstPosition: 1, lastPosition: 300 });
      await eventually(
        async () => {
          await one.js.publish('sli.a.b', 'after');
          expect(seen).toContain('after');
        },
        { timeoutMs: 20_000 },
      );
    } finally {
      for (const stop of stopping) await stop();
    }
  }, 120_000);

  test('a sound stream is left alone, also one whose last message was removed', async () => {
    const copy = new JetStreamCopy(bus);
    await copy.publish(range(1, 5));
    const before = await copy.incarnation();
    await bus.jsm.streams.deleteMessage(Streams.EVENTS, 5);
    await bus.jsm.streams.deleteMessage(Streams.EVENTS, 1);
    const after = await copy.incarnation();
    expect(after.control?.created).toBe(before.control?.created);
    expect(after.control?.firstPosition).toBe(2);
  });
});
