import { type Bus, connectBus } from '@bellwether/bus';
import type { Clock } from '@bellwether/contracts';
import { loadConfig, runService } from '@bellwether/service';
import type { TestDatabase, TestNats } from '@bellwether/testing';
import { build } from './build.js';
import { ingestConfig } from './config.js';

/** Ingest in this process, on a test's database and bus. */
export interface RunningIngest {
  url: string;
  stop(): Promise<void>;
}

export const adminToken = 'admin-token-of-the-test';

/** Starts ingest. @param until what to wait for: that it is ready, or only that it listens */
export async function startIngest(
  on: { database: TestDatabase; nats: TestNats },
  env: Record<string, string> = {},
  until: 'ready' | 'listening' = 'ready',
  clock?: Clock,
): Promise<RunningIngest> {
  const config = loadConfig(ingestConfig, {
    DATABASE_URL: on.database.url,
    NATS_URL: on.nats.url,
    BELLWETHER_INGEST_PORT: '0',
    BELLWETHER_TOKEN: adminToken,
    BELLWETHER_LOG_LEVEL: 'fatal',
    ...env,
  });
  const service = await runService({
    name: 'ingest',
    config,
    build: (context) => build(clock === undefined ? context : { ...context, clock }),
  });
  if (until === 'ready') await service.becameReady;
  return { url: `http://127.0.0.1:${service.httpPort}`, stop: () => service.stop() };
}

/** A connection to the bus with the streams in place, as a publisher with all rights. */
export async function openBus(nats: TestNats): Promise<Bus> {
  const bus = await connectBus({ servers: nats.url, name: 'test', inboxPrefix: '_INBOX' });
  await bus.reconcile();
  return bus;
}
