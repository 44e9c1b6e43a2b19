import type { Backtest, PointColumns } from '@bellwether/contracts';
import { describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { correctedPlan, corrections } from '../corrections/corrections.fixture.js';
import {
  type BacktestOptions,
  backtest,
  consumedOf,
  dueSlices,
  MINUTE,
  minuteOf,
  Recording,
  runBacktest,
  type SloPlan,
  withMissing,
} from '../index.js';
import { DAY, HOUR, ORACLE, RATE } from '../oracle-table.fixture.js';
import { EPOCH, planOf, VirtualSlo } from '../virtual-time.fixture.js';

// Months of virtual time, on a machine that may be busy.
jest.setTimeout(60_000);

/** Milliseconds after EPOCH, and what a classifier gives. */
type Point = readonly [offset: number, measure: number, count: number];
type Span = [from: number, to: number];

/** A backtest of points, over a span in milliseconds after EPOCH. */
function trial(
  plan: SloPlan,
  points: readonly Point[],
  [from, to]: Span,
  options: Partial<BacktestOptions> = {},
) {
  const span = { from: EPOCH + from, to: EPOCH + to };
  const recording = new Recording(plan, span);
  for (const [offset, measure, count] of points) recording.whole.observe(EPOCH + offset, measure, count);
  return runBacktest(plan, recording, { span, points: 300, ...options });
}

/** What is decided: which alert, when it fired and resolved, and the levels of budget that were passed. */
const decisions = ({ alerts, crossings }: Pick<Backtest, 'alerts' | 'crossings'>) => ({
  alerts: alerts.map(({ severity, tier, firedAt, resolvedAt }) => ({ severity, tier, firedAt, resolvedAt })),
  crossings: crossings.map(({ at, threshold, direction }) => ({ at, threshold, direction })),
});

/** The same by the live evaluation: each point measured on its own, and a look every 15 s whether anything changed. */
function live(plan: SloPlan, points: readonly Point[], [from, to]: Span, lead: number, cadence?: number) {
  const slo = new VirtualSlo(plan, cadence);
  const ordered = [...points].sort((a, b) => a[0] - b[0]);
  let next = 0;
  const deliverUntil = (minute: number): void => {
    for (; next < ordered.length; next++) {
      const [offset, measure, count] = ordered[next] as Point;
      if (offset >= minute * MINUTE) return;
      slo.measure(EPOCH + offset, measure, count);
    }
  };
  for (let now = Math.floor(from / MINUTE) * MINUTE - lead; now <= to; now += 15_000) {
    deliverUntil(Math.floor(now / MINUTE));
    slo.evaluate(EPOCH + now);
  }
  const iso = (at: number) => new Date(at).toISOString();
  const alerts: { severity: string; tier: string; firedAt: string; resolvedAt: string | null }[] = [];
  const crossings: { at: string; threshold: number; direction: string }[] = [];
  for (const { at, transition } of slo.transitions) {
    const { type, data } = transition;
    if (type === 'slo.budget.crossed') {
      if (at >= EPOCH + from)
        crossings.push({ at: iso(at), threshold: data.threshold, direction: data.direction });
      continue;
    }
    const { severity, tier } = data;
    if (type === 'slo.alert.fired') alerts.push({ severity, tier, firedAt: iso(at), resolvedAt: null });
    else
      (
        alerts.findLast((alert) => alert.severity === severity && alert.tier === tier) as {
          resolvedAt: string;
        }
      ).resolvedAt = iso(at);
  }
  const begins = iso(EPOCH + from);
  return {
    decided: {
      alerts: alerts.filter(({ resolvedAt }) => resolvedAt === null || resolvedAt > begins),
      crossings,
    },
    slo,
  };
}

describe('the timing oracle', () => {
  // Every fault of the table after a month of calm, with days between them: more than any look-back.
  const GAP = 5 * DAY;
  let at = 30 * DAY;
  const faults = ORACLE.map((oracle) => {
    const start = at;
    at += oracle.fault + GAP;
    return { ...oracle, start };
  });
  const iso = (second: number) => new Date(EPOCH + second * 1000).toISOString();
  const result = trial(planOf(), [...minutes()], [30 * DAY * 1000, at * 1000], {
    incidents: faults.map(({ name, start, fault }) => ({ name, from: iso(start), to: iso(start + fault) })),
    grace: 60_000,
  });
  const seconds = (time: string | null) => (Date.parse(time as string) - EPOCH) / 1000;
  const during = ({ start, fault }: { start: number; fault: number }) =>
    result.alerts.filter(
      ({ firedAt }) => seconds(firedAt) >= start && seconds(firedAt) < start + fault + GAP,
    );

  test.each(faults)('$name', (oracle) => {
    const found = during(oracle).map(({ severity, tier }) => `${severity} ${tier}`);
    expect(found.sort()).toEqual(Object.keys(oracle.expected).sort());
    for (const { severity, tier, firedAt, resolvedAt } of during(oracle)) {
      const [fires, resolves] = oracle.expected[`${severity} ${tier}` as keyof typeof oracle.expected] as [
        number,
        number,
      ];
      expect(Math.abs(seconds(firedAt) - oracle.start - fires)).toBeLessThanOrEqual(60);
      expect(Math.abs(seconds(resolvedAt) - oracle.start - oracle.fault - resolves)).toBeLessThanOrEqual(60);
    }
  });

  test('an alert says what was spent of the budget: e · t / (B · W) since the fault began', () => {
    for (const oracle of faults) {
      for (const alert of during(oracle)) {
        expect(seconds(alert.startedAt)).toBe(oracle.start);
        const share = (until: number) => (oracle.ratio * (until - oracle.start)) / (0.001 * 30 * DAY);
        // The window holds its current, partial minute besides the complete ones: a 43,200th.
        expect(alert.budgetSpentBefore).toBeCloseTo(share(seconds(alert.firedAt)), 3);
        const ended = Math.min(seconds(alert.resolvedAt), oracle.start + oracle.fault);
        expect(alert.budgetSpent).toBeCloseTo(share(ended), 2);
      }
    }
  });

  test('incidents that are labelled with the faults are all found that the alerts can find, and nothing else is', () => {
    const { score } = result;
    const findable = ORACLE.filter(({ expected }) => Object.keys(expected).length > 0);
    expect(score).toMatchObject({
      truePositives: findable.length,
      falsePositives: 0,
      falseNegatives: ORACLE.length - findable.length,
      precision: 1,
      recall: findable.length / ORACLE.length,
    });
    for (const [i, { expected }] of ORACLE.entries()) {
      const first = Math.min(...Object.values(expected).map(([fires]) => fires));
      const delay = score?.incidents[i]?.detectionDelay ?? null;
      if (Number.isFinite(first)) expect(Math.abs((delay as number) - first)).toBeLessThanOrEqual(60);
      else expect(delay).toBeNull();
    }
  });

  function* minutes(): Generator<Point> {
    for (let s = 0; s < at; s += 60) {
      const fault = faults.find(({ start, fault }) => s >= start && s < start + fault);
      yield [s * 1000, 60 * RATE - Math.round(60 * RATE * (fault?.ratio ?? 0)), 60 * RATE];
    }
  }
});

// Windows of hours, so that many runs of many evaluations are cheap: what they do does not depend on their length.
const alerting = {
  windows: [
    { severity: 'page', tier: 'fast', long: '30m', short: '5m', burn: 1.5 },
    { severity: 'ticket', tier: 'slow', long: '2h', short: '20m', burn: 1.1 },
  ],
};
const LEAD = 120 * MINUTE;
const DEFINITIONS: Record<string, object> = {
  occurrences: {},
  'occurrences with a floor': { alerting: { ...alerting, minBad: 3, minTotal: 10 } },
  'occurrences of a week': { window: { calendar: 'week', timeZone: 'Europe/Berlin' } },
  'occurrences, absent data good': { missingData: 'good' },
  'timeslices, absent ones bad': {
    budgeting: { method: 'timeslices', slice: '2m', sliceTarget: 0.9 },
    missingData: 'bad',
  },
  'timeslices, absent ones good': {
    budgeting: { method: 'timeslices', slice: '2m', sliceTarget: 0.9 },
    missingData: 'good',
  },
  'ratio-timeslices': { budgeting: { method: 'ratio-timeslices', slice: '1m' } },
  percentile: {
    indicator: { kind: 'percentile', p: 0.9, op: 'lte', value: 0.5 },
    budgeting: { method: 'timeslices', slice: '2m' },
  },
  mean: {
    indicator: { kind: 'mean', op: 'lte', value: 0.5 },
    budgeting: { method: 'timeslices', slice: '2m' },
  },
};
const common = { objective: 0.8, window: { rolling: '8h' }, alerting };
const slices = { budgeting: { method: 'timeslices', slice: '2m', sliceTarget: 0.9 }, missingData: 'bad' };
const mask = corrections(
  ['exclude', 20, 50],
  ['good', 90, 130],
  ['exclude', 120, 150],
  ['exclude', 300, 420],
);
const plans: (readonly [string, SloPlan])[] = [
  ...Object.entries(DEFINITIONS).map(
    ([name, overrides]) => [name, planOf({ ...common, ...overrides })] as const,
  ),
  ['occurrences, corrected', correctedPlan(common, mask)],
  ['timeslices, corrected', correctedPlan({ ...common, ...slices }, mask)],
];

/** Stretches of points at a cadence, some good, some bad, with silences between them: any second of a minute. */
const stories = fc
  .array(
    fc.record({
      silence: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 90 * MINUTE })),
      every: fc.constantFrom(20_000, 60_000, 61_300, 300_000),
      points: fc.integer({ min: 1, max: 40 }),
      good: fc.constantFrom(0, 0.3, 0.85, 1),
      count: fc.constantFrom(0, 1, 7, 10.5),
    }),
    { minLength: 1, maxLength: 8 },
  )
  .map((stretches) => {
    const points: Point[] = [];
    let at = 0;
    for (const { silence, every, points: n, good, count } of stretches) {
      at += silence;
      for (let i = 0; i < n; i++, at += every) points.push([at, good, count]);
    }
    return points;
  });

