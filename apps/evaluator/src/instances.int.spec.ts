import {
  MEASUREMENT_PARTITIONS,
  measurementPartition,
  partitionJournal,
  toEnvelope,
} from '@bellwether/contracts';
import { Cells } from '@bellwether/slo';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Partition } from './partition/partition.js';
import { LeaseLost } from './store/lease-fence.js';
import { CheckpointMoved, SeriesStore } from './store/series-store.js';
import { DAY, eventually, MINUTE, Rehearsal } from './testing/rehearsal.fixture.js';

// Real servers, on a machine that may be busy.
jest.setTimeout(120_000);

let stage: Rehearsal;
beforeEach(async () => {
  stage = await Rehearsal.start();
});
afterEach(() => stage.stop());

const partition = measurementPartition('checkout', 'availability');

describe('partitions', () => {
  test('are shared among the instances, and given back by one that ends', async () => {
    const one = await stage.startInstance('one');
    expect(one.partitions).toHaveLength(MEASUREMENT_PARTITIONS);
    const two = await stage.startInstance('two');
    await one.renewLeases();
    await two.renewLeases();
    expect(one.partitions).toHaveLength(8);
    expect(two.partitions).toHaveLength(8);
    expect(new Set([...one.partitions, ...two.partitions]).size).toBe(MEASUREMENT_PARTITIONS);
    await two.stop();
    await one.renewLeases();
    expect(one.partitions).toHaveLength(MEASUREMENT_PARTITIONS);
  });

  test('of a killed instance move at once: no alert is missed and none is doubled', async () => {
    await stage.define();
    const one = await stage.startInstance('one');
    await stage.history(2 * DAY);
    await stage.settled();
    const outage = stage.clock.now().getTime();
    for (let i = 0; i < 5; i++) {
      await stage.measure([[outage + i * MINUTE, 0, 100]]);
      stage.clock.advance(MINUTE);
    }
    await eventually(async () => expect(await stage.alerts()).toContain('fired page fast 1'));
    const two = await stage.startInstance('two');
    await stage.kill(one);
    for (let i = 5; i < 8; i++) {
      await stage.measure([[outage + i * MINUTE, 0, 100]]);
      stage.clock.advance(MINUTE);
    }
    await two.renewLeases();
    expect(two.partitions).toHaveLength(MEASUREMENT_PARTITIONS);
    await stage.settled();
    for (let i = 8; i < 60; i++) {
      await stage.measure([[outage + i * MINUTE, 100, 100]]);
      stage.clock.advance(MINUTE);
    }
    await eventually(async () => expect(await stage.alerts()).toContain('resolved page fast 1'));
    await stage.settled();
    const alerts = await stage.alerts();
    expect(new Set(alerts).size).toBe(alerts.length);
    const { stored, recomputed } = await stage.buckets();
    expect(stored).toBe(recomputed);
  });

  test('of an instance that hangs with its session open move when its leases expire', async () => {
    const one = await stage.startInstance('one');
    const two = await stage.startInstance('two');
    await one.renewLeases();
    await two.renewLeases();
    expect(two.partitions).toHaveLength(8);
    // Nobody renews for as long as a lease lasts, by the clock; the first that looks takes what is expired.
    stage.clock.advance(6_001);
    const { rowCount } = await stage.log.pool.query(
      `update evaluator.leases set expires_at = '-infinity' where holder = 'one'`,
    );
    expect(rowCount).toBe(8);
    await stage.log.pool.query(`update evaluator.instances set expires_at = '-infinity' where id = 'one'`);
    await two.renewLeases();
    expect(two.partitions.length).toBe(MEASUREMENT_PARTITIONS);
    await one.renewLeases();
    expect(one.partitions.filter((held) => two.partitions.includes(held))).toEqual([]);
  });

  test('let go while the database refused to renew them are taken again by the same instance', async () => {
    await stage.define();
    const logger = stage.logger.child({}, { level: 'fatal' });
    const one = await stage.startInstance('one', { leaseTtlMs: 250, logger });
    await stage.log.pool.query('alter table evaluator.leases rename to away');
    await eventually(async () => {
      await one.renewLeases();
      expect(one.partitions).toEqual([]);
    });
    await stage.log.pool.query('alter table evaluator.away rename to leases');
    await one.renewLeases();
    expect(one.partitions).toHaveLength(MEASUREMENT_PARTITIONS);
    await stage.measure([[stage.clock.now().getTime(), 9, 10]]);
    await eventually(async () =>
      expect(await one.liveStatus('checkout-availability', partition)).toMatchObject({ good: 9, total: 10 }),
    );
  });

  test('a former holder writes nothing: its lease is fenced', async () => {
    const one = await stage.startInstance('one');
    const store = new SeriesStore(stage.log.pool);
    const stale = { partition: 3, holder: 'one', epoch: 0 };
    await expect(store.flush(stale, 0, 5, [])).rejects.toThrow(LeaseLost);
    const { rows } = await stage.log.pool.query(
      'select epoch::int from evaluator.leases where partition = 3',
    );
    const held = { partition: 3, holder: 'one', epoch: rows[0].epoch };
    await expect(store.flush(held, 17, 18, [])).rejects.toThrow(CheckpointMoved);
    await expect(store.flush(held, 17, 17, [])).rejects.toThrow(CheckpointMoved);
    await store.flush(held, 0, 5, []);
    expect(await store.checkpoint(3)).toBe(5);
    await one.stop();
  });
});

