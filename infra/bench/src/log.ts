import type { NewEvent } from '@bellwether/event-log';
import { startOwnPostgres, type TestPostgres } from '@bellwether/testing';

/** Metadata of the bench's events. */
export const META = {
  correlationId: '0193a8f0-0000-7000-8000-000000000000',
  causationId: null,
  actor: 'service:bench',
  source: '/bellwether/bench',
};

/** About 200 bytes of data, as a control event has. */
export const dataOf = (i: number) => ({
  incident: `INC-${i % 1000}`,
  text: 'The checkout service answers slowly; payment was restarted on node seven',
  at: '2026-11-22T10:00:00.000Z',
  links: [],
  pinned: false,
  number: i,
});

/** The i-th event. */
export const eventOf = (i: number): NewEvent => ({
  type: 'incident.note-added',
  schema: 1,
  data: dataOf(i),
  meta: META,
  occurredAt: new Date(),
});

/** A server with Postgres' own durability: fsync on. */
export async function durablePostgres(): Promise<TestPostgres> {
  return startOwnPostgres({
    settings: {
      fsync: 'on',
      full_page_writes: 'on',
      shared_buffers: '512MB',
      max_wal_size: '4GB',
      checkpoint_timeout: '30min',
    },
  });
}
