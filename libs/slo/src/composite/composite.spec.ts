import { type SloAlertFired, sloDefinition } from '@bellwether/contracts';
import { describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type ComponentCounts,
  CompositeSlices,
  type CompositeTree,
  componentShares,
  componentsOf,
  componentsState,
  compositeCounts,
  decideSlo,
  emptyLedger,
  IndicatorBuckets,
  judgeComposite,
  type Leaf,
  leavesOf,
  needsOf,
  planSlo,
  readSlo,
  statusOf,
} from '../index.js';
import { definition, EPOCH, planOf } from '../virtual-time.fixture.js';
import { circleOf } from './composite-tree.js';

// Weeks of virtual time, on a machine that may be busy.
jest.setTimeout(60_000);

const MINUTE = 60_000;
const T0 = EPOCH / MINUTE;

/** A composite of SLOs `a`, `b`, … with these weights. */
function composite(method: object, weights: number[] = [1, 1], overrides: object = {}) {
  const of = weights.map((weight, i) => ({ slo: 'abcdef'[i], weight }));
  return planOf({
    name: 'journey',
    sli: undefined,
    objective: 0.9,
    indicator: { kind: 'composite', of },
    budgeting: method,
    alerting: { preset: 'none' },
    ...overrides,
  });
}

/** An SLO with its own buckets, as a component. */
class Part {
  readonly plan;
  readonly buckets: IndicatorBuckets;

  constructor(
    readonly slo: string,
    overrides: object = {},
  ) {
    this.plan = planOf({ name: slo, objective: 0.95, alerting: { preset: 'none' }, ...overrides });
    this.buckets = new IndicatorBuckets({ needs: needsOf([this.plan]) });
  }

  /** Measures minutes after EPOCH. */
  measure(minute: number, good: number, total: number): this {
    this.buckets.observe(EPOCH + minute * MINUTE, good, total);
    this.buckets.judge();
    return this;
  }

  get source() {
    return this.buckets.source(this.plan);
  }

  component(weight = 1): ComponentCounts {
    const { tallies } = this.source;
    return {
      slo: this.slo,
      weight,
      plan: this.plan,
      counts: (low, high) => tallies.sum(low, high),
      due: null,
    };
  }
}

const RATIOS = { method: 'ratio-timeslices' };
const ANY_BAD = { method: 'timeslices' };
const EVENTS = { method: 'occurrences' };

