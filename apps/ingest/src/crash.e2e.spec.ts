import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { type MeasurementPublisher, publishOverHttp, publishOverNats } from '@bellwether/client';
import { CONTROL_JOURNAL, LogStreams, type MeasurementRecorded } from '@bellwether/contracts';
import { EventLog, migrate } from '@bellwether/event-log';
import { hashToken } from '@bellwether/service';
import {
  eventually,
  forkSource,
  freePort,
  startNats,
  startOwnPostgres,
  type TestNats,
  type TestPostgres,
} from '@bellwether/testing';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

/** Of a publisher, and in the log alone: each start of ingest has to read it first. */
const token = 'token-of-the-crash-test';
let postgres: TestPostgres;
let nats: TestNats;
let log: EventLog;
let port: number;
let ingest: ChildProcess | undefined;

beforeAll(async () => {
  [postgres, nats, port] = await Promise.all([startOwnPostgres(), startNats(), freePort()]);
  await migrate(postgres.url());
  log = EventLog.open({ connectionString: postgres.url(), poolSize: 2 });
  await log.append({
    journal: CONTROL_JOURNAL,
    stream: LogStreams.token('shop'),
    expectedVersion: 'no-stream',
    events: [
      {
        type: 'token.created',
        data: { id: 'shop', name: 'shop', role: 'publisher', hash: hashToken(token), expiresAt: null },
        meta: { correlationId: 'c', causationId: null, actor: 'user:ada', source: '/bellwether/paging' },
        occurredAt: new Date(),
      },
    ],
  });
}, 60_000);
afterAll(async () => {
  ingest?.kill('SIGKILL');
  await log?.close();
  await nats?.stop();
  await postgres?.stop();
}, 60_000);

/** Ingest as a process of its own; resolves when it is ready. */
async function startIngest(): Promise<void> {
  const child = forkSource(path.join(import.meta.dirname, 'main.ts'), {
    env: {
      DATABASE_URL: postgres.url(),
      NATS_URL: nats.url,
      BELLWETHER_INGEST_PORT: String(port),
      BELLWETHER_LOG_LEVEL: 'fatal',
    },
    stdio: 'inherit',
  });
  ingest = child;
  await once(child, 'message');
}

async function killIngest(): Promise<void> {
  const child = ingest as ChildProcess;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/** Every value that the log has of an SLI, in order of position; a value twice is a measurement recorded twice. */
async function values(sli: string): Promise<number[]> {
  const found: number[] = [];
  for (let from = 1; ; ) {
    const events = await log.readStream(LogStreams.measurement('shop', sli), { from, limit: 500 });
    for (const event of events) {
      for (const column of (event.data as MeasurementRecorded).columns) {
        if (column.kind === 'values') found.push(...column.value);
      }
    }
    const last = events.at(-1);
    if (last === undefined) return found;
    from = last.version + 1;
  }
}

describe('what publishers were promised', () => {
  test('is in the log exactly once, whatever is killed under it', async () => {
    await startIngest();
    const ways: Record<string, MeasurementPublisher> = {
      broker: await publishOverNats({
        servers: nats.url,
        lingerMs: 1,
        batchPoints: 5,
        retryMs: [20, 200],
        brokerTimeoutMs: 1_000,
      }),
      receipt: await publishOverNats({
        servers: nats.url,
        acknowledge: 'log',
        lingerMs: 1,
        batchPoints: 5,
        retryMs: [20, 200],
        brokerTimeoutMs: 1_000,
        receiptTimeoutMs: 1_500,
      }),
      http: publishOverHttp({
        url: `http://127.0.0.1:${port}`,
        token,
        lingerMs: 1,
        batchPoints: 5,
        retryMs: [20, 200],
        timeoutMs: 5_000,
      }),
    };
    const published: Record<string, number> = {};
    let going = true;
    const load = Object.entries(ways).map(async ([sli, way]) => {
      let n = 0;
      while (going) {
        const points = Array.from({ length: 5 }, () => ({ value: n++ }));
        await way.publish('shop', sli, points);
      }
      published[sli] = n;
    });
    const progress = async () => {
      const before = Object.values(ways).reduce((sum, way) => sum + way.counts.acknowledged, 0);
      await eventually(
        () => {
          const now = Object.values(ways).reduce((sum, way) => sum + way.counts.acknowledged, 0);
          expect(now).toBeGreaterThan(before + 200);
        },
        { timeoutMs: 60_000 },
      );
    };

    await progress();
    for (const fault of [
      async () => {
        await killIngest();
        await startIngest();
      },
      async () => {
        await postgres.kill();
        await postgres.start();
      },
      async () => {
        await nats.kill();
        await nats.start();
      },
      async () => {
        await Promise.all([killIngest(), nats.kill()]);
        await nats.start();
        await startIngest();
      },
    ]) {
      await fault();
      await progress();
    }

    going = false;
    await Promise.all(load);
    for (const way of Object.values(ways)) expect(await way.close()).toBe(0);
    for (const sli of Object.keys(ways)) {
      const expected = Array.from({ length: published[sli] as number }, (_, i) => i);
      await eventually(async () => expect((await values(sli)).sort((a, b) => a - b)).toEqual(expected), {
        timeoutMs: 60_000,
      });
    }
    expect(await log.verify()).toMatchObject({ ok: true });
  }, 240_000);
});