/** Points as the indicator reads them: shares become good events, or values. */
const read = (plan: SloPlan, points: readonly Point[]): Point[] =>
  points.map(([at, good, count]) => {
    if (plan.indicator.kind === 'ratio') return [at, good * count, count];
    return [at, plan.indicator.kind === 'mean' ? (1 - good) * count : 1 - good, count];
  });

/** What was left when the last minute before was over: where a slice begins then, of the window that ends with the former. */
function remainingUpTo(slo: VirtualSlo, to: number): number | null {
  const { plan } = slo;
  const { source, freeze, consumed } = slo.read(EPOCH + to);
  const end = minuteOf(EPOCH + to);
  const left = (spent: number | null): number | null => (spent === null ? null : 1 - spent);
  if (plan.rule === null || freeze !== null || end % plan.slice !== 0) return left(consumed);
  const low = plan.window.lowUpTo(end);
  const tally = source.tallies.sum(low, end - 1);
  const due = dueSlices(plan, source, EPOCH + to);
  return left(consumedOf(plan, withMissing(plan, tally, low, end - 1, due), end - 1));
}

describe.each(plans)('%s', (_, plan) => {
  test('decides what the live evaluation decides, which looks every 15 s', () => {
    fc.assert(
      fc.property(stories, fc.integer({ min: -HOUR, max: 6 * HOUR }), (story, offset) => {
        const points = read(plan, story);
        const from = offset * 1000;
        const span: Span = [from, Math.max(from + 30 * MINUTE, (story.at(-1) as Point)[0] + 3 * HOUR * 1000)];
        const expected = live(plan, points, span, LEAD);
        const result = trial(plan, points, span);
        expect(decisions(result)).toEqual(expected.decided);
        expect(result.status).toEqual(expected.slo.status(EPOCH + span[1]));
        expect(result.points.at(-1)?.budgetRemaining ?? null).toBe(remainingUpTo(expected.slo, span[1]));
      }),
      { numRuns: 12 },
    );
  });

  test('is the same in whatever order measurements come', () => {
    const shuffled = stories.chain((story) =>
      fc.tuple(
        fc.constant(story),
        fc.shuffledSubarray(story, { minLength: story.length, maxLength: story.length }),
      ),
    );
    fc.assert(
      fc.property(shuffled, ([story, other]) => {
        const span: Span = [HOUR * 1000, 10 * HOUR * 1000];
        expect(trial(plan, read(plan, other), span)).toEqual(trial(plan, read(plan, story), span));
      }),
      { numRuns: 6 },
    );
  });
});