describe('a slice of a composite', () => {
  const judged = (plan: ReturnType<typeof composite>, parts: [Part, number?][]) => {
    const { goodCount, totalCount } = judgeComposite(
      plan,
      parts.map(([part, weight]) => part.component(weight)),
      T0,
    );
    return [goodCount, totalCount];
  };
  const at95 = (slo: string, overrides: object = {}) => new Part(slo, overrides).measure(0, 95, 100);

  test('of ratios: 95 % and 95 % with weights of 1 are 90 %', () => {
    const [good, total] = judged(composite(RATIOS), [[at95('a')], [at95('b')]]);
    expect(total).toBe(1);
    expect(good).toBeCloseTo(0.9, 9);
    // Weights that sum up to 1 are a weighted mean; errors beyond everything are everything.
    const worst = new Part('b').measure(0, 0, 10);
    expect(
      judged(composite(RATIOS), [
        [at95('a'), 0.25],
        [worst, 0.75],
      ])[0],
    ).toBeCloseTo(0.25 * 0.95, 9);
    expect(judged(composite(RATIOS), [[at95('a')], [worst, 3]])).toEqual([0, 1]);
  });

  test.each([
    // a, b, and what they come to: good and all slices.
    [1, 1, [1, 1]],
    [1, 0, [0, 1]],
    [0, 0, [0, 1]],
    [null, 1, [1, 1]],
    [null, 0, [0, 1]],
    [null, null, [0, 0]],
  ])('of any that is bad: %s and %s', (a, b, expected) => {
    const part = (slo: string, good: number | null) =>
      good === null ? new Part(slo) : new Part(slo).measure(0, good * 100, 100);
    expect(judged(composite(ANY_BAD), [[part('a', a)], [part('b', b)]])).toEqual(expected);
  });

  test('is bad by the slices of a component, or where that has none by its objective or what is asked', () => {
    const slices = at95('a', { budgeting: { method: 'timeslices', sliceTarget: 0.96 } });
    expect(judged(composite(ANY_BAD), [[slices], [at95('b')]])).toEqual([0, 1]);
    expect(judged(composite(ANY_BAD), [[at95('a')], [at95('b')]])).toEqual([1, 1]);
    expect(judged(composite({ ...ANY_BAD, sliceTarget: 0.951 }), [[at95('a')], [at95('b')]])).toEqual([0, 1]);
    const percentile = { indicator: { kind: 'percentile', p: 0.5, op: 'lte', value: 1 }, budgeting: ANY_BAD };
    expect(judged(composite(ANY_BAD), [[new Part('a', percentile).measure(0, 7, 1)], [at95('b')]])).toEqual([
      0, 1,
    ]);
  });

  test('of events is all events with the weights of their components', () => {
    const few = new Part('b').measure(0, 1, 2);
    expect(judged(composite(EVENTS), [[at95('a')], [few, 10]])).toEqual([105, 120]);
    expect(
      judged(composite(EVENTS), [
        [at95('a'), 0.5],
        [few, 0.25],
      ]),
    ).toEqual([47.75, 50.5]);
  });

  test('longer than those of a component has all of theirs; shorter ones each have the one they lie in', () => {
    const five = { method: 'ratio-timeslices', slice: '5m' };
    const long = composite(five, [1, 1]);
    const a = new Part('a');
    for (let minute = 0; minute < 5; minute++) a.measure(minute, minute, 4);
    // 10 of 20 events over the five minutes.
    expect(judgeComposite(long, [a.component()], T0).goodCount).toBeCloseTo(0.5, 9);
    const b = new Part('b', { budgeting: five }).measure(0, 1, 1).measure(4, 1, 3);
    for (const minute of [0, 1, 4]) {
      expect(judgeComposite(composite(RATIOS), [b.component()], T0 + minute).goodCount).toBeCloseTo(0.5, 9);
    }
    expect(judgeComposite(composite(RATIOS), [b.component()], T0 + 5).isEmpty).toBe(true);
  });

  test('without data of a component has what that says of absent data', () => {
    const bad = new Part('a', { budgeting: { method: 'timeslices', sliceTarget: 0.9 }, missingData: 'bad' });
    bad.measure(0, 1, 1).measure(3, 1, 1);
    const component = { ...bad.component(), due: { first: T0, last: T0 + 4 } };
    const b = new Part('b');
    for (let minute = 0; minute < 7; minute++) b.measure(minute, 10, 10);
    const verdicts = [0, 1, 2, 3, 4, 5].map(
      (minute) => judgeComposite(composite(ANY_BAD), [component, b.component()], T0 + minute).good,
    );
    expect(verdicts).toEqual([1, 0, 0, 1, 0, 1]);
  });
});

describe('composites of composites', () => {
  const point = fc.tuple(fc.nat(2), fc.nat(90), fc.nat(20), fc.nat(20));
  const measured = (points: [number, number, number, number][]) => {
    const parts = ['a', 'b', 'c'].map((slo) => new Part(slo));
    for (const [i, minute, x, y] of points) parts[i]?.measure(minute, Math.min(x, y), Math.max(x, y));
    return parts;
  };
  const tree = (plan: CompositeTree['plan'], parts: (Part | CompositeTree<Part>)[]): CompositeTree<Part> => ({
    slo: 'journey',
    plan,
    components: parts.map((part) => ({ weight: 1, part })),
  });
  const counted = (of: CompositeTree<Part>) =>
    compositeCounts(
      of.plan,
      componentsOf(of, (leaf) => leaf.component()),
    )(T0, T0 + 99);

  test('are as one of all where any bad is bad, and where errors add up', () => {
    for (const method of [ANY_BAD, RATIOS]) {
      fc.assert(
        fc.property(fc.array(point), (points) => {
          const [a, b, c] = measured(points) as [Part, Part, Part];
          const one = counted(tree(composite(method, [1, 1, 1]), [a, b, c]));
          const nested = counted(tree(composite(method), [a, tree(composite(method), [b, c])]));
          expect(nested.total).toBe(one.total);
          // An inner one cannot be worse than wholly bad.
          if (method === ANY_BAD) expect(nested.good).toBe(one.good);
          else expect(nested.goodCount).toBeGreaterThanOrEqual(one.goodCount - 1e-6);
        }),
      );
    }
  });

  test('know the SLOs that they are measured by, each once', () => {
    const [a, b, c] = measured([]) as [Part, Part, Part];
    const inner = tree(composite(ANY_BAD), [b, c]);
    expect(leavesOf(tree(composite(ANY_BAD), [a, inner, inner, b]) as CompositeTree<Leaf>)).toEqual([
      a,
      b,
      c,
    ]);
  });

  test('in a circle are found by the way around', () => {
    const of = (...slos: string[]) =>
      definition({
        sli: undefined,
        indicator: { kind: 'composite', of: [...slos, 'x'].map((slo) => ({ slo })) },
      });
    const defined = new Map([
      ['a', of('b', 'c')],
      ['b', of('d')],
      ['c', definition()],
      ['d', of('c', 'e')],
      ['e', of('a')],
    ]);
    expect(circleOf('a', (slo) => defined.get(slo))).toEqual(['a', 'b', 'd', 'e', 'a']);
    defined.set('e', of('c'));
    expect(circleOf('a', (slo) => defined.get(slo))).toBeNull();
    expect(circleOf('nosuch', (slo) => defined.get(slo))).toBeNull();
  });
});

