import { type EventEnvelope, type LoggedEvent, Streams, toEnvelope } from '@bellwether/contracts';
import { RecordingTracer, startNats, type TestNats } from '@bellwether/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Payload } from '@nestjs/microservices';
import { type Bus, connectBus } from './bus.js';
import { CommandServer } from './command-server.js';
import { NoResponders, PublishFailed } from './errors.js';
import { JetStreamCopy } from './jetstream-copy.js';
import { JournalStrategy } from './journal-strategy.js';
import { MemoryJournal, MemoryStore, silentLog } from './memory-store.fixture.js';
import { OnEvent } from './on-event.js';

const trace = '0af7651916cd43dd8448eb211c80319c';
const traceparent = `00-${trace}-b7ad6b7169203331-01`;

let nats: TestNats;
let bus: Bus;
let tracer: RecordingTracer;

beforeAll(async () => {
  nats = await startNats();
});
beforeEach(async () => {
  await bus?.drain();
  tracer = new RecordingTracer();
  bus = await connectBus({ servers: nats.url, name: 'traced', log: silentLog, tracer });
  await bus.reconcile();
});
afterAll(async () => {
  await bus?.drain();
  await nats.stop();
});

const command = {
  id: 'http:1',
  actor: 'user:ada',
  role: 'admin' as const,
  correlationId: 'story',
  at: '2026-01-01T00:00:00.000Z',
  data: {},
  traceparent,
};

const logged = (position: number, meta: { traceparent?: string }): LoggedEvent => ({
  journal: 'control',
  position,
  id: `0190a000-0000-7000-8000-${String(position).padStart(12, '0')}`,
  stream: 'incident:INC-1',
  version: position,
  type: 'incident.declared',
  schema: 1,
  data: {},
  meta: { correlationId: 'story', causationId: null, actor: 'user:ada', source: '/test', ...meta },
  occurredAt: new Date('2026-01-01T00:00:00.000Z'),
  recordedAt: new Date('2026-01-01T00:00:00.100Z'),
});

describe('a command', () => {
  async function serve(answer: () => Promise<unknown>): Promise<{ handed: unknown[] }> {
    const handed: unknown[] = [];
    const server = new CommandServer({ bus, service: 'incident' });
    server.serve('declare', async (request) => {
      handed.push(request.traceparent);
      return await answer();
    });
    await server.ready();
    return { handed };
  }

  test('is asked and answered in two spans of its trace, one below the other', async () => {
    const { handed } = await serve(async () => ({ done: true }));
    await bus.request('cmd.incident.declare', command);
    const asked = tracer.one('request cmd.incident.declare');
    const answered = tracer.one('process cmd.incident.declare');
    expect(asked).toMatchObject({
      kind: 'client',
      parent: traceparent,
      attributes: {
        'messaging.system': 'nats',
        'messaging.destination.name': 'cmd.incident.declare',
        'messaging.message.id': 'http:1',
        'messaging.message.conversation_id': 'story',
      },
      outcome: { attributes: { 'bellwether.status': 200 } },
    });
    expect(answered).toMatchObject({ kind: 'server', parent: asked.traceparent });
    // What the handler appends hangs below the answer.
    expect(handed).toEqual([answered.traceparent]);
    expect(answered.traceparent).toContain(trace);
  });

  test('that fails says so in both, and one that is refused for good reason does not', async () => {
    await serve(() => Promise.reject(new TypeError('no severity')));
    await bus.request('cmd.incident.declare', command);
    for (const { outcome } of tracer.spans) {
      expect(outcome).toMatchObject({
        error: expect.any(Error),
        attributes: { 'bellwether.status': 500, 'error.type': '500' },
      });
    }
    tracer.spans.length = 0;
    await bus.request('cmd.incident.dlq-list', command, { graceMs: 0 }).catch((error: unknown) => {
      expect(error).toBeInstanceOf(NoResponders);
    });
    expect(tracer.one('request cmd.incident.dlq-list').outcome?.error).toBeInstanceOf(NoResponders);
  });
});

describe('the copy of an event', () => {
  test('is sent in a span of its trace, and is what the log has; events without a trace have none', async () => {
    await new JetStreamCopy(bus).publish([logged(1, { traceparent }), logged(2, {})]);
    expect(tracer.spans).toHaveLength(1);
    expect(tracer.one('send evt.incident.declared.{key}')).toMatchObject({
      kind: 'producer',
      parent: traceparent,
      attributes: { 'messaging.destination.name': 'evt.incident.declared.INC-1', 'bellwether.position': 1 },
      outcome: {},
    });
    const message = await bus.jsm.streams.getMessage(Streams.EVENTS, { last_by_subj: 'evt.>' });
    const first = await bus.jsm.streams.getMessage(Streams.EVENTS, { seq: (message?.seq ?? 0) - 1 });
    expect(first?.json<EventEnvelope>().traceparent).toBe(traceparent);
  });

  test('that the bus does not take ends with why', async () => {
    await bus.jsm.streams.delete(Streams.EVENTS);
    await expect(new JetStreamCopy(bus).publish([logged(3, { traceparent })])).rejects.toThrow(PublishFailed);
    expect(tracer.one('send evt.incident.declared.{key}').outcome?.error).toBeInstanceOf(NoResponders);
  });
});

describe('an event', () => {
  const handed: (string | undefined)[] = [];
  let failures = 0;

  @Controller()
  class Handlers {
    @OnEvent('incident.declared')
    declared(@Payload() event: EventEnvelope) {
      handed.push(event.traceparent);
      if (failures-- > 0) throw new TypeError('cannot be handled yet');
    }
  }

  @Module({ controllers: [Handlers] })
  class Handling {}

  test('is handled in a span of its trace, each attempt in one of its own', async () => {
    failures = 1;
    const log = new MemoryJournal();
    const strategy = new JournalStrategy({
      bus,
      service: 'incident',
      journal: 'control',
      reader: log,
      store: new MemoryStore(),
      keyOf: (event) => event.subject,
    });
    log.events.push(toEnvelope(logged(1, { traceparent })));
    const app = await NestFactory.createMicroservice(Handling, { strategy, logger: false });
    await app.listen();
    await strategy.caughtUp();
    await app.close();
    const [first, second, ...others] = tracer.spans;
    expect(others).toEqual([]);
    expect(first).toMatchObject({
      name: 'process incident.declared',
      kind: 'consumer',
      parent: traceparent,
      attributes: {
        'messaging.destination.name': 'evt.incident.declared.INC-1',
        'messaging.consumer.group.name': 'incident',
        'bellwether.attempt': 1,
      },
      outcome: { error: expect.anything() },
    });
    expect(second).toMatchObject({
      parent: traceparent,
      attributes: { 'bellwether.attempt': 2 },
      outcome: {},
    });
    expect(handed).toEqual([first?.traceparent, second?.traceparent]);
  });
});