describe('warm-up', () => {
  const plan = planOf({ objective: 0.8, window: { rolling: '8h' }, alerting });
  const minutely = (from: number, to: number, good: number): Point[] =>
    Array.from({ length: to - from }, (_, i) => [(from + i) * MINUTE, good, 10] as const);

  test('what was measured before counts, however far back, and nothing that came later does', () => {
    const history = minutely(-10_000, 0, 9);
    const during = minutely(0, 240, 10);
    const later = minutely(240, 400, 0);
    const result = trial(plan, [...history, ...during, ...later], [0, 240 * MINUTE]);
    // The window: 240 minutes of the history, and the 240 minutes of the span.
    expect(result.status.total).toBe(4800);
    expect(result.status.good).toBe(4800 - 240);
    expect(result.recorded.historyAtFrom).toBe(8 * HOUR);
    expect(result.alerts).toEqual([]);
  });

  test('when the data begin is said, to the second, wherever in the span that is', () => {
    const span = [0, 240 * MINUTE] as const;
    const moment = (offset: number) => new Date(EPOCH + offset).toISOString();
    const begun = (points: Point[]) => trial(plan, points, [...span]).recorded;
    const late: Point[] = [[100 * MINUTE + 12_000, 10, 10], ...minutely(101, 240, 10)];
    expect(begun(late)).toMatchObject({ firstAt: moment(100 * MINUTE + 12_000), historyAtFrom: 0 });
    expect(begun([...minutely(-30, 0, 10), ...late])).toMatchObject({ firstAt: moment(-30 * MINUTE) });
    expect(begun([])).toMatchObject({ points: 0, firstAt: null });
  });

  test('an alert that fires at the beginning is there with the time it fired; one that was over is not', () => {
    const story = [
      ...minutely(-1500, -100, 10),
      ...minutely(-100, -80, 0),
      ...minutely(-80, -20, 10),
      ...minutely(-20, 5, 0),
      ...minutely(5, 100, 10),
    ];
    const { alerts } = trial(plan, story, [0, 100 * MINUTE]);
    const fast = alerts.filter(({ tier }) => tier === 'fast');
    expect(fast).toHaveLength(1);
    expect(Date.parse(fast[0]?.firedAt as string)).toBeLessThan(EPOCH);
    expect(Date.parse(fast[0]?.firedAt as string)).toBeGreaterThanOrEqual(EPOCH - 20 * MINUTE);
    expect(Date.parse(fast[0]?.resolvedAt as string)).toBeGreaterThan(EPOCH);
  });

  test('a span before, after or without any data decides nothing, and says that there is none', () => {
    for (const points of [[], minutely(10_000, 10_010, 0)]) {
      const result = trial(plan, points, [0, 100 * MINUTE]);
      expect(result).toMatchObject({ alerts: [], crossings: [], recorded: { points: 0, minutes: 0 } });
      expect(result.status.state).toBe('no-data');
      expect(
        result.points.every(({ total, budgetRemaining }) => total === 0 && budgetRemaining === null),
      ).toBe(true);
    }
    const after = trial(plan, minutely(0, 10, 0), [100_000 * MINUTE, 100_100 * MINUTE]);
    expect(after).toMatchObject({ alerts: [], status: { state: 'no-data' } });
  });
});

