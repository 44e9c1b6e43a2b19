import type { WorkMessage } from '@bellwether/bus';
import { ManualClock, noTracer } from '@bellwether/contracts';
import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { BusIntake } from './bus-intake.js';
import { IngestMetrics } from './ingest-metrics.js';
import type { MeasurementMessage } from './measurement/message.js';

const message = (receivedAt: string, deliveries = 1): WorkMessage => ({
  subject: 'sli.checkout.availability',
  data: Buffer.from('{"good":1,"total":1}'),
  headers: undefined,
  streamCreated: '2026-11-22T09:00:00.000000000Z',
  sequence: 7,
  receivedAt: new Date(receivedAt),
  deliveries,
  receiptInbox: undefined,
});

/** The identities under which messages are recorded. */
async function identitiesOf(...messages: WorkMessage[]): Promise<(string | null)[]> {
  const identities: (string | null)[] = [];
  const intake = new BusIntake({
    recorder: {
      record: async ({ identity }: MeasurementMessage) => {
        identities.push(identity);
        return { status: 'accepted', points: 1, position: 1 };
      },
    },
    bus: { receipt: () => {} },
    clock: new ManualClock('2026-11-22T10:00:00Z'),
    metrics: new IngestMetrics(new Registry()),
    tracer: noTracer,
  });
  await intake.handle(messages);
  return identities;
}

test('a message without an identity is known by its place in the stream, however often it comes', async () => {
  const at = '2026-11-22T09:59:00.250Z';
  const [first, again] = await identitiesOf(message(at), message(at, 2));
  expect(first).toBe('stream:2026-11-22T09:00:00.000000000Z/7@1795341540250');
  expect(again).toBe(first);
});

test('one that comes to the same place after the stream has lost its end is another one', async () => {
  const [lost, next] = await identitiesOf(message('2026-11-22T09:58:00Z'), message('2026-11-22T09:59:00Z'));
  expect(next).not.toBe(lost);
});
