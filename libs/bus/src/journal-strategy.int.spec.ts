import {
  CommandRefused,
  type CommandRequest,
  type EventEnvelope,
  type LoggedEvent,
  Streams,
} from '@bellwether/contracts';
import { eventually, startNats, type TestNats } from '@bellwether/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Controller, type INestMicroservice, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { type Bus, connectBus } from './bus.js';
import { BusErrorFilter } from './bus-error-filter.js';
import { JetStreamCopy } from './jetstream-copy.js';
import { JournalContext } from './journal-context.js';
import { JournalStrategy, type JournalStrategyOptions } from './journal-strategy.js';
import { MemoryJournal, MemoryStore, type MemoryTx, silentLog } from './memory-store.fixture.js';
import { OnEvent } from './on-event.js';
import { eventsConsumer } from './topology.js';

// Servers are killed and started here, on machines that do other things too.
jest.setTimeout(60_000);

let nats: TestNats;
beforeAll(async () => {
  nats = await startNats();
});
afterAll(async () => {
  await nats.stop();
});

/** What the handlers under test do, set by each test. */
let onDeclared: (event: EventEnvelope, context: JournalContext<MemoryTx>) => Promise<void> = async () => {};
let onCommand: (request: CommandRequest) => Promise<unknown> = async () => ({});

@Controller()
class IncidentController {
  @OnEvent('incident.declared')
  async declared(@Payload() event: EventEnvelope, @Ctx() context: JournalContext<MemoryTx>): Promise<void> {
    context.tx.effects.push(`declared ${event.subject}@${context.position}`);
    await onDeclared(event, context);
  }

  @OnEvent('page.*')
  async page(@Payload() event: EventEnvelope, @Ctx() context: JournalContext<MemoryTx>): Promise<void> {
    context.tx.effects.push(`page ${event.subject}@${context.position}`);
  }

  @MessagePattern('cmd.incident.declare')
  async declare(@Payload() request: CommandRequest): Promise<unknown> {
    return await onCommand(request);
  }
}

@Controller()
class AuditController {
  @OnEvent('*')
  async all(@Payload() event: EventEnvelope, @Ctx() context: JournalContext<MemoryTx>): Promise<void> {
    context.tx.effects.push(`seen ${event.position}`);
  }
}

@Module({ controllers: [IncidentController] })
class IncidentModule {}

@Module({ controllers: [IncidentController, AuditController] })
class AuditedModule {}

let log: MemoryJournal;
let store: MemoryStore;
const open: (() => Promise<void>)[] = [];

beforeEach(async () => {
  log = new MemoryJournal();
  store = new MemoryStore();
  onDeclared = async () => {};
  onCommand = async () => ({});
  const bus = await connectBus({ servers: nats.url, name: 'clean', log: silentLog });
  await bus.reconcile();
  for (const stream of Object.values(Streams)) await bus.jsm.streams.delete(stream);
  await bus.reconcile();
  await bus.drain();
});
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function connected(): Promise<Bus> {
  const bus = await connectBus({ servers: nats.url, name: 'incident', log: silentLog });
  open.push(() => bus.drain());
  return bus;
}

interface Service {
  app: INestMicroservice;
  strategy: JournalStrategy<MemoryTx>;
  bus: Bus;
}

async function start(
  module: unknown = IncidentModule,
  options: Partial<JournalStrategyOptions<MemoryTx>> = {},
): Promise<Service> {
  const bus = await connected();
  const strategy = new JournalStrategy<MemoryTx>({
    bus,
    service: 'incident',
    journal: 'control',
    reader: log,
    store,
    keyOf: (event) => event.subject,
    ...options,
  });
  const app = await NestFactory.createMicroservice(module as never, { strategy, logger: false });
  app.useGlobalFilters(new BusErrorFilter());
  await app.listen();
  open.push(() => app.close());
  return { app, strategy, bus };
}

/** What the relay does: publishes what is in the log and not yet in the copy. */
class FakeRelay {
  readonly #copy: JetStreamCopy;
  #done = 0;
  constructor(readonly bus: Bus) {
    this.#copy = new JetStreamCopy(bus);
  }

