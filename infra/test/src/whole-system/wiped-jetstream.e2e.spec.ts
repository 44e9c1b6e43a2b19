import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { publishOverNats } from '@bellwether/client';
import type { EventEnvelope, Incident, SloStatus } from '@bellwether/contracts';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { eventually } from '../eventually.js';
import { natsAddress } from '../nats-address.js';
import { temporaryFolder } from '../temporary-folder.js';
import { WebhookReceiver } from '../webhook-receiver.js';
import { definePeople } from './people.fixture.js';
import { WholeSystem } from './system.fixture.js';

/** JetStream's folder vanishes under a running system: nothing that was accepted may be missing afterwards. */
describe('JetStream is deleted under a running system', () => {
  const dataDir = path.join(temporaryFolder('wiped'), 'data');
  let system: WholeSystem;
  let pager: WebhookReceiver;

  beforeAll(async () => {
    [pager, system] = await Promise.all([WebhookReceiver.start(), WholeSystem.start({ dataDir })]);
    await definePeople(system, 'shop', pager.url('/'));
    await system.put('/v1/slos/shop-availability', {
      name: 'shop-availability',
      service: 'shop',
      sli: 'availability',
      objective: 0.99,
      indicator: { kind: 'ratio' },
      budgeting: { method: 'occurrences' },
      window: { rolling: '30d' },
    });
  }, 120_000);
  afterAll(async () => {
    await system?.stop();
    await pager?.stop();
  });

  const statusShows = (total: number) =>
    eventually(
      async () =>
        expect(await system.get<SloStatus>('/v1/slos/shop-availability/status')).toMatchObject({ total }),
      { timeoutMs: 60_000 },
    );

  /** Positions of the events that a subscriber finds in stream EVENTS. */
  async function copied(): Promise<number[]> {
    const nc = await connect(natsAddress(system.local.natsUrl('subscriber')));
    try {
      const { consumers } = await jetstreamManager(nc).then((manager) => ({
        consumers: manager.jetstream().consumers,
      }));
      const consumer = await consumers.get('EVENTS');
      const positions: number[] = [];
      for await (const message of await consumer.fetch({ max_messages: 1_000, expires: 1_000 })) {
        positions.push((message.json() as EventEnvelope).position);
        if (message.info.pending === 0) break;
      }
      return positions;
    } finally {
      await nc.close();
    }
  }

  test('it recovers by itself to the same end state', async () => {
    const publisher = await publishOverNats({
      servers: system.local.natsUrl(),
      acknowledge: 'log',
      receiptTimeoutMs: 2_000,
      retryMs: [50, 500],
    });
    await publisher.publish('shop', 'availability', { good: 1000, total: 1000 });
    await statusShows(1000);

    const store = path.join(dataDir, 'nats/jetstream');
    expect(existsSync(store)).toBe(true);
    system.local.kill('nats', 'SIGKILL');
    rmSync(store, { recursive: true, force: true });

    // Published while everything is being put back together, by a publisher that was connected before.
    await publisher.publish('shop', 'availability', { bad: 800, total: 1000 });
    await statusShows(2000);
    const [incident] = await eventually(
      async () => {
        const found = await system.all<Incident>('/v1/incidents');
        expect(found).toHaveLength(1);
        return found;
      },
      { timeoutMs: 30_000 },
    );
    await pager.received(1, 30_000);
    await system.post(`/v1/incidents/${incident?.id}/status`, { status: 'resolved', note: 'over' });
    await publisher.close();

    await eventually(
      async () => {
        const { length } = await system.all<EventEnvelope>('/v1/events?after=0');
        expect(await copied()).toEqual(Array.from({ length }, (_, i) => i + 1));
      },
      { timeoutMs: 30_000 },
    );
  }, 180_000);
});
