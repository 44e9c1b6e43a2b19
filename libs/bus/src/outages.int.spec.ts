import type { EventEnvelope } from '@bellwether/contracts';
import { JOURNALS, Streams } from '@bellwether/contracts';
import { EventLog, migrate, PgConsumerStore, Relay } from '@bellwether/event-log';
import {
  eventually,
  startNats,
  startOwnPostgres,
  type TestNats,
  type TestPostgres,
} from '@bellwether/testing';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Controller, type INestMicroservice, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, Payload } from '@nestjs/microservices';
import type { PoolClient } from 'pg';
import { type Bus, connectBus } from './bus.js';
import { BusErrorFilter } from './bus-error-filter.js';
import { JetStreamCopy } from './jetstream-copy.js';
import { JournalContext } from './journal-context.js';
import { JournalStrategy } from './journal-strategy.js';
import { logReader } from './log-reader.js';
import { silentLog } from './memory-store.fixture.js';
import { OnEvent } from './on-event.js';

jest.setTimeout(180_000);

let postgres: TestPostgres;
let nats: TestNats;
const stopping: (() => Promise<unknown>)[] = [];

@Controller()
class Effects {
  @OnEvent('*')
  async on(@Payload() event: EventEnvelope, @Ctx() { tx }: JournalContext<PoolClient>): Promise<void> {
    await tx.query('insert into paging.effects (position, key) values ($1, $2)', [
      event.position,
      event.subject,
    ]);
  }
}

@Module({ controllers: [Effects] })
class EffectsModule {}

beforeAll(async () => {
  [postgres, nats] = await Promise.all([startOwnPostgres(), startNats()]);
  await migrate(postgres.url());
});
afterAll(async () => {
  for (const stop of stopping.reverse()) await stop().catch(() => {});
  await nats.stop();
  await postgres.stop();
});

async function connected(name: string): Promise<Bus> {
  const bus = await connectBus({ servers: nats.url, name, log: silentLog });
  stopping.push(() => bus.drain());
  return bus;
}

function openLog(onAppended?: (journal: string, position: number) => void): EventLog {
  const log = EventLog.open({ connectionString: postgres.url(), ...(onAppended ? { onAppended } : {}) });
  stopping.push(() => log.close());
  return log;
}

/** A service with its checkpoint and its effects in Postgres. */
async function service(): Promise<{ app: INestMicroservice; log: EventLog }> {
  const bus = await connected('paging');
  await bus.reconcile();
  const log = openLog();
  const store = new PgConsumerStore(log.pool, 'paging');
  await store.migrate();
  // No uniqueness: an effect that happens twice must show.
  await log.pool.query('create table if not exists paging.effects (position bigint, key text)');
  const strategy = new JournalStrategy<PoolClient>({
    bus,
    service: 'paging',
    journal: 'control',
    reader: logReader(log),
    store,
    keyOf: (event) => event.subject,
  });
  const app = await NestFactory.createMicroservice(EffectsModule, { strategy, logger: false });
  app.useGlobalFilters(new BusErrorFilter());
  await app.listen();
  stopping.push(() => app.close());
  return { app, log };
}

async function relay(): Promise<void> {
  const bus = await connected('relay');
  await bus.reconcile();
  const log = openLog();
  bus.onNudge((journal) => log.nudge(journal));
  const running = new Relay({ log, target: new JetStreamCopy(bus), journals: JOURNALS, compareMs: 500 });
  await running.start();
  stopping.push(() => running.stop());
}

describe('with the real log, relay, NATS and Postgres', () => {
  test('whatever is killed, wiped or restarted meanwhile, each event has its effect once, in order', async () => {
    await relay();
    const { log } = await service();
    const nudging = await connected('appender');
    const appending = openLog((journal, position) => nudging.nudge(journal, position));
    let appended = 0;
    const append = async (count: number) => {
      for (let n = 0; n < count; n++) {
        const number = appended++;
        const commandId = `append ${number}`;
        // The id makes it safe to repeat when the answer was lost with the connection.
        await eventually(
          () =>
            appending.append({
              journal: 'control',
              stream: `incident:INC-${number % 7}`,
              expectedVersion: 'any',
              commandId,
              events: [
                {
                  type: 'incident.note-added',
                  data: { text: commandId },
                  meta: {
                    correlationId: 'c',
                    causationId: null,
                    actor: 'user:ada',
                    source: '/bellwether/incident',
                  },
                  occurredAt: new Date(),
                },
              ],
            }),
          { timeoutMs: 60_000 },
        );
      }
    };
    const effects = async () => {
      const { rows } = await log.pool.query<{ position: string }>('select position from paging.effects');
      return rows.map(({ position }) => Number(position)).sort((a, b) => a - b);
    };
    const allEffects = () =>
      eventually(
        async () => {
          const head = await log.head('control');
          expect(await effects()).toEqual(Array.from({ length: head.position }, (_, index) => index + 1));
        },
        { timeoutMs: 60_000 },
      );

    await append(20);
    await allEffects();
    for (const trouble of [
      async () => {
        await nats.kill();
        await append(10);
        await nats.start();
      },
      async () => {
        const both = append(20);
        await postgres.kill();
        await postgres.start();
        await both;
      },
      () => nats.wipe(),
      async () => {
        const other = await service();
        await append(20);
        await other.app.close();
      },
      async () => {
        await Promise.all([nats.kill(), postgres.kill()]);
        await Promise.all([nats.start(), postgres.start()]);
      },
    ]) {
      const during = append(15);
      await trouble();
      await during;
      await append(5);
      await allEffects();
    }
    expect(await new PgConsumerStore(log.pool, 'paging').list()).toEqual([]);
    // And the copy is whole again, in order.
    await eventually(
      async () => {
        const { state } = await nudging.jsm.streams.info(Streams.EVENTS);
        const last = await nudging.jsm.streams.getMessage(Streams.EVENTS, { seq: state.last_seq });
        expect(last?.json()).toMatchObject({ position: appended });
      },
      { timeoutMs: 60_000 },
    );
  });
});
