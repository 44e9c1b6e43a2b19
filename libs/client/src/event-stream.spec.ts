import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import type { NatsConnection } from '@nats-io/transport-node';
import { DurableStream } from './event-stream.js';

/** A connection that goes through the given states. */
const going = (...types: string[]) =>
  ({
    async *status() {
      for (const type of types) yield { type };
    },
  }) as unknown as NatsConnection;

async function doubtfulAfter(...types: string[]): Promise<boolean> {
  const stream = new DurableStream(going(...types), { durable: 'pager', subject: 'evt.>' });
  await nextTurn();
  return stream.doubtful;
}

describe('a durable', () => {
  test('may have lost deliveries once its connection came back, and not before', async () => {
    expect(await doubtfulAfter()).toBe(false);
    expect(await doubtfulAfter('disconnect', 'reconnecting')).toBe(false);
    expect(await doubtfulAfter('disconnect', 'reconnecting', 'reconnect')).toBe(true);
  });
});
