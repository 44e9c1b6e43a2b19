import { rm } from 'node:fs/promises';
import { fromWireType, Headers, measurementJournal, Streams, Subjects } from '@bellwether/contracts';
import { EventLog, type NewEvent } from '@bellwether/event-log';
import { loadConfig, type RunningService, runService } from '@bellwether/service';
import { createDatabase, eventually, startNats, type TestDatabase, type TestNats } from '@bellwether/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { build, relayConfig } from './index.js';

const MEASURED = measurementJournal('checkout', 'availability');

let database: TestDatabase;
let nats: TestNats;
let nc: NatsConnection;
let log: EventLog;
let services: RunningService[];

beforeAll(async () => {
  [database, nats] = await Promise.all([createDatabase({ migrate: true }), startNats()]);
  log = EventLog.open({ connectionString: database.url });
  nc = await connect({ servers: nats.url, maxReconnectAttempts: -1, reconnectTimeWait: 20 });
}, 60_000);

afterAll(async () => {
  await nc?.close();
  await log?.close();
  await nats?.stop();
  await database?.drop();
});

beforeEach(() => {
  services = [];
});

afterEach(async () => {
  await Promise.all(services.map((service) => service.stop()));
});

async function start(): Promise<RunningService> {
  const service = await runService({
    name: 'relay',
    config: () =>
      loadConfig(relayConfig, {
        DATABASE_URL: database.url,
        NATS_URL: nats.url,
        BELLWETHER_LOG_LEVEL: 'silent',
      }),
    build,
  });
  services.push(service);
  await service.becameReady;
  return service;
}

const control = (text: string): NewEvent => ({
  type: 'incident.note-added',
  data: { incident: 'INC-1', text, at: '2026-01-01T00:00:00.000Z', links: [], pinned: false },
  meta: { correlationId: 'c', causationId: null, actor: 'user:ada', source: '/bellwether/incident' },
  occurredAt: new Date('2026-01-01T00:00:00.000Z'),
});

const measured = (good: number): NewEvent => ({
  ...control(''),
  type: 'measurement.recorded',
  data: { service: 'checkout', sli: 'availability', good },
});

async function append(events: number): Promise<void> {
  for (let i = 0; i < events; i += 1) {
    await log.append({
      journal: 'control',
      stream: 'incident:INC-1',
      expectedVersion: 'any',
      events: [control(`${i}`)],
    });
    await log.append({
      journal: MEASURED,
      stream: 'measurement:checkout/availability',
      expectedVersion: 'any',
      events: [measured(i), measured(i)],
    });
  }
}

/** What JetStream holds of a stream: position, id and type of each message, in its order. */
async function held(stream: string): Promise<{ position: number; id: string; type: string }[]> {
  const jsm = await jetstreamManager(nc, { timeout: 1000 });
  const { state } = await jsm.streams.info(stream);
  const messages = [];
  for (let seq = state.first_seq; state.messages > 0 && seq <= state.last_seq; seq += 1) {
    const message = await jsm.streams.getMessage(stream, { seq });
    const envelope = message!.json<{ id: string; type: string; position: number }>();
    expect(message!.header.get(Headers.position)).toBe(String(envelope.position));
    messages.push({
      position: envelope.position,
      id: envelope.id,
      type: fromWireType(envelope.type).type,
    });
  }
  return messages;
}

/** The copies hold exactly what the log has, in its order. */
async function expectComplete(): Promise<void> {
  for (const [stream, journal] of [
    [Streams.EVENTS, 'control'],
    [Streams.MEASURED, MEASURED],
  ] as const) {
    const events = await log.readJournal(journal, { after: 0 });
    await eventually(
      async () =>
        expect(await held(stream)).toEqual(events.map(({ position, id, type }) => ({ position, id, type }))),
      { timeoutMs: 60_000 },
    );
  }
}

async function metric(service: RunningService, name: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${service.adminPort}/metrics`);
  const line = (await response.text())
    .split('\n')
    .find((text) => text.startsWith(`${name}{`) || text.startsWith(`${name} `));
  return Number(line?.split(' ').at(-1));
}

test('what is appended comes to JetStream, in order; a stand-by takes over', async () => {
  await append(5);
  const one = await start();
  await expectComplete();
  const two = await start();
  await append(5);
  await expectComplete();
  expect([await metric(one, 'relay_leader'), await metric(two, 'relay_leader')]).toEqual([1, 0]);
  await one.stop();
  await append(5);
  await expectComplete();
  expect(await metric(two, 'relay_leader')).toBe(1);
}, 60_000);

test('subscribers make consumers through it, and none that delivers where services listen', async () => {
  await start();
  const ask = async (config: object) =>
    (
      await nc.request(
        Subjects.subscriberRequest('CONSUMER.CREATE.EVENTS.theirs'),
        JSON.stringify({ stream_name: Streams.EVENTS, config: { name: 'theirs', ...config } }),
      )
    ).json();
  await eventually(async () =>
    expect(await ask({ deliver_subject: 'cmd.x.y' })).toMatchObject({ error: { code: 400 } }),
  );
  expect(await ask({ ack_policy: 'explicit' })).toMatchObject({
    name: 'theirs',
    stream_name: Streams.EVENTS,
  });
}, 60_000);

describe('the same end state is reached when', () => {
  test('NATS is killed while events are appended', async () => {
    await start();
    const appending = append(30);
    await nats.kill();
    await nats.start();
    await appending;
    await expectComplete();
  }, 60_000);

  test("JetStream's folder is deleted and the server starts without it", async () => {
    const relay = await start();
    await append(3);
    await expectComplete();
    await nats.wipe();
    await append(3);
    await expectComplete();
    expect(await metric(relay, 'relay_recoveries_total')).toBeGreaterThan(0);
  }, 60_000);

  test("JetStream's folder is deleted under the running server, which is restarted later", async () => {
    await start();
    await append(3);
    await expectComplete();
    await rm(nats.storeDir, { recursive: true, force: true });
    await append(3);
    await nats.kill();
    await rm(nats.storeDir, { recursive: true, force: true });
    await nats.start();
    await append(3);
    await expectComplete();
  }, 60_000);

  // Waits for the server to forget the ids of what it lost: it would not store them again before.
  test('the events are purged, and more is appended before the relay looks', async () => {
    const relay = await start();
    await append(3);
    await expectComplete();
    await (await jetstreamManager(nc)).streams.purge(Streams.EVENTS);
    await append(1);
    await expectComplete();
    expect(await metric(relay, 'relay_recoveries_total')).toBeGreaterThan(0);
    await append(1);
    await expectComplete();
  }, 90_000);

  test('a stream is deleted', async () => {
    await start();
    await append(2);
    await expectComplete();
    await (await jetstreamManager(nc)).streams.delete(Streams.EVENTS);
    await append(2);
    await expectComplete();
  }, 60_000);
});
