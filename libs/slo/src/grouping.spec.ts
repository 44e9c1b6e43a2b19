import { OTHER_GROUP, type PointColumns, type SloAlertFired } from '@bellwether/contracts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  classifier,
  decideSlo,
  emptyLedger,
  encodeCells,
  evolveLedger,
  GroupedBuckets,
  type Grouping,
  GroupMembers,
  groupBucketsKey,
  groupingKey,
  IndicatorBuckets,
  labelValue,
  needsOf,
  readSlo,
  retireGroups,
  type Sighting,
  type SloLedger,
  type SloPlan,
  type SloTransition,
  statusOf,
  statusOfGroups,
  worstFirst,
} from './index.js';
import { EPOCH, planOf } from './virtual-time.fixture.js';

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;

const grouping = (cap: number, lasts = 35): Grouping => ({ label: 'region', cap, lasts });
const seen = (value: string, oldest: number, newest = oldest): Sighting => ({ value, oldest, newest });
const counts = (labels?: Record<string, string>): PointColumns => ({
  kind: 'counts',
  ...(labels && { labels }),
  at: [EPOCH],
  good: [1],
  total: [1],
});

describe('the value of a label', () => {
  test('is what the points carry; without it, or empty, they are in no group', () => {
    expect(labelValue(counts({ region: 'eu', zone: 'a' }), 'region')).toBe('eu');
    expect(labelValue(counts({ zone: 'a' }), 'region')).toBeNull();
    expect(labelValue(counts({ region: '' }), 'region')).toBeNull();
    expect(labelValue(counts(), 'region')).toBeNull();
  });

  test('may be a word that JavaScript knows', () => {
    expect(labelValue(counts({ zone: 'a' }), 'constructor')).toBeNull();
    expect(labelValue(counts(JSON.parse('{"__proto__":"eu"}')), '__proto__')).toBe('eu');
  });

  test('is counted with all others when it is longer than a name of a group may be', () => {
    expect(labelValue(counts({ region: 'x'.repeat(256) }), 'region')).toBe('x'.repeat(256));
    expect(labelValue(counts({ region: 'x'.repeat(257) }), 'region')).toBe(OTHER_GROUP);
  });

  test('names buckets without a doubt, whatever is in it', () => {
    const key = (label: string, value: string) =>
      groupBucketsKey(groupingKey('ratio', { label, cap: 9, lasts: 35 }), value);
    expect(key('a', '" (9, 35d) "b')).not.toBe(key('a" (9, 35d) "', 'b'));
    expect(key('a\n', 'b')).not.toMatch(/\n/);
    expect(groupingKey('ratio', grouping(9))).not.toBe(groupingKey('ratio', grouping(8)));
  });
});