describe('what a composite counts', () => {
  const history = fc.array(fc.tuple(fc.nat(1), fc.nat(3000), fc.nat(20), fc.nat(20)), { minLength: 1 });

  test.each([
    ['events', EVENTS],
    ['any bad', { ...ANY_BAD, slice: '5m' }],
    ['ratios', { ...RATIOS, slice: '10m' }],
  ])('%s: judged anew where a component changed, in any order, is judged at once', (_, method) => {
    fc.assert(
      fc.property(history, fc.boolean(), (points, isBackwards) => {
        const plan = composite(method, [1, 0.25], { window: { rolling: '1d' }, missingData: 'good' });
        const parts = [new Part('a'), new Part('b', { budgeting: { ...RATIOS, slice: '2m' } })];
        const components = [parts[0]?.component(1), parts[1]?.component(0.25)] as ComponentCounts[];
        const live = new CompositeSlices(plan);
        for (const [i, minute, x, y] of isBackwards ? [...points].reverse() : points) {
          parts[i]?.measure(minute, Math.min(x, y), Math.max(x, y));
          live.judge(components, T0 + minute - 10, T0 + minute + 10);
        }
        const anew = new CompositeSlices(plan);
        anew.judge(components, T0, T0 + 3010);
        const now = EPOCH + 3000 * MINUTE;
        const state = componentsState([]);
        const [one, other] = [live, anew].map((each) => readSlo(plan, each.source(state), now));
        expect(one?.tally.equals(other?.tally as NonNullable<typeof other>['tally'])).toBe(true);
        expect(one?.burns).toEqual(other?.burns);
      }),
      { numRuns: 40 },
    );
  });

  /** Two days of two components, of which `b` fails wholly in some minutes before the end. */
  function journey(plan: ReturnType<typeof composite>, failing: number) {
    const [a, b] = [new Part('a'), new Part('b')];
    for (let minute = 0; minute < 2880; minute++) {
      a.measure(minute, 100, 100);
      b.measure(minute, minute < 2880 - failing ? 10 : 0, 10);
    }
    const components = [a.component(), b.component(2)];
    const slices = new CompositeSlices(plan);
    slices.judge(components, T0, T0 + 2880);
    const state = componentsState([a, b]);
    return { a, b, components, source: slices.source(state) };
  }

  test('has a budget, burn rates and alerts like any SLO, and says which component it was', () => {
    const plan = composite(ANY_BAD, [1, 2], { objective: 0.99, alerting: { preset: 'google-sre' } });
    const { components, source } = journey(plan, 20);
    const now = EPOCH + 2880 * MINUTE - 1;
    const reading = readSlo(plan, source, now);
    const status = statusOf(reading, emptyLedger);
    expect(status).toMatchObject({ slo: 'journey', good: 2860, total: 2880, coverage: 1, frozen: null });
    // Bad slices ÷ (B · slices of the whole window).
    expect(status.budget.consumed).toBeCloseTo(20 / (0.01 * 43_200), 9);
    // 60 complete minutes and the current one: 20 of 61 slices.
    expect(status.burn.find(({ window }) => window === '1h')?.rate).toBeCloseTo(20 / 61 / 0.01, 9);
    const shares = (low: number, high: number) => componentShares(plan, components, low, high);
    const fired = decideSlo(reading, emptyLedger, null, () => shares(T0 + 2880 - 60, T0 + 2879));
    const page = fired.find(
      ({ type, data }) => type === 'slo.alert.fired' && 'tier' in data && data.tier === 'fast',
    );
    expect((page as { data: SloAlertFired }).data.components).toEqual([
      { slo: 'b', weight: 2, good: 40, total: 60 },
      { slo: 'a', weight: 1, good: 60, total: 60 },
    ]);
  });

  test('is frozen by the first component that lacks data, but not by one that says what absent data is', () => {
    const plan = composite(ANY_BAD);
    const { a, b, source } = journey(plan, 0);
    const end = EPOCH + 2880 * MINUTE;
    expect(readSlo(plan, source, end + MINUTE).freeze).toBeNull();
    a.measure(2890, 1, 1);
    for (let minute = 2880; minute < 2890; minute++) a.measure(minute, 1, 1);
    const reading = readSlo(plan, source, end + 10 * MINUTE);
    expect(reading.freeze?.reason).toMatch(/^b: no measurement for more than 3 cadences of 1m/);
    expect(reading.watermark).toBe(EPOCH + 2879 * MINUTE);
    const good = new Part('b', { missingData: 'good' });
    good.measure(0, 1, 1).measure(1, 1, 1);
    expect(componentsState([a, good]).freezeAt(end + 10 * MINUTE)).toBeNull();
    expect(componentsState([a, b, new Part('c')]).coverage).toBe(1);
    expect(componentsState([]).watermark).toBeNull();
  });

  test('has its budget held by all components that lack data: one that goes silent lets go of nothing', () => {
    const plan = composite(EVENTS, [1, 1], { objective: 0.95, window: { rolling: '2h' } });
    const [a, b] = [new Part('a'), new Part('b')];
    // One has a gap after a fault, and much clean traffic after that; the other goes silent while the gap is in the hour.
    for (let minute = 0; minute < 100; minute++) a.measure(minute, 1, 1);
    for (let minute = 100; minute < 121; minute++) a.measure(minute, 0, 1);
    for (let minute = 130; minute <= 170; minute++) a.measure(minute, 1000, 1000);
    for (let minute = 0; minute <= 165; minute++) b.measure(minute, 1, 1);
    const slices = new CompositeSlices(plan);
    slices.judge([a.component(), b.component()], T0, T0 + 170);
    const source = slices.source(componentsState([a, b]));
    const reading = (minute: number) => readSlo(plan, source, EPOCH + minute * MINUTE);
    const remaining = (minute: number): number => 1 - (reading(minute).consumed as number);
    const held = remaining(170);
    expect(held).toBeCloseTo(1 - 21 / 243 / 0.05, 1);
    expect(reading(170).freeze?.reason).toMatch(/^a: .* cover/);
    for (const later of [171, 172, 173, 174, 300, 10_000]) {
      expect(remaining(later)).toBeCloseTo(held, 9);
    }
    expect(reading(174).freeze?.reason).toMatch(/^b: no measurement/);
  });
});