describe('the budget over time', () => {
  const plan = planOf({ objective: 0.9, window: { rolling: '8h' }, alerting });
  const story = fc.array(fc.integer({ min: 0, max: 10 }), { minLength: 30, maxLength: 600 });

  test('keeps its extremes in however few points, and what is counted in them adds up', () => {
    fc.assert(
      fc.property(story, fc.integer({ min: 1, max: 60 }), (goods, most) => {
        const points = goods.map((good, i): Point => [i * MINUTE, good, 10]);
        const span: Span = [0, goods.length * MINUTE];
        const few = trial(plan, points, span, { points: most }).points;
        const all = trial(plan, points, span, { points: 5_000 }).points;
        expect(few.length).toBeLessThanOrEqual(most);
        expect(all).toHaveLength(goods.length);
        const budgets = all.map((point) => point.budgetRemaining as number);
        const burns = goods.map((good) => (10 - good) / 10 / 0.1);
        const lows = few.map(({ budgetRemainingMin, burnMin }) => [budgetRemainingMin, burnMin] as number[]);
        const highs = few.map(({ budgetRemainingMax, burnMax }) => [budgetRemainingMax, burnMax] as number[]);
        const extreme = (which: (...all: number[]) => number, rows: number[][], column: 0 | 1) =>
          which(...rows.map((row) => row[column] as number));
        expect(extreme(Math.min, lows, 0)).toBe(Math.min(...budgets));
        expect(extreme(Math.max, highs, 0)).toBe(Math.max(...budgets));
        expect(extreme(Math.min, lows, 1)).toBeCloseTo(Math.min(...burns), 9);
        expect(extreme(Math.max, highs, 1)).toBeCloseTo(Math.max(...burns), 9);
        expect(few.at(-1)).toMatchObject({ at: new Date(EPOCH + span[1]).toISOString() });
        for (const curve of [few, all]) {
          expect(curve.reduce((total, point) => total + point.good, 0)).toBe(
            goods.reduce((a, b) => a + b, 0),
          );
        }
      }),
      { numRuns: 25 },
    );
  });

  test('each point is what the status would have said then', () => {
    const points = Array.from({ length: 200 }, (_, i): Point => [i * MINUTE, i % 13, 13]);
    for (const { at, budgetRemaining } of trial(plan, points, [0, 200 * MINUTE], { points: 30 }).points) {
      const then: Span = [0, Date.parse(at) - EPOCH];
      expect(trial(plan, points, then).status.budget.remaining).toBe(budgetRemaining);
    }
  });
});

