import { type CommandRequest, Streams } from '@bellwether/contracts';
import { eventually, startNats, type TestNats } from '@bellwether/testing';
import { expect } from '@jest/globals';
import { type Bus, connectBus } from './bus.js';
import { silentLog } from './memory-store.fixture.js';
import { WorkConsumer, type WorkConsumerOptions } from './work-consumer.js';
import type { WorkMessage, WorkOutcome } from './work-message.js';

export const done: WorkOutcome = { kind: 'done' };
export const textOf = (message: WorkMessage) => Buffer.from(message.data).toString();

/** A consumer of SLI with a connection of its own, and what it counted. */
export interface Ingest {
  bus: Bus;
  consumer: WorkConsumer;
  dead: number;
}

/** A NATS server with the stream SLI, a publisher, and consumers that are stopped at the end of each test. */
export class WorkStage {
  /** What is to be closed at the end of the test, the last first. */
  readonly open: (() => Promise<void>)[] = [];

  private constructor(
    readonly nats: TestNats,
    readonly bus: Bus,
  ) {}

  static async start(): Promise<WorkStage> {
    const nats = await startNats();
    return new WorkStage(nats, await connectBus({ servers: nats.url, name: 'publisher', log: silentLog }));
  }

  async stop(): Promise<void> {
    await this.bus.drain();
    await this.nats.stop();
  }

  /** Before each test: all streams, empty. */
  async clean(): Promise<void> {
    await this.bus.reconcile();
    for (const stream of Object.values(Streams)) await this.bus.jsm.streams.delete(stream);
    await this.bus.reconcile();
  }

  /** After each test. */
  async closeAll(): Promise<void> {
    for (const close of this.open.splice(0).reverse()) await close();
  }

  publish(body: string, subject = 'sli.checkout.availability') {
    return this.bus.js.publish(subject, body);
  }

  publishAll(from: number, to: number) {
    return Promise.all(
      Array.from({ length: to - from + 1 }, (_, index) => this.publish(String(from + index))),
    );
  }

  async ingest(
    handle: WorkConsumerOptions['handle'],
    options: Partial<WorkConsumerOptions> = {},
  ): Promise<Ingest> {
    const counts = { redelivered: 0, dead: 0 };
    const own = await connectBus({
      servers: this.nats.url,
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
    this.open.push(async () => {
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

  /** Asks the ingest that runs for something of its own, such as `dlq-list`. */
  command(name: string, data: unknown = {}, role: CommandRequest['role'] = 'admin') {
    return this.bus.request<{ items: { key: string }[] }>(`cmd.ingest.${name}`, {
      id: 'test',
      actor: 'user:ada',
      role,
      correlationId: 'story',
      at: '2026-01-01T00:00:00.000Z',
      data,
    });
  }

  async allAcknowledged(): Promise<void> {
    await eventually(
      async () => {
        const { num_pending, num_ack_pending } = await this.bus.jsm.consumers.info(Streams.SLI, 'ingest');
        expect([num_pending, num_ack_pending]).toEqual([0, 0]);
      },
      { timeoutMs: 20_000 },
    );
  }
}
