import {
  measurementPartition,
  OTHER_GROUP,
  type PointColumns,
  type SloAlertFired,
  type SloHistory,
  type SloStatus,
} from '@bellwether/contracts';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { StatusReader } from './status/status-reader.js';
import { DAY, eventually, MINUTE, Rehearsal, sloBody } from './testing/rehearsal.fixture.js';

// Real servers, on a machine that may be busy.
jest.setTimeout(120_000);

const HOUR = 60 * MINUTE;
let stage: Rehearsal;
beforeEach(async () => {
  stage = await Rehearsal.start();
});
afterEach(() => stage.stop());

/** Requests a minute of each region; two of them find a place, and some requests do not say where they came from. */
const TRAFFIC: Record<string, number> = { eu: 40, us: 30, ap: 20, '': 10 };

/** Minutes of all regions from an instant on, of whose requests some are bad. */
async function traffic(from: number, minutes: number, bad: Record<string, number> = {}): Promise<void> {
  for (let done = 0; done < minutes; done += 600) {
    const at = Array.from({ length: Math.min(600, minutes - done) }, (_, i) => from + (done + i) * MINUTE);
    await stage.record(
      Object.entries(TRAFFIC).map(
        ([region, total]): PointColumns => ({
          kind: 'counts',
          ...(region === '' ? {} : { labels: { region, zone: 'a' } }),
          at,
          good: at.map(() => total - (bad[region] ?? 0)),
          total: at.map(() => total),
        }),
      ),
    );
  }
}

const grouped = (overrides: object = {}) =>
  sloBody({ name: 'regions', groupBy: { label: 'region', cap: 2 }, ...overrides });
const slices = {
  name: 'slices',
  objective: 0.9,
  budgeting: { method: 'timeslices', sliceTarget: 0.9, slice: '5m' },
  alerting: { preset: 'none' },
};

const groupsOf = (status: SloStatus) =>
  Object.fromEntries((status.groups ?? []).map((group) => [group.value, group]));

/** The status once its groups are complete. */
async function complete(slo = 'regions'): Promise<SloStatus> {
  return await eventually(async () => {
    const status = await stage.status(slo);
    expect([status.backfill, status.grouping?.backfill]).toEqual([null, null]);
    return status;
  });
}

const ofGroup = async (group: string, slo = 'regions', asOf?: string) =>
  (await stage.must<SloStatus>('slo-status', { slo, group, ...(asOf && { asOf }) })).data;

/** Alerts of groups in short: `fired page fast eu 1`. */
async function alerts(): Promise<string[]> {
  return (await stage.transitions())
    .filter(({ type }) => type.startsWith('slo.alert'))
    .map(({ type, data }) => {
      const { severity, tier, group, n } = data as SloAlertFired;
      return `${type.slice('slo.alert.'.length)} ${severity} ${tier} ${group?.value ?? 'all'} ${n}`;
    });
}