  async relay(from = this.#done): Promise<void> {
    const events = log.events.slice(from).map(asLogged);
    await this.#copy.publish(events);
    this.#done = log.events.length;
    this.bus.nudge('control', this.#done);
  }
}

function asLogged(event: EventEnvelope): LoggedEvent {
  const type = event.type.replace(/^bellwether\./, '').replace(/\.v1$/, '');
  return {
    journal: 'control',
    position: event.position,
    id: event.id,
    stream: `incident:${event.subject}`,
    version: event.streamversion,
    type,
    schema: 1,
    data: event.data,
    meta: { correlationId: 'story', causationId: null, actor: 'service:test', source: '/bellwether/test' },
    occurredAt: new Date(event.time),
    recordedAt: new Date(event.recordedtime),
  };
}

/** No polling and no grace: what arrives, arrives from JetStream. */
const JETSTREAM_ONLY = { pollMs: 600_000, graceMs: 600_000 };
const declared = (count: number) => {
  for (let n = 0; n < count; n++) log.append(`INC-${(n % 5) + 1}`, 'incident.declared');
};
const expectedEffects = () => log.events.map((event) => `declared ${event.subject}@${event.position}`);

async function handledAll(timeoutMs = 15_000): Promise<void> {
  await eventually(() => expect(store.positions.get('incident')).toBe(log.events.length), { timeoutMs });
}

async function command(bus: Bus, name: string, data: unknown = {}, role: CommandRequest['role'] = 'admin') {
  return await bus.request<{ items: Record<string, unknown>[] }>(`cmd.incident.${name}`, {
    id: `test:${name}`,
    actor: 'user:ada',
    role,
    correlationId: 'story',
    at: '2026-01-01T00:00:00.000Z',
    data,
  });
}

describe('events', () => {
  test('what the log holds already is handled first, then what comes over JetStream, each once and in order', async () => {
    declared(30);
    const { strategy, bus } = await start(IncidentModule, JETSTREAM_ONLY);
    await strategy.caughtUp();
    expect(store.effects).toEqual(expectedEffects());
    const relay = new FakeRelay(await connected());
    await eventually(async () => void (await bus.jsm.consumers.info(Streams.EVENTS, 'incident')));
    declared(200);
    log.reads = 0;
    await relay.relay(30);
    await handledAll();
    expect(store.effects).toEqual(expectedEffects());
    expect(log.reads).toBe(0);
    await eventually(async () => {
      expect((await bus.jsm.consumers.info(Streams.EVENTS, 'incident')).num_ack_pending).toBe(0);
    });
  });

  test('handlers are chosen by pattern; several of one event run one after the other; the rest is passed over', async () => {
    log.append('INC-1', 'incident.declared');
    log.append('INC-1-P1', 'page.requested');
    log.append('ada', 'user.defined');
    log.append('INC-1-P1', 'page.acknowledged');
    const { strategy } = await start(AuditedModule);
    await strategy.caughtUp();
    expect(store.effects).toEqual([
      'declared INC-1@1',
      'seen 1',
      'page INC-1-P1@2',
      'seen 2',
      'seen 3',
      'page INC-1-P1@4',
      'seen 4',
    ]);
  });

  test('a restart goes on where the checkpoint is', async () => {
    declared(10);
    const first = await start();
    await first.strategy.caughtUp();
    await first.app.close();
    declared(10);
    const second = await start();
    await second.strategy.caughtUp();
    expect(store.effects).toEqual(expectedEffects());
  });
});

describe('failures of an event', () => {
  test('a poison message is parked with its own error; retried by command, its queue is handled in order', async () => {
    let broken = true;
    onDeclared = async (event, context) => {
      if (broken && event.subject === 'INC-2') throw new TypeError('cannot read severity');
      expect(context.redelivered).toBe(context.attempt > 1);
    };
    declared(12);
    const { strategy } = await start(IncidentModule, { maxAttempts: 2 });
    await strategy.caughtUp();
    expect(strategy.state()).toMatchObject({ position: 12, parked: 1, halted: null });
    const caller = await connected();
    const listed = await command(caller, 'dlq-list');
    expect(listed).toMatchObject({
      ok: true,
      data: {
        items: [
          { key: 'INC-2', position: 2, error: 'TypeError: cannot read severity', type: 'incident.declared' },
          { key: 'INC-2', position: 7, error: null },
          { key: 'INC-2', position: 12, error: null },
        ],
      },
    });
    expect(await command(caller, 'dlq-retry', {}, 'viewer')).toMatchObject({
      ok: false,
      problem: { status: 403 },
    });
    expect(await command(caller, 'dlq-retry', { key: 'INC-9' })).toMatchObject({
      ok: false,
      problem: { status: 404 },
    });
    expect(await command(caller, 'dlq-retry', { key: 7 })).toMatchObject({
      ok: false,
      problem: { status: 400 },
    });
    expect(await command(caller, 'dlq-retry')).toMatchObject({
      data: { items: [{ key: 'INC-2', replayed: 0, remaining: 3 }] },
    });
    broken = false;
    expect(await command(caller, 'dlq-retry', { key: 'INC-2' })).toMatchObject({
      data: { items: [{ key: 'INC-2', replayed: 3, remaining: 0 }] },
    });
    declared(12);
    await handledAll();
    const ofKey = (effects: string[]) => effects.filter((effect) => effect.includes('INC-2'));
    expect(ofKey(store.effects)).toEqual(ofKey(expectedEffects()));
    expect([...store.effects].sort()).toEqual([...expectedEffects()].sort());
  });
});

describe('failures of the bus', () => {
  test('with the relay away, an announced event is read from the log', async () => {
    const { strategy } = await start(IncidentModule, { pollMs: 600_000, graceMs: 20 });
    await strategy.caughtUp();
    declared(3);
    const other = await connected();
    await eventually(() => {
      other.nudge('control', 3);
      expect(store.effects).toEqual(expectedEffects());
    });
  });

  test('with NATS away the service goes on by polling the log, and with NATS again by JetStream', async () => {
    const { strategy, bus } = await start(IncidentModule, { pollMs: 50 });
    await strategy.caughtUp();
    await nats.kill();
    declared(20);
    await handledAll();
    await nats.start();
    const relay = new FakeRelay(await connected());
    await bus.whenConnected(20_000);
    await eventually(async () => void (await bus.jsm.consumers.info(Streams.EVENTS, 'incident')));
    declared(20);
    await relay.relay(0);
    await handledAll();
    expect(store.effects).toEqual(expectedEffects());
  }, 60_000);

  test('NATS killed and started again while events flow: each once, in order, over JetStream alone', async () => {
    const { strategy, bus } = await start(IncidentModule, JETSTREAM_ONLY);
    await strategy.caughtUp();
    await eventually(async () => void (await bus.jsm.consumers.info(Streams.EVENTS, 'incident')));
    const relay = new FakeRelay(await connected());
    for (let round = 0; round < 4; round++) {
      declared(50);
      await relay.relay();
      await nats.kill();
      await nats.start();
      await relay.bus.whenConnected(20_000);
      declared(50);
      await eventually(() => relay.relay(round * 100), { timeoutMs: 20_000 });
      await handledAll();
    }
    expect(store.effects).toEqual(expectedEffects());
  }, 60_000);

  test('a wiped JetStream folder: the consumer comes back and nothing is lost or doubled', async () => {
    const { strategy, bus } = await start(IncidentModule, JETSTREAM_ONLY);
    await strategy.caughtUp();
    const relay = new FakeRelay(await connected());
    await eventually(async () => void (await bus.jsm.consumers.info(Streams.EVENTS, 'incident')));
    declared(40);
    await relay.relay();
    await handledAll();
    await nats.wipe();
    await eventually(async () => void (await bus.jsm.consumers.info(Streams.EVENTS, 'incident')), {
      timeoutMs: 20_000,
    });
    declared(40);
    // As the real relay does: it sees another incarnation and publishes everything again.
    await eventually(() => relay.relay(0), { timeoutMs: 20_000 });
    await handledAll();
    expect(store.effects).toEqual(expectedEffects());
  }, 60_000);

  test('a consumer or stream that was deleted is created again, at once', async () => {
    const { strategy, bus } = await start(IncidentModule, JETSTREAM_ONLY);
    await strategy.caughtUp();
    const relay = new FakeRelay(await connected());
    const there = () =>
      eventually(async () => void (await bus.jsm.consumers.info(Streams.EVENTS, 'incident')));
    await there();
    await relay.bus.jsm.consumers.delete(Streams.EVENTS, 'incident');
    await there();
    declared(5);
    await relay.relay();
    await handledAll();
    await relay.bus.jsm.streams.delete(Streams.EVENTS);
    await there();
    declared(5);
    await eventually(() => relay.relay(0));
    await handledAll();
    expect(store.effects).toEqual(expectedEffects());
  }, 30_000);

  test('redeliveries after an expired ack are dropped and counted', async () => {
    const redelivered: number[] = [];
    const { strategy, bus } = await start(IncidentModule, JETSTREAM_ONLY);
    bus.metrics.redelivered = (_, count) => void redelivered.push(count);
    await strategy.caughtUp();
    const relay = new FakeRelay(await connected());
    await eventually(async () => void (await bus.jsm.consumers.info(Streams.EVENTS, 'incident')));
    // The server takes every message for lost after 50 ms; the handler is slower than that.
    await relay.bus.jsm.consumers.update(Streams.EVENTS, 'incident', { ack_wait: 50_000_000 });
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    onDeclared = () => held;
    declared(10);
    await relay.relay();
    await eventually(async () => {
      const { num_redelivered } = await relay.bus.jsm.consumers.info(Streams.EVENTS, 'incident');
      expect(num_redelivered).toBeGreaterThan(0);
    });
    release();
    await handledAll();
    await eventually(() => expect(redelivered.length).toBeGreaterThan(0));
    expect(store.effects).toEqual(expectedEffects());
  }, 30_000);

  test('two instances of a service share the work without doubling it', async () => {
    const one = await start();
    const two = await start();
    await Promise.all([one.strategy.caughtUp(), two.strategy.caughtUp()]);
    const relay = new FakeRelay(await connected());
    for (let round = 0; round < 10; round++) {
      declared(30);
      await relay.relay();
    }
    await handledAll();
    expect(store.effects).toEqual(expectedEffects());
  }, 30_000);

  test('a service is ready once it has reached the head, and stays so when it falls behind', async () => {
    declared(3);
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    onDeclared = () => held;
    const { strategy, bus } = await start(IncidentModule, { pollMs: 600_000 });
    expect(await strategy.unready()).toBe('catching up with the log');
    release();
    await eventually(async () => expect(await strategy.unready()).toBeNull());
    // Nobody says so, and nobody looks: it is behind now.
    declared(1);
    expect(await strategy.unready()).toBeNull();
    log.beforeRead = () => {
      throw new Error('the log is away');
    };
    await expect(strategy.unready()).rejects.toThrow('the log is away');
    log.beforeRead = () => {};
    await bus.nc.close();
    expect(await strategy.unready()).toBe('there is no connection to NATS');
  });

  test('a service that stands still at an event says so', async () => {
    declared(1);
    onDeclared = async () => {
      throw new TypeError('cannot digest');
    };
    const { strategy } = await start(IncidentModule, { keyOf: () => null, maxAttempts: 1 });
    await eventually(async () =>
      expect(await strategy.unready()).toBe('stands still at event 1: TypeError: cannot digest'),
    );
    onDeclared = async () => {};
    await eventually(async () => expect(await strategy.unready()).toBeNull());
  });

  test('lag is reported', async () => {
    const lags: number[] = [];
    const { strategy, bus } = await start(IncidentModule, { pollMs: 600_000, graceMs: 600_000 });
    bus.metrics.lag = (consumer, events) => {
      if (consumer === 'incident') lags.push(events);
    };
    await strategy.caughtUp();
    const other = await connected();
    await eventually(() => {
      other.nudge('control', 42);
      expect(lags).toContain(42);
    });
  });
});

describe('commands', () => {
  test('a handler’s reply and its refusal both arrive', async () => {
    onCommand = async (request) => {
      if (request.role !== 'responder') throw CommandRefused.forbidden('needs a responder');
      return { ok: true, status: 201, data: request.data, version: 3, position: 9, warnings: [] };
    };
    await start();
    const caller = await connected();
    expect(await command(caller, 'declare', { title: 'x' }, 'responder')).toMatchObject({
      ok: true,
      status: 201,
      data: { title: 'x' },
      version: 3,
    });
    expect(await command(caller, 'declare', {}, 'viewer')).toMatchObject({
      ok: false,
      problem: { status: 403, detail: 'needs a responder' },
    });
  });

  test('two handlers of one command are a mistake that is said at start-up', async () => {
    @Controller()
    class Twice {
      @MessagePattern('cmd.incident.declare')
      async one() {}

      @MessagePattern('cmd.incident.declare')
      async two() {}
    }
    @Module({ controllers: [Twice] })
    class TwiceModule {}
    await expect(start(TwiceModule)).rejects.toThrow(/two handlers/);
  });
});

test('the durable consumer of a service is named for it', () => {
  expect(eventsConsumer('incident').config.durable_name).toBe('incident');
});