describe('members', () => {
  test('are the first that come, up to the cap', () => {
    const members = new GroupMembers(grouping(2));
    expect(members.see([seen('eu', 0)])).toEqual({ joined: ['eu'], left: [] });
    expect(members.see([seen('eu', 5), seen('us', 5)])).toEqual({ joined: ['us'], left: [] });
    expect(members.see([seen('ap', 6)])).toEqual({ joined: [], left: [] });
    expect(['eu', 'us', 'ap', OTHER_GROUP].map((value) => members.groupOf(value))).toEqual([
      'eu',
      'us',
      OTHER_GROUP,
      OTHER_GROUP,
    ]);
  });

  test('of one message are its oldest, and by name where they are of the same time', () => {
    const message = [seen('d', 2), seen('c', 1), seen('b', 1), seen('a', 3)];
    for (const shuffled of [message, [...message].reverse()]) {
      const members = new GroupMembers(grouping(2));
      expect(members.see(shuffled).joined).toEqual(['b', 'c']);
    }
  });

  test('give their place up after a silence of more than the days that the grouping lasts', () => {
    const members = new GroupMembers(grouping(2));
    members.see([seen('eu', 0), seen('us', DAY)]);
    expect(members.see([seen('ap', 35 * DAY)])).toEqual({ joined: [], left: [] });
    expect(members.see([seen('ap', 35 * DAY + 1)])).toEqual({ joined: ['ap'], left: ['eu'] });
    // Back again, but nobody else is silent by now.
    expect(members.see([seen('eu', 35 * DAY + 2)])).toEqual({ joined: [], left: [] });
  });

  test('whoever is the group of all others never takes a place', () => {
    const members = new GroupMembers(grouping(1));
    expect(members.see([seen(OTHER_GROUP, 0)]).joined).toEqual([]);
    expect(members.see([seen('eu', 1)]).joined).toEqual(['eu']);
  });

  test('of a log of years that comes in one message are the ones at its end', () => {
    const members = new GroupMembers(grouping(1));
    expect(members.see([seen('v1', 0), seen('v2', 36 * DAY), seen('v3', 72 * DAY)])).toEqual({
      joined: ['v3'],
      left: [],
    });
  });

  const values = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
  const messages = fc.array(
    fc
      .array(
        fc
          .tuple(values, fc.nat(90 * DAY), fc.nat(3 * DAY))
          .map(([value, at, span]) => seen(value, at, at + span)),
        { maxLength: 6 },
      )
      .map((all) => [...new Map(all.map((each) => [each.value, each])).values()]),
    { maxLength: 30 },
  );

  test('never exceed the cap, and go on from a stored state as without a break', () => {
    fc.assert(
      fc.property(messages, fc.integer({ min: 1, max: 4 }), fc.nat(30), (log, cap, cut) => {
        const whole = new GroupMembers(grouping(cap));
        let resumed = new GroupMembers(grouping(cap));
        const newest = new Map<string, number>();
        for (const [i, message] of log.entries()) {
          if (i === cut) {
            resumed = new GroupMembers(
              grouping(cap),
              resumed.values.reverse().map((value) => [value, newest.get(value) as number]),
            );
          }
          const change = whole.see(message);
          const again = resumed.see([...message].reverse());
          expect(new Set(again.joined)).toEqual(new Set(change.joined));
          expect(new Set(again.left)).toEqual(new Set(change.left));
          for (const value of [...change.left, ...change.joined]) newest.delete(value);
          for (const each of message) {
            if (whole.groupOf(each.value) !== each.value) continue;
            newest.set(each.value, Math.max(each.newest, newest.get(each.value) ?? 0));
          }
          expect(whole.values.length).toBeLessThanOrEqual(cap);
          expect(new Set(whole.values)).toEqual(new Set(resumed.values));
        }
      }),
    );
  });

  test('do not depend on the order of messages where the cap is not reached', () => {
    fc.assert(
      fc.property(messages, fc.infiniteStream(fc.nat()), (log, random) => {
        const shuffled = log
          .map((message) => [random.next().value as number, message] as const)
          .sort(([a], [b]) => a - b)
          .map(([, message]) => message);
        const members = [log, shuffled].map((each) => {
          const found = new GroupMembers(grouping(6));
          for (const message of each) expect(found.see(message).left).toEqual([]);
          return new Set(found.values);
        });
        expect(members[0]).toEqual(members[1]);
      }),
    );
  });
});

/** An SLO over everything and over each group, from messages in the order of the log. */
class Grouped {
  readonly whole: IndicatorBuckets;
  readonly parts: GroupedBuckets;
  ledger: SloLedger = emptyLedger;
  told: SloTransition[] = [];

  constructor(readonly plan: SloPlan) {
    const classify = classifier(plan.indicator, undefined);
    const needs = needsOf([plan]);
    this.whole = new IndicatorBuckets({ needs });
    this.parts = new GroupedBuckets({ needs, grouping: plan.grouping as Grouping, classify });
  }

  take(points: readonly Point[]): void {
    for (const [at, , good, total] of points) this.whole.observe(at, good, total);
    this.whole.judge();
    this.parts.take(
      points.map(([at, value, good, total]) => ({
        kind: 'counts',
        ...(value === null ? {} : { labels: { region: value } }),
        at: [at],
        good: [good],
        total: [total],
      })),
    );
    this.parts.judge();
  }

  get groups(): ReadonlyMap<string, IndicatorBuckets> {
    return this.parts.groups;
  }

  read(now: number, value?: string) {
    const buckets = value === undefined ? this.whole : this.groups.get(value);
    if (buckets === undefined) throw new RangeError(`there is no group ${value}`);
    return readSlo(this.plan, buckets.source(this.plan), now);
  }

