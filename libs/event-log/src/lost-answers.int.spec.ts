import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { createDatabase, type TestDatabase } from '@bellwether/testing';
import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { EventLog, type EventLogOptions, LogUnavailable, migrate, OutcomeUnknown } from './index.js';
import { event } from './testing/events.fixture.js';

// Generous: the machine may be busy with other tests.
jest.setTimeout(60_000);

let database: TestDatabase;
let reader: EventLog;
let network: Network;
let logs: EventLog[];

/** A network between a log and its database that can go silent, without a word to either side. */
class Network {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** What comes from the database is dropped, on connections of now and later. */
  answersLost = false;
  /** Nobody listens any more. */
  down = false;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async to(url: string): Promise<Network> {
    const { hostname, port } = new URL(url);
    const server = createServer();
    const network = new Network(server);
    server.on('connection', (near) => {
      if (network.down) {
        near.destroy();
        return;
      }
      const far = connect(Number(port), hostname);
      for (const [from, to, back] of [
        [near, far, false],
        [far, near, true],
      ] as const) {
        network.#sockets.add(from);
        from.on('data', (data) => {
          if (!(back && network.answersLost)) to.write(data);
        });
        from.on('error', () => {});
        from.on('close', () => to.destroy());
      }
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return network;
  }

  url(url: string): string {
    const through = new URL(url);
    through.host = `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return through.href;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

beforeAll(async () => {
  database = await createDatabase();
  await migrate(database.url, { journals: ['control'] });
  reader = EventLog.open({ connectionString: database.url });
}, 60_000);

afterAll(async () => {
  await reader?.close();
  await database?.drop();
});

beforeEach(async () => {
  network = await Network.to(database.url);
  logs = [];
});

afterEach(async () => {
  await Promise.all(logs.map((log) => log.close()));
  network.close();
});

function open(options: Partial<EventLogOptions>): EventLog {
  const log = EventLog.open({ connectionString: network.url(database.url), ...options });
  logs.push(log);
  return log;
}

const request = (stream: string) => ({
  journal: 'control',
  stream,
  expectedVersion: 'no-stream' as const,
  events: [event(), event()],
});

test('an answer that never comes is asked for again: appended once, and known', async () => {
  let steps = 0;
  const log = open({
    answerTimeoutMs: 100,
    onStep: (step) => {
      if (step === 'connected') {
        steps += 1;
        network.answersLost = steps === 1;
      }
    },
  });
  await log.streamVersion('warm');
  // The second attempt needs a connection of its own, which the lost answers must not keep from being made.
  const appending = log.append(request('silent:1'));
  const poll = setInterval(() => {
    void reader.streamVersion('silent:1').then((version) => {
      if (version > 0) network.answersLost = false;
    });
  }, 10);
  const result = await appending;
  clearInterval(poll);
  expect(result).toMatchObject({ version: 2, duplicate: false });
  const events = await reader.readStream('silent:1');
  expect(events.map(({ id, position, version }) => ({ id, position, version }))).toEqual(result.events);
});

test('one that cannot be learnt in time is unknown, not failed', async () => {
  const log = open({
    answerTimeoutMs: 50,
    retryForMs: 100,
    onStep: (step) => {
      if (step === 'connected') {
        network.answersLost = true;
        network.down = true;
      }
    },
  });
  const error = await log.append(request('silent:2')).catch((e) => e);
  expect(error).toBeInstanceOf(OutcomeUnknown);
  expect(error.eventIds).toHaveLength(2);
  // They are there or not, and a caller can look, or ask again under a command id.
  const there = (await reader.readStream('silent:2')).map(({ id }) => id);
  expect([[], error.eventIds]).toContainEqual(there);
});

test('what was never sent failed, and nothing else is said', async () => {
  network.down = true;
  const log = open({ retryForMs: 100 });
  await expect(log.append(request('silent:3'))).rejects.toThrow(LogUnavailable);
  network.down = false;
  expect((await log.append(request('silent:3'))).version).toBe(2);
});

test('those who waited as long behind what failed do not wait as long again', async () => {
  network.down = true;
  let batches = 0;
  const log = open({
    retryForMs: 100,
    onStep: (step) => {
      if (step === 'gathered') batches += 1;
    },
  });
  // The same command twice is for two batches, so each of these would be given up after all those before it.
  const appending = Array.from({ length: 8 }, () =>
    log.append({ ...request('silent:4'), commandId: 'silent 4' }),
  );
  const results = await Promise.allSettled(appending);
  for (const result of results) {
    expect(result).toMatchObject({ status: 'rejected', reason: expect.any(LogUnavailable) });
  }
  expect(batches).toBeLessThan(5);
});