describe('a definition', () => {
  const faults = (overrides: object) => {
    const of = [{ slo: 'a' }, { slo: 'b' }];
    const planned = planSlo(
      sloDefinition.parse({
        name: 'journey',
        service: 'shop',
        objective: 0.99,
        indicator: { kind: 'composite', of },
        budgeting: ANY_BAD,
        window: { rolling: '30d' },
        ...overrides,
      }),
    );
    return planned.ok ? [] : planned.faults.map(({ path }) => path);
  };

  test('needs no SLI of its own: its name stands in for it', () => {
    expect(faults({})).toEqual([]);
    expect(composite(ANY_BAD).definition.sli).toBe('journey');
  });

  test('is refused what needs measurements of its own, and components twice or itself', () => {
    expect(faults({ groupBy: { label: 'region' } })).toEqual(['groupBy']);
    expect(faults({ alerting: { minTotal: 5 } })).toEqual(['alerting.minTotal']);
    expect(faults({ budgeting: EVENTS, alerting: { minTotal: 5 } })).toEqual([]);
    const of = [{ slo: 'a' }, { slo: 'a', weight: 2 }, { slo: 'journey' }];
    expect(faults({ indicator: { kind: 'composite', of } })).toEqual([
      'indicator.of.1.slo',
      'indicator.of.2.slo',
    ]);
    expect(faults({ budgeting: EVENTS, missingData: 'bad' })).toEqual(['missingData']);
  });
});