describe('measurements', () => {
  test('delivered again are counted once', async () => {
    await stage.define();
    const one = await stage.startInstance('one');
    await stage.measure([[stage.clock.now().getTime(), 9, 10]]);
    await stage.settled();
    const lease = { partition, holder: 'one', epoch: 1 };
    const redelivered = (await stage.log.readJournal(partitionJournal(partition), { after: 0 })).map(
      toEnvelope,
    );
    const again = new Partition(lease, one.context);
    await again.open();
    await again.deliver(redelivered);
    await again.deliver(redelivered);
    expect(await again.status('checkout-availability')).toMatchObject({ good: 9, total: 10 });
    await again.stop();
  });

  test('that came while the database refused to take them are counted when it does', async () => {
    await stage.define();
    await stage.startInstance('one');
    await stage.measure([[stage.clock.now().getTime(), 9, 10]]);
    await stage.settled();
    await stage.log.pool.query('alter table evaluator.minutes rename to away');
    await stage.measure([[stage.clock.now().getTime(), 1, 10]]);
    await stage.log.pool.query(`select pg_sleep(0.2)`);
    await stage.log.pool.query('alter table evaluator.away rename to minutes');
    await stage.settled();
    const { stored, recomputed } = await stage.buckets();
    expect(stored).toBe(recomputed);
    expect(stored).toContain(' 10 20\n');
  });

  test('of any age and order give the buckets that the log gives when they are made anew', async () => {
    await stage.define({ window: { rolling: '90d' } });
    await stage.define({
      name: 'latency',
      sli: 'latency',
      indicator: { kind: 'threshold', op: 'lt', value: 0.25 },
    });
    const one = await stage.startInstance('one');
    const now = stage.clock.now().getTime();
    let seed = 7;
    const random = (): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    for (let round = 0; round < 30; round++) {
      const age = [1, 5 * DAY, 60 * DAY, 200 * DAY][round % 4] as number;
      await stage.measure(
        Array.from({ length: 40 }, () => {
          const total = Math.round(random() * 50) + (random() < 0.3 ? random() : 0);
          return [Math.round(now - random() * age), total * random(), total] as const;
        }),
      );
      await stage.record([{ kind: 'values', at: [now - round * DAY], value: [random() / 2] }], {
        sli: 'latency',
      });
      if (round % 7 === 0) stage.clock.advance(MINUTE * 40);
    }
    await stage.settled();
    const { stored, recomputed } = await stage.buckets();
    expect(stored).toBe(recomputed);

    // Made anew beside the ones in use, they are the same again, and the whole-hour sums fit the minutes.
    await one.store.requestRebuild();
    await eventually(async () => expect((await one.store.progress()).partitionsToRebuild).toBe(0));
    expect((await stage.buckets()).stored).toBe(stored);
    const [row] = (await one.store.all()).filter(({ sli }) => sli === 'checkout/availability');
    expect(row).toMatchObject({ generation: 2, backfilled: null });
    const reopened = await one.store.open(row!, [129_600]);
    const minutes = await one.store.hours(row!.id, 0, 2 ** 30);
    const end = Math.floor(stage.clock.now().getTime() / MINUTE);
    for (const hour of reopened.missing(stage.clock.now().getTime())) {
      reopened.provide(hour, minutes.get(hour) ?? new Cells(60));
    }
    reopened.advance(stage.clock.now().getTime());
    let total = 0;
    for (const [hour, cells] of minutes) {
      for (let i = 0; i < 60; i++) {
        const minute = hour * 60 + i;
        if (minute >= end - 129_600 && minute <= end) {
          total += (cells.total[i] as number) + (cells.totalFraction?.[i] ?? 0) / 2 ** 32;
        }
      }
    }
    expect(reopened.window(129_600).totalCount).toBeCloseTo(total, 6);
  });
});