describe('an SLO by region', () => {
  test('has a budget for each, beside the whole, and is the same after a restart, a rebuild and late data', async () => {
    await stage.startService();
    await stage.must('slo-define', grouped());
    await stage.must('slo-define', grouped(slices));
    const now = stage.clock.now().getTime();
    await traffic(now - 2 * DAY, 2880 - 60);
    await traffic(now - HOUR, 60, { eu: 20 });
    await stage.settled();
    const status = await eventually(async () => {
      const found = await complete();
      expect(found.total).toBe(2880 * 100);
      // What fires is known from the log, a moment after it is counted.
      expect(groupsOf(found).eu?.alerts.map(({ state }) => state)).toEqual(Array(4).fill('firing'));
      return found;
    });
    expect(status).toMatchObject({
      good: 288_000 - 1200,
      grouping: {
        label: 'region',
        cap: 2,
        values: 2,
        overflowing: true,
        unlabelled: { good: 28_800, total: 28_800 },
      },
    });
    expect(status.groups?.map(({ value, good, total }) => [value, good, total])).toEqual([
      ['eu', 115_200 - 1200, 115_200],
      [OTHER_GROUP, 86_400, 86_400],
      ['ap', 57_600, 57_600],
    ]);
    const eu = groupsOf(status).eu;
    expect(eu?.budget.consumed).toBeCloseTo(1200 / 115_200 / 0.001, 9);
    expect(eu?.burn.find(({ window }) => window === '1h')?.rate).toBeCloseTo(500, 9);
    expect(await ofGroup('eu')).toMatchObject({
      group: { label: 'region', value: 'eu' },
      good: 114_000,
      state: eu?.state,
      budget: eu?.budget,
      alerts: eu?.alerts,
    });
    expect((await complete('slices')).groups?.map(({ value, good, total }) => [value, good, total])).toEqual([
      ['eu', 576 - 12, 576],
      [OTHER_GROUP, 576, 576],
      ['ap', 576, 576],
    ]);

    const history = await stage.must<SloHistory>('slo-history', {
      slo: 'regions',
      group: 'eu',
      from: new Date(now - 2 * HOUR).toISOString(),
      to: new Date(now).toISOString(),
      step: '1h',
    });
    expect(history.data.points.map(({ good, total }) => [good, total])).toEqual([
      [2400, 2400],
      [1200, 2400],
    ]);
    expect(await stage.ask('slo-status', { slo: 'regions', group: 'mars' })).toMatchObject({
      problem: { status: 404 },
    });
    await stage.must('slo-define', sloBody());
    expect(await stage.ask('slo-status', { slo: 'checkout-availability', group: 'eu' })).toMatchObject({
      problem: { status: 422, errors: [{ path: 'group' }] },
    });

    // As of the moment, from the log alone; then restarted, and made anew.
    stage.clock.advance(1);
    const asOf = new Date(now).toISOString();
    const then = (await stage.must<SloStatus>('slo-status', { slo: 'regions', asOf })).data;
    const totals = ({ groups }: SloStatus) =>
      groups?.map(({ value, good, total, history }) => [value, good, total, history]);
    expect(totals(then)).toEqual(totals(status));
    expect((await ofGroup('eu', 'regions', asOf)).good).toBe(114_000);
    const before = await stage.buckets();
    expect(before.stored).toBe(before.recomputed);
    expect(before.stored).toContain('ratio by "region" (2, 35d) "eu" ');
    await stage.stopServices();
    await stage.startService();
    expect(totals(await complete())).toEqual(totals(status));
    await stage.must('buckets-rebuild', {});
    await eventually(async () =>
      expect((await stage.must('buckets-state', {})).data).toMatchObject({
        partitionsToRebuild: 0,
        building: 0,
      }),
    );
    expect((await stage.buckets()).stored).toBe(before.stored);
    expect(totals(await complete())).toEqual(totals(status));

    // Late by four days, where minutes are no longer in memory: the group, its slices and the whole are corrected.
    stage.clock.advance(4 * DAY);
    await traffic(stage.clock.now().getTime() - MINUTE, 1);
    await stage.settled();
    await traffic(now - 30 * MINUTE, 1, { eu: 40 });
    const late = await eventually(async () => {
      const found = await complete();
      expect(groupsOf(found).eu).toMatchObject({ good: 114_040, total: 115_280 });
      return found;
    });
    expect(late.grouping?.unlabelled).toEqual({ good: 28_820, total: 28_820 });
    expect(groupsOf(await complete('slices')).eu).toMatchObject({ good: 577 - 12, total: 577 });
    const after = await stage.buckets();
    expect(after.stored).toBe(after.recomputed);
  });

  test('alerts of the region that fails, once, and of the whole only when it is that bad', async () => {
    await stage.startService();
    await stage.must('slo-define', grouped({ groupBy: { label: 'region', cap: 3 } }));
    await traffic(stage.clock.now().getTime() - DAY, 1440);
    await stage.settled();
    // 1 of 20 of ap: burn 50, of the whole 10. Page fast fires at 14.4, page slow at 6.
    for (let i = 0; i < 20; i++) {
      await traffic(stage.clock.now().getTime(), 1, { ap: 1 });
      stage.clock.advance(MINUTE);
    }
    const fired = await eventually(async () => {
      const found = (await stage.transitions()).find(
        ({ data }) => (data as SloAlertFired).tier === 'fast' && (data as SloAlertFired).severity === 'page',
      );
      if (found === undefined) throw new Error('nothing fired yet');
      return found;
    });
    expect(fired).toMatchObject({
      type: 'slo.alert.fired',
      stream: 'slo:regions',
      data: { group: { label: 'region', value: 'ap' }, n: 1, declare: 'sev2' },
    });
    const { title, evidence } = fired.data as SloAlertFired;
    expect(title).toMatch(/^regions \(region ap\) burns/);
    // An hour of ap alone.
    expect(evidence?.total).toBeLessThanOrEqual(61 * 20);
    await stage.settled();
    expect((await alerts()).filter((each) => each.startsWith('fired page'))).toEqual([
      'fired page fast ap 1',
    ]);

    // Restarted while it fires: neither again nor over; then everything fails, and each says so once.
    await stage.stopServices();
    await stage.startService();
    for (let i = 0; i < 10; i++) {
      await traffic(stage.clock.now().getTime(), 1, { eu: 40, us: 30, ap: 20, '': 10 });
      stage.clock.advance(MINUTE);
    }
    await eventually(async () =>
      expect((await alerts()).filter((each) => each.startsWith('fired page fast')).sort()).toEqual(
        ['fired page fast all 1', 'fired page fast ap 1', 'fired page fast eu 2', 'fired page fast us 3'].map(
          (each) => expect.stringMatching(each.replace(/(eu|us) \d/, '$1 [23]')),
        ),
      ),
    );
    // Its groups are not to alert any more: theirs are closed, that of the whole goes on, and their budgets are there.
    await stage.must('slo-define', grouped({ groupBy: { label: 'region', cap: 3, alerts: 'overall' } }));
    await eventually(async () => {
      const closed = (await stage.transitions()).filter(({ type }) => type === 'slo.alert.resolved');
      expect(closed.filter(({ data }) => (data as SloAlertFired).tier === 'fast')).not.toHaveLength(0);
      for (const { data } of closed) {
        expect(data).toMatchObject({ reason: 'retired', group: { label: 'region' } });
      }
      const fired = (await alerts()).filter((each) => each.startsWith('fired'));
      const open = new Set(fired.map((each) => each.slice('fired '.length)));
      for (const each of await alerts()) {
        if (each.startsWith('resolved ')) open.delete(each.slice('resolved '.length));
      }
      expect([...open].filter((each) => !each.includes(' all '))).toEqual([]);
    });
    expect((await stage.status('regions')).alerts[0]?.state).toBe('firing');
    expect(groupsOf(await complete()).ap?.alerts.every(({ state }) => state === 'ok')).toBe(true);
    const { groupBy: _, ...whole } = grouped() as Record<string, unknown>;
    await stage.must('slo-define', whole);
    const all = await alerts();
    expect(new Set(all).size).toBe(all.length);
    expect((await stage.status('regions')).groups).toBeUndefined();
  });

  test('gives the place of a region that fell silent to another, the same from the journal as live', async () => {
    const now = stage.clock.now().getTime();
    const one = async (region: string, at: number) =>
      stage.record([{ kind: 'counts', labels: { region }, at: [at], good: [1], total: [2] }]);
    // In one page of the journal: eu leaves for us, and comes back for ap.
    await one('eu', now - 300 * DAY);
    await one('ap', now - 299 * DAY);
    await one('us', now - 260 * DAY);
    await one('eu', now - 200 * DAY);
    await one('eu', now - HOUR);
    await one('us', now - 20 * DAY);
    await one('sa', now);
    const service = { groupBy: { label: 'region', cap: 2 }, window: { rolling: '30d' } };
    await stage.define({ name: 'regions', ...service });
    await stage.define({ ...service, ...slices });
    const holder = await stage.startInstance('one');
    await stage.settled();
    const partition = measurementPartition('checkout', 'availability');
    const live = async () => {
      const status = await holder.liveStatus('regions', partition);
      return status?.groups?.map(({ value, good, total }) => [value, good, total]).sort();
    };
    const expected = [
      [OTHER_GROUP, 1, 2],
      ['eu', 1, 2],
      ['us', 1, 2],
    ];
    await eventually(async () => expect(await live()).toEqual(expected));
    const { stored, recomputed } = await stage.buckets();
    expect(stored).toBe(recomputed);
    // What eu had before it left is gone, and it left before it came back.
    expect(stored.split('\n').filter((line) => line.includes('(2, 35d) "eu" '))).toHaveLength(2);

    // Another instance, which does not hold the partition, says the same from what is stored.
    const other = await stage.startInstance('two');
    const reader = new StatusReader(other, stage.log);
    expect(other.partitions).toEqual([]);
    const told = await reader.now('regions');
    expect(told.groups?.map(({ value, good, total }) => [value, good, total]).sort()).toEqual(expected);
    expect(await reader.now('slices', 'eu')).toMatchObject({ good: 0, total: 1, group: { value: 'eu' } });
    await expect(reader.now('regions', 'ap')).rejects.toThrow(/group "ap"/);

    // A group that was begun and never stored, as after a crash in between, does not count.
    await stage.log.pool.query(
      `insert into evaluator.series (partition, sli, indicator, generation, group_of, group_value)
       select partition, sli, indicator || ' "br"', generation, id, 'br' from evaluator.series
        where indicator like 'ratio by%' and group_of is null and slices_of is null`,
    );
    await stage.kill(holder);
    await other.renewLeases();
    await one('br', now + 1);
    await stage.settled();
    expect((await reader.now('regions')).groups?.map(({ value }) => value).sort()).toEqual([
      OTHER_GROUP,
      'eu',
      'us',
    ]);
    const after = await stage.buckets();
    expect(after.stored).toBe(after.recomputed);
  });
});
