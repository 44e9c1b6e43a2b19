import { measurementPartition } from '@bellwether/contracts';
import { migrate } from '@bellwether/event-log';
import { Series } from '@bellwether/slo';
import { startOwnPostgres, type TestPostgres } from '@bellwether/testing';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Evaluator } from './evaluator.js';
import { Registry } from './registry/registry.js';
import { RegistryStore } from './registry/registry-store.js';
import type { SeriesRow } from './store/series-row.js';
import { SeriesStore } from './store/series-store.js';
import { eventually, Rehearsal } from './testing/rehearsal.fixture.js';

// A real server that is killed and recovers, on a machine that may be busy.
jest.setTimeout(120_000);

const partition = measurementPartition('checkout', 'availability');
let postgres: TestPostgres;
let stage: Rehearsal;
let one: Evaluator;

beforeEach(async () => {
  // Nothing but a commit that waits for it brings the journal of the database to disk.
  postgres = await startOwnPostgres({ settings: { wal_writer_delay: '10s' } });
  const url = postgres.url('postgres');
  await migrate(url);
  stage = await Rehearsal.start({ name: 'postgres', url, drop: async () => {} });
  await stage.define();
  one = await stage.startInstance('one', { leaseTtlMs: 3_600_000, logger: quiet() });
});
afterEach(async () => {
  await stage.stop();
  await postgres.stop();
});

/** Errors are what these tests are about. */
const quiet = () => stage.logger.child({}, { level: 'fatal' });

async function killDatabase(): Promise<void> {
  await postgres.kill();
  await postgres.start();
}

/** Nothing bad: an alert would be a commit that brings everything before it to disk. */
async function measure(times: number): Promise<void> {
  for (let i = 0; i < times; i++) await stage.measure([[stage.clock.now().getTime(), 10, 10]]);
}

/** Waits until everything recorded is counted, in memory and in the store, and nothing twice. */
async function expectCounted(times: number): Promise<void> {
  await stage.settled();
  const { stored, recomputed } = await stage.buckets();
  expect(stored).toBe(recomputed);
  await eventually(async () => {
    const live = await one.liveStatus('checkout-availability', partition);
    expect(live).toMatchObject({ good: 10 * times, total: 10 * times });
  });
}

describe('a database that was killed comes back without the last commits of the evaluator', () => {
  test('measurements whose counting was lost are counted again, when more come', async () => {
    await measure(3);
    await expectCounted(3);
    await measure(4);
    await expectCounted(7);
    await killDatabase();
    await measure(1);
    await expectCounted(8);
  });

  test('and when nothing comes any more', async () => {
    await measure(3);
    await expectCounted(3);
    await measure(4);
    await expectCounted(7);
    await killDatabase();
    await expectCounted(7);
  });

  test('definitions and alerts that were read are known to the next instance', async () => {
    const saved = () =>
      eventually(async () => {
        const { position } = await new RegistryStore(stage.log.pool).load();
        expect(position).toBe((await stage.log.head('control')).position);
      });
    await stage.define({ name: 'first' });
    await saved();
    await killDatabase();
    await stage.define({ name: 'second' });
    await saved();
    const next = new Registry({ log: stage.log, store: new RegistryStore(stage.log.pool), logger: quiet() });
    await next.start();
    expect([...next.slos.keys()].sort()).toEqual(['checkout-availability', 'first', 'second']);
  });

  test('what was read into buckets in the making stays with how far they are', async () => {
    const store = new SeriesStore(stage.log.pool);
    const [row] = await eventually(async () => {
      const rows = await store.all();
      expect(rows).toEqual([expect.objectContaining({ backfilled: null })]);
      return rows;
    });
    const { rows } = await stage.log.pool.query<{ epoch: number }>(
      'select epoch::int from evaluator.leases where partition = $1',
      [partition],
    );
    const lease = { partition, holder: 'one', epoch: rows[0]?.epoch as number };
    const made = await store.create(lease, { ...(row as SeriesRow), generation: 9 });
    await store.flush(lease, 0, 0, [
      { row: { ...made, backfilled: 250 }, series: new Series({ windows: [], paged: true }) },
    ]);
    await killDatabase();
    expect((await store.all()).find(({ id }) => id === made.id)).toMatchObject({ backfilled: 250 });
  });
});