describe('groups', () => {
  const overrides = { objective: 0.8, window: { rolling: '8h' }, alerting };
  const plain = planOf(overrides);
  const grouped = planOf({ ...overrides, groupBy: { label: 'region', cap: 2 } });
  const columns = (region: string | null, points: readonly Point[]): PointColumns => ({
    kind: 'counts',
    ...(region === null ? {} : { labels: { region } }),
    at: points.map(([offset]) => EPOCH + offset),
    good: points.map(([, good, total]) => good * total),
    total: points.map(([, , total]) => total),
  });
  const runOf = (plan: SloPlan, messages: readonly PointColumns[], [from, to]: Span) => {
    const span = { from: EPOCH + from, to: EPOCH + to };
    const recording = new Recording(plan, span);
    for (const message of messages) recording.take([message]);
    return runBacktest(plan, recording, { span, points: 10 });
  };

  test('each is as if it were measured alone, and the whole as if there were none', () => {
    fc.assert(
      fc.property(stories, stories, stories, (a, b, c) => {
        const messages = [columns('a', a), columns('b', b), columns('c', c), columns(null, a)];
        const span: Span = [0, 8 * HOUR * 1000];
        const result = runOf(grouped, messages, span);
        const own = (value: string | undefined) => ({
          alerts: result.alerts
            .filter(({ group }) => group?.value === value)
            .map(({ group, ...alert }) => alert),
          crossings: result.crossings
            .filter(({ group }) => group?.value === value)
            .map(({ group, ...crossing }) => crossing),
        });
        for (const [value, points] of [
          ['a', a],
          ['b', b],
          ['__other__', c],
        ] as const) {
          const { alerts, crossings, status } = runOf(plain, [columns(null, points)], span);
          expect(own(value)).toEqual({ alerts, crossings });
          const { sli, good, total, budget } = status;
          const there = result.status.groups?.find((group) => group.value === value);
          if (total > 0) expect(there).toMatchObject({ sli, good, total, budget });
        }
        const { alerts, crossings, points } = runOf(plain, messages, span);
        expect({ ...own(undefined), points: result.points }).toEqual({ alerts, crossings, points });
      }),
      { numRuns: 6 },
    );
  });

  test('one that gives its place up to another has no alert from then on', () => {
    const week = 7 * 24 * 60;
    const minutes = (from: number, n: number, good: number) =>
      Array.from({ length: n }, (_, i): Point => [(from + i) * MINUTE, good, 10]);
    const one = planOf({ ...overrides, groupBy: { label: 'region', cap: 1 } });
    const after = 6 * week;
    const { alerts, status } = runOf(
      one,
      [
        columns('a', minutes(0, 60, 1)),
        columns('a', minutes(60, 60, 0)),
        columns('b', minutes(after, 60, 1)),
      ],
      [0, (after + 60) * MINUTE],
    );
    const ofA = alerts.filter(({ group, tier }) => group?.value === 'a' && tier === 'slow');
    // No data holds it until its group is no more.
    expect(ofA.map(({ resolvedAt }) => Date.parse(resolvedAt as string))).toEqual([
      EPOCH + (after + 1) * MINUTE,
    ]);
    expect(status.groups?.map(({ value }) => value)).toEqual(['b']);
  });
});

test('says how far it is once for each hour of virtual time, so that others can work in between', () => {
  const plan = planOf({ objective: 0.8, window: { rolling: '8h' }, alerting });
  const span = { from: EPOCH, to: EPOCH + 600 * MINUTE };
  const recording = new Recording(plan, span);
  for (let minute = 0; minute < 600; minute++) recording.whole.observe(EPOCH + minute * MINUTE, 10, 10);
  const steps = [...backtest(plan, recording, { span, points: 10 })];
  expect(steps).toHaveLength(11);
  expect(steps.at(-1)).toEqual({ phase: 'evaluating', done: 600, of: 600 });
  expect(steps.map(({ done }) => done)).toEqual([...steps.map(({ done }) => done)].sort((a, b) => a - b));
});