  evaluate(now: number): SloTransition[] {
    const told: SloTransition[] = [];
    for (const value of [undefined, ...this.groups.keys()]) {
      for (const transition of decideSlo(this.read(now, value), this.ledger, null)) {
        this.ledger = evolveLedger(this.ledger, transition);
        told.push(transition);
      }
    }
    this.told.push(...told);
    return told;
  }
}

type Point = readonly [at: number, value: string | null, good: number, total: number];

const inShort = ({ type, data }: SloTransition): string => {
  const what = 'tier' in data ? `${data.severity} ${data.tier}` : `${data.direction} ${data.threshold}`;
  return `${type.split('.').at(-1)} ${what} ${data.group?.value ?? 'all'} ${data.n}`;
};

const bytes = (buckets: IndicatorBuckets) =>
  buckets.events
    .takeDirty()
    .map(({ hour, cells, offset }) => [hour, Buffer.from(encodeCells(cells, offset, 60)).toString('hex')]);

describe('the groups of an SLO', () => {
  const point = fc
    .tuple(
      fc.nat(2 * 1440),
      fc.constantFrom('eu', 'us', 'ap', 'sa', null),
      fc.nat(100),
      fc.nat(100),
      fc.boolean(),
    )
    .map(([minute, value, a, b, isWhole]): Point => {
      const [good, total] = [Math.min(a, b), Math.max(a, b)];
      return [EPOCH + minute * MINUTE, value, isWhole ? good : good / 7, isWhole ? total : total / 7];
    });

  test('with what carries no label add up to the whole, exactly, for any cap', () => {
    fc.assert(
      fc.property(fc.array(fc.array(point, { maxLength: 8 })), fc.integer({ min: 1, max: 5 }), (log, cap) => {
        // Without a freeze, that holds the budget of each as it stood.
        const slo = new Grouped(planOf({ groupBy: { label: 'region', cap }, missingData: 'good' }));
        const bare = new IndicatorBuckets({ needs: needsOf([slo.plan]) });
        for (const message of log) {
          slo.take(message);
          for (const [at, value, good, total] of message) if (value === null) bare.observe(at, good, total);
        }
        const now = EPOCH + 2 * DAY;
        const sum = readSlo(slo.plan, bare.source(slo.plan), now).tally.copy();
        for (const value of slo.groups.keys()) sum.plus(slo.read(now, value).tally);
        expect(sum.equals(slo.read(now).tally)).toBe(true);
        expect(slo.groups.size).toBeLessThanOrEqual(cap + 1);
      }),
      { numRuns: 40 },
    );
  });

  test('have the same buckets, byte for byte, in whatever order messages come, while all find a place', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(point, { minLength: 1, maxLength: 8 }), { minLength: 1 }),
        fc.infiniteStream(fc.nat()),
        (log, random) => {
          const shuffled = log
            .map((message) => [random.next().value as number, message] as const)
            .sort(([a], [b]) => a - b)
            .map(([, message]) => message);
          const dumps = [log, shuffled].map((each) => {
            const slo = new Grouped(planOf({ groupBy: { label: 'region' } }));
            for (const message of each) slo.take(message);
            return new Map([...slo.groups].map(([value, buckets]) => [value, bytes(buckets)]));
          });
          expect(dumps[0]).toEqual(dumps[1]);
        },
      ),
      { numRuns: 40 },
    );
  });

  /** A hundred requests a minute in each of three regions, of which some have `bad` ones. */
  function minutes(slo: Grouped, from: number, to: number, bad: Record<string, number> = {}): void {
    for (let minute = from; minute < to; minute++) {
      const at = EPOCH + minute * MINUTE;
      slo.take(['eu', 'us', 'ap'].map((value) => [at, value, 100 - (bad[value] ?? 0), 100] as const));
    }
  }

  test('burn by the formula of the whole, each over its own events', () => {
    const slo = new Grouped(planOf({ groupBy: { label: 'region' } }));
    minutes(slo, 0, 600);
    minutes(slo, 600, 603, { eu: 30 });
    const now = EPOCH + 603 * MINUTE - 1;
    const burn = (value?: string) => slo.read(now, value).pairs[0]?.shortBurn;
    // Three of the last six minutes: the window of 5m is five complete ones and the current one.
    expect(burn('eu')).toBeCloseTo((3 * 30) / 600 / 0.001, 9);
    expect(burn()).toBeCloseTo((3 * 30) / 1800 / 0.001, 9);
    expect(burn('us')).toBe(0);
    const whole = slo.whole.source(slo.plan);
    const sources = [...slo.groups.values()].map((buckets) => buckets.source(slo.plan));
    const { grouping, groups } = statusOfGroups(slo.plan, whole, sources, slo.ledger, now);
    expect(groups.map(({ value }) => value)).toEqual(['eu', 'ap', 'us']);
    expect(groups[0]).toMatchObject({ total: 60_300, good: 60_300 - 90, compliant: false });
    expect(grouping).toEqual({
      label: 'region',
      cap: 50,
      values: 3,
      overflowing: false,
      unlabelled: { good: 0, total: 0 },
      backfill: null,
    });
  });

  test('that burn alone alert alone, named and numbered; the whole says nothing of a third of it', () => {
    const slo = new Grouped(planOf({ groupBy: { label: 'region' } }));
    minutes(slo, 0, 1500);
    expect(slo.evaluate(EPOCH + 1500 * MINUTE)).toEqual([]);
    // 3 % of eu for half an hour: burn 15 over its last hour, and 5 of the whole, under 14.4 and 6.
    minutes(slo, 1500, 1560, { eu: 3 });
    const fired = slo.evaluate(EPOCH + 1560 * MINUTE - 1);
    const pages = fired.filter(({ data }) => 'severity' in data && data.severity === 'page');
    expect(pages.map(inShort)).toEqual(['fired page fast eu 1']);
    const data = pages[0]?.data as SloAlertFired;
    expect(data.group).toEqual({ label: 'region', value: 'eu' });
    expect(data.title).toMatch(/^checkout-availability \(region eu\) burns its error budget 29\.5 times/);
    expect(data.startedAt).toBe(new Date(EPOCH + 1500 * MINUTE).toISOString());
    // Another group is the second firing of groups, the whole its own first.
    minutes(slo, 1560, 1575, { eu: 3, us: 50, ap: 50 });
    const more = slo.evaluate(EPOCH + 1575 * MINUTE - 1).map(inShort);
    expect(more.filter((each) => each.startsWith('fired page fast')).sort()).toEqual([
      'fired page fast all 1',
      'fired page fast ap 3',
      'fired page fast us 2',
    ]);
    expect(slo.evaluate(EPOCH + 1575 * MINUTE)).toEqual([]);
    minutes(slo, 1575, 1600);
    const resolved = slo.evaluate(EPOCH + 1600 * MINUTE - 1).map(inShort);
    expect(resolved.filter((each) => each.startsWith('resolved page fast')).sort()).toEqual([
      'resolved page fast all 1',
      'resolved page fast ap 3',
      'resolved page fast eu 1',
      'resolved page fast us 2',
    ]);
  });

  test.each([
    ['overall', ['all']],
    ['groups', ['eu', 'us', 'ap']],
    ['both', ['all', 'eu', 'us', 'ap']],
  ])('alert as the definition says: %s', (alerts, expected) => {
    const slo = new Grouped(planOf({ groupBy: { label: 'region', alerts } }));
    minutes(slo, 0, 1500);
    minutes(slo, 1500, 1510, { eu: 100, us: 100, ap: 100 });
    const told = slo.evaluate(EPOCH + 1510 * MINUTE - 1);
    for (const kind of ['slo.alert.fired', 'slo.budget.crossed']) {
      const of = told.filter(({ type }) => type === kind).map(({ data }) => data.group?.value ?? 'all');
      expect([kind, new Set(of)]).toEqual([kind, new Set(expected)]);
    }
    // What never alerts is not said to be well.
    const off = (value?: string) =>
      statusOf(slo.read(EPOCH + 1510 * MINUTE, value), slo.ledger).alertsOff ?? false;
    expect([undefined, 'eu'].map(off)).toEqual([alerts === 'groups', alerts === 'overall']);
  });

  test('cross the levels of their budgets on their own', () => {
    const slo = new Grouped(planOf({ groupBy: { label: 'region' }, alerting: { preset: 'none' } }));
    minutes(slo, 0, 1500);
    minutes(slo, 1500, 1501, { eu: 100 });
    // 100 of 150,100 are 67 % of the budget of eu; of the whole 22 %.
    expect(slo.evaluate(EPOCH + 1501 * MINUTE - 1).map(inShort)).toEqual(['crossed down 0.5 eu 1']);
    minutes(slo, 1501, 1502, { eu: 100, us: 80 });
    expect(slo.evaluate(EPOCH + 1502 * MINUTE - 1).map(inShort)).toEqual([
      'crossed down 0.5 all 2',
      'crossed down 0.25 eu 3',
      'crossed down 0.1 eu 4',
      'crossed down 0 eu 5',
      'crossed down 0.5 us 6',
    ]);
    expect(slo.evaluate(EPOCH + 1502 * MINUTE)).toEqual([]);
  });

  test('that are no more have their alerts closed, and count on when they come back', () => {
    const slo = new Grouped(planOf({ groupBy: { label: 'region' } }));
    minutes(slo, 0, 1500);
    minutes(slo, 1500, 1510, { eu: 100, us: 100 });
    const now = EPOCH + 1510 * MINUTE - 1;
    slo.evaluate(now);
    const closed = retireGroups(slo.ledger, now, ({ value }) => value === 'us');
    expect(new Set(closed.map(({ data }) => data.group?.value))).toEqual(new Set(['us']));
    expect(closed[0]).toMatchObject({ type: 'slo.alert.resolved', data: { reason: 'retired', n: 2 } });
    const firedBefore = slo.told.filter((each) => inShort(each).startsWith('fired page fast'));
    for (const transition of closed) slo.ledger = evolveLedger(slo.ledger, transition);
    expect([...slo.ledger.alerts.values()].some(({ group }) => group?.value === 'us')).toBe(false);
    const again = slo.evaluate(now).map(inShort);
    expect(firedBefore.map(inShort).sort()).toEqual([
      'fired page fast all 1',
      'fired page fast eu 1',
      'fired page fast us 2',
    ]);
    expect(again).toContain('fired page fast us 3');
  });

  test('come in the order in which they want to be looked at', () => {
    const of = (value: string, state: 'ok' | 'at-risk' | 'breached' | 'no-data', remaining: number | null) =>
      ({ value, state, budget: { remaining } }) as Parameters<typeof worstFirst>[0][number];
    const sorted = worstFirst([
      of('silent', 'no-data', null),
      of('fine', 'ok', 1),
      of('b', 'ok', 0.9),
      of('a', 'ok', 0.9),
      of('alerting', 'at-risk', 0.95),
      of('spent', 'breached', -3),
      of('low', 'at-risk', 0.1),
    ]);
    expect(sorted.map(({ value }) => value)).toEqual([
      'spent',
      'low',
      'alerting',
      'a',
      'b',
      'fine',
      'silent',
    ]);
  });

  test('of a fleet that comes and goes leave no more than two thousand behind', () => {
    let ledger = emptyLedger;
    const fast = { severity: 'page', tier: 'fast', long: '1h', short: '5m', burn: 14.4 };
    const plan = planOf({ groupBy: { label: 'pod' }, alerting: { windows: [fast] } });
    const buckets = new IndicatorBuckets({ needs: needsOf([plan]) });
    for (let minute = 0; minute < 1500; minute++) buckets.observe(EPOCH + minute * MINUTE, 0, 100);
    const source = buckets.source(plan);
    for (let pod = 0; pod < 2_050; pod++) {
      const reading = readSlo(
        plan,
        { ...source, group: { label: 'pod', value: `${pod}` } },
        EPOCH + 1500 * MINUTE,
      );
      for (const transition of decideSlo(reading, ledger, null)) {
        ledger = evolveLedger(ledger, transition);
        if (transition.type !== 'slo.alert.fired') continue;
        const { data } = transition;
        ledger = evolveLedger(ledger, { type: 'slo.alert.resolved', data: { ...data, reason: 'recovered' } });
      }
    }
    expect(ledger.alerts.size).toBe(2_000);
    expect(ledger.groupsPassed.size).toBe(2_000);
    expect(ledger.groupFirings.get('page/fast')).toBe(2_050);
    expect(ledger.crossings).toBe(4 * 2_050);
  });
});
