import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type RuleGroup, type Sli, type SloDefinition, sli as sliSchema } from '@bellwether/contracts';
import { promtool, runPromtool, temporaryFolder } from '@bellwether/testing';
import { describe, expect, jest, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { noteText } from '../interchange/notes.js';
import { planSlo } from '../slo-plan.js';
import { importSloth } from '../sloth/import.js';
import { ORACLE, OTHER_SLOS, SHAPES, type TimingCase, trafficOf } from '../timing-cases.fixture.js';
import type { Interval, Stretch } from '../timing-oracle.fixture.js';
import { definition, EPOCH, VirtualSlo } from '../virtual-time.fixture.js';
import { exportPrometheusRules } from './export.js';
import { type Example, KINDS } from './kinds.fixture.js';
import { countersOf, firingTests, type InputSeries, notation, union } from './unit-test.fixture.js';

// The same series through Bellwether's engine, on virtual time, and through rules in Prometheus' own engine, by
// `promtool test rules`: through the rules that are exported here, and those that Sloth generates from the same SLO,
// where its examples lie beside the checkout. Alerts must fire within the same intervals, to two evaluation steps.
jest.setTimeout(120_000);

const data = path.join(
  process.env.BELLWETHER_DATA_SETS ?? path.resolve(import.meta.dirname, '../../../../../shared/data'),
  'sloth',
);
const withPromtool = promtool === null ? test.skip : test;
const withSloth = promtool === null || !existsSync(data) ? test.skip : test;
const folder = promtool === null ? '' : temporaryFolder('promtool');

/** Minutes of clean history at most, but for the oracle's: longer look-backs are young then, for Prometheus and for us. */
const HISTORY = 3 * 60;
/** More than the longest look-back of a page, and the longest short one of a ticket. */
const PAGED = 7 * 60;
/** Minutes between two samples before that: promtool's time goes by the samples of the long look-backs. */
const THIN = 10;

const job = '{job="myservice"';
/** An SLI over the counters; `increase` counts requests, as floors of traffic do, and `rate` those of a second. */
const counted = (over: 'rate' | 'increase'): Sli =>
  sliSchema.parse({
    service: 'checkout',
    name: 'availability',
    source: {
      prometheus: {
        url: 'http://127.0.0.1:9090',
        bad: `sum(${over}(http_request_duration_seconds_count${job},code=~"(5..|429)"}[{{.window}}]))`,
        total: `sum(${over}(http_request_duration_seconds_count${job}}[{{.window}}]))`,
        ...(over === 'rate' && { per: 'second' }),
      },
    },
  });

/** The counters of a service, as it exposes them. */
function counters(traffic: readonly Stretch[], step: number): InputSeries[] {
  const { bad, total } = countersOf(traffic, step);
  const [history] = traffic as [Stretch];
  const thin = { before: Math.max(0, (history.minutes - PAGED) / step), every: THIN / step };
  const good = total.map((all, i) => all - (bad[i] as number));
  const series = (code: string) => `http_request_duration_seconds_count${job},code="${code}"}`;
  return [
    { series: series('200'), values: notation(good, thin) },
    { series: series('500'), values: notation(bad, thin) },
  ];
}

let files = 0;

/** Evaluates rules over series and checks within which intervals their alerts fire. */
async function evaluate(
  groups: RuleGroup[],
  series: InputSeries[],
  alerts: [selector: string, intervals: Interval[]][],
  times: { sampled?: number; from?: number; end: number; step: number; tolerance: number },
): Promise<void> {
  const name = `case-${++files}`;
  const write = (file: string, content: object) =>
    writeFileSync(path.join(folder, file), JSON.stringify(content));
  write(`${name}-rules.json`, { groups });
  write(`${name}.json`, {
    rule_files: [`${name}-rules.json`],
    evaluation_interval: `${times.step}s`,
    // As they are written, those that record first: untold, promtool takes the order of a Go map, another one each time.
    group_eval_order: groups.map((group) => group.name),
    tests: [
      {
        interval: `${times.sampled ?? times.step}s`,
        input_series: series,
        promql_expr_test: alerts.flatMap(([selector, intervals]) => firingTests(selector, intervals, times)),
      },
    ],
  });
  const { code, output } = await runPromtool(['test', 'rules', `${name}.json`], folder);
  expect([code, output]).toEqual([0, expect.stringContaining('SUCCESS')]);
}

/** What a minute of a stretch measures, as {@link VirtualSlo.measure} takes it. */
type Measured = (stretch: Stretch) => [measure: number, count: number];

const events: Measured = ({ rate, bad }) => [rate - Math.round(rate * bad), rate];

/** What our engine makes of the traffic, each minute delivered at its end: intervals in seconds, by `severity tier`. */
function engine(
  slo: SloDefinition,
  sli: Sli,
  traffic: readonly Stretch[],
  step: number,
  measured: Measured = events,
) {
  const planned = planSlo(slo, sli.unit);
  if (!planned.ok) throw new Error(JSON.stringify(planned.faults));
  const virtual = new VirtualSlo(planned.plan);
  let minute = 0;
  for (const stretch of traffic) {
    for (let i = 0; i < stretch.minutes; i++) {
      virtual.measure(EPOCH + minute * 60_000, ...measured(stretch));
      if (++minute % step === 0) virtual.evaluate(EPOCH + minute * 60_000);
    }
  }
  return { plan: planned.plan, intervals: virtual.intervals(EPOCH), end: minute * 60 };
}

interface Shape {
  /** Minutes after the fault. */
  after: number;
  /** Minutes of an evaluation step. */
  step: number;
}
/** The rows of the oracle's table whose tickets fire: until the last one is resolved. */
const TICKETS: Record<string, Partial<Shape>> = {
  '100 % for 10 min': { after: 6 * 60 + 10 },
  '0.35 % for 30 h': { after: 5 * 60, step: 2 },
};

/** A case with its history: where the oracle's tickets fire, longer than any look-back, and else than that of a page. */
function shaped(one: TimingCase): {
  traffic: Stretch[];
  step: number;
  times: Parameters<typeof evaluate>[3];
} {
  const tickets = TICKETS[one.name];
  const { after = 40, step = 1 } = tickets ?? {};
  const longest = ORACLE.includes(one) ? PAGED : HISTORY;
  const history = tickets === undefined ? Math.min(longest, one.history) : one.history;
  const traffic = trafficOf({ ...one, history }, after);
  const end = traffic.reduce((sum, { minutes }) => sum + minutes, 0) * 60;
  return { traffic, step, times: { end, step: step * 60, tolerance: 2 * step * 60 } };
}

/** What promtool is held against are the times of the oracle's table. */
function expectOracle(one: TimingCase, intervals: Record<string, Interval[]>, tolerance: number): void {
  const fault = one.history * 60;
  expect(Object.keys(intervals).sort()).toEqual(Object.keys(one.expected).sort());
  for (const [alert, times] of Object.entries(one.expected)) {
    const found = (intervals[alert] ?? []).flatMap(({ fired, resolved }) => [fired, Number(resolved)]);
    expect(found).toHaveLength(times.flat().length);
    for (const [i, time] of times.flat().entries())
      expect(Math.abs((found[i] as number) - fault - time)).toBeLessThanOrEqual(tolerance);
  }
}

describe('the rules that are exported alert as Bellwether does', () => {
  withPromtool.each([...ORACLE, ...SHAPES, ...OTHER_SLOS])('$name', async (one) => {
    const { traffic, step, times } = shaped(one);
    const slo = definition(one.definition);
    const { minTotal, minBad } = slo.alerting;
    const hasFloors = minTotal !== undefined || minBad !== undefined;
    for (const over of hasFloors ? (['increase', 'rate'] as const) : (['rate'] as const)) {
      const sli = counted(over);
      const { plan, intervals } = engine(slo, sli, traffic, step);
      if (one.name in TICKETS) expectOracle(one, intervals, times.tolerance);
      const { groups } = exportPrometheusRules({ slos: [slo], slis: [sli] });
      const alerts = plan.pairs.map(({ severity, tier }): [string, Interval[]] => [
        `alertname="BellwetherBudgetBurn",slo="${slo.name}",severity="${severity}",tier="${tier}"`,
        intervals[`${severity} ${tier}`] ?? [],
      ]);
      await evaluate(groups, counters(traffic, step), alerts, times);
    }
  });
});

/** A gauge whose value at the end of each minute says what happened in it. */
function gauge(
  series: string,
  traffic: readonly Stretch[],
  level: (stretch: Stretch) => number,
): InputSeries {
  const values = traffic.map((stretch) => `${level(stretch)}+0x${stretch.minutes - 1}`);
  return { series, values: ['_', ...values].join(' ') };
}

describe('the rules of other sources and indicators alert as Bellwether does', () => {
  const traffic: Stretch[] = [
    { minutes: 120, rate: 1000, bad: 0.001 },
    { minutes: 21, rate: 1000, bad: 0.5 },
    { minutes: 99, rate: 400, bad: 0 },
  ];
  const percent = ({ bad }: Stretch) => 100 * (1 - bad);
  const latency = ({ bad }: Stretch) => (bad > 0.1 ? 0.8 : 0.2);
  const counts = [
    gauge('good', traffic, ({ rate, bad }) => rate * (1 - bad)),
    gauge('total', traffic, ({ rate }) => rate),
  ];
  const sources: Record<string, [InputSeries[], Measured?]> = {
    'good and total of a period': [counts],
    percent: [[gauge('availability_percent', traffic, percent)], (s) => [percent(s) / 100, 1]],
    threshold: [[gauge('probe_duration_seconds', traffic, latency)], (s) => [latency(s) > 0.5 ? 0 : 1, 1]],
    'slices of counts, absent ones good': [counts],
    'slices of counts, absent ones bad': [counts],
    'ratio of slices': [counts],
    'slices of a threshold': [[gauge('latency', traffic, latency)], (s) => [latency(s) < 0.5 ? 1 : 0, 1]],
    percentile: [[gauge('latency', traffic, latency)], (s) => [latency(s), 1]],
    mean: [[gauge('availability', traffic, percent)], (s) => [percent(s), 1]],
  };

  withPromtool.each(Object.keys(sources))('%s', async (name) => {
    const [series, measured = events] = sources[name] as [InputSeries[], Measured?];
    const kind = KINDS.find((each) => each.name === name) as Example;
    const windows = [{ severity: 'page', tier: 'fast', long: '1h', short: '10m', burn: 5 }] as const;
    const slo = { ...kind.slo, alerting: { ...kind.slo.alerting, windows: [...windows] } };
    const { plan, intervals, end } = engine(slo, kind.sli, traffic, 1, measured);
    // promtool evaluates all groups at once, whatever their interval: once a slice, so that there is one record of each.
    const step = plan.slice * 60;
    const firing = intervals['page fast'] ?? [];
    expect(firing).toHaveLength(1);
    const { groups } = exportPrometheusRules({ slos: [slo], slis: [kind.sli] });
    const selector = `alertname="BellwetherBudgetBurn",slo="${slo.name}"`;
    // Absent slices before the first one are young here, and bad there.
    const whole = slo.missingData === 'bad' ? 60 * 60 : 0;
    await evaluate(groups, series, [[selector, firing]], {
      sampled: 60,
      end,
      step,
      tolerance: 2 * step,
      from: whole,
    });
  });
});

withPromtool('the whole and each group alert as Bellwether does', async () => {
  const { slo: grouped, sli } = KINDS.find(({ name }) => name === 'groups, both') as Example;
  const windows = [{ severity: 'page' as const, tier: 'fast', long: '1h', short: '10m', burn: 5 }];
  const slo = { ...grouped, alerting: { ...grouped.alerting, windows } };
  const regions: Record<string, Stretch[]> = {
    eu: [{ minutes: 240, rate: 1000, bad: 0 }],
    us: [
      { minutes: 120, rate: 200, bad: 0 },
      { minutes: 20, rate: 200, bad: 1 },
      { minutes: 100, rate: 200, bad: 0 },
    ],
  };
  const us = regions.us as Stretch[];
  const whole = us.map(({ minutes, bad }) => ({ minutes, rate: 1200, bad: bad / 6 }));
  const of = (traffic: Stretch[]) => engine(slo, sli, traffic, 1);
  const alerts = Object.entries({ ...regions, '': whole }).map(([region, traffic]): [string, Interval[]] => [
    `slo="${slo.name}",region="${region}"`,
    of(traffic).intervals['page fast'] ?? [],
  ]);
  expect(alerts.map(([, intervals]) => intervals.length)).toEqual([0, 1, 1]);
  const series = Object.entries(regions).flatMap(([region, traffic]) => {
    const { bad, total } = countersOf(traffic, 1);
    return [
      { series: `bad{region="${region}"}`, values: notation(bad) },
      { series: `total{region="${region}"}`, values: notation(total) },
    ];
  });
  const { groups } = exportPrometheusRules({ slos: [slo], slis: [sli] });
  await evaluate(groups, series, alerts, { end: of(whole).end, step: 60, tolerance: 120 });
});

/** Whether a case is exactly at the threshold of the fast page, and so does not fire. */
const isExact = ({ name }: TimingCase): boolean => name.includes('exactly');

/** An SLO of Sloth's examples as it is imported here, and the groups of rules that Sloth made of it. */
function slothExample(file: string, name: string): { slo: SloDefinition; sli: Sli; groups: RuleGroup[] } {
  const read = (at: string): unknown[] =>
    parseAllDocuments(readFileSync(path.join(data, at), 'utf8')).map(
      (document) => document.toJS() as unknown,
    );
  const imported = importSloth(read(file), { prometheusUrl: 'http://127.0.0.1:9090' });
  if (!imported.ok) throw new Error(imported.faults.map(noteText).join('\n'));
  const slo = imported.definitions.slos.find((each) => each.name === name) as SloDefinition;
  const sli = imported.definitions.slis.find((each) => each.service === slo.service && each.name === slo.sli);
  const groups = (read(`_gen/${file}`) as ({ groups: RuleGroup[] } | null)[])
    .flatMap((document) => document?.groups ?? [])
    // No alert reads what the group of metadata records.
    .filter((group) => group.name.endsWith(name) && !group.name.startsWith('sloth-slo-meta'));
  return { slo, sli: sli as Sli, groups };
}

describe('the rules that Sloth generates alert as Bellwether does, page and ticket each as a whole', () => {
  const compare = async (one: TimingCase, file: string, name: string) => {
    const { traffic, step, times } = shaped(one);
    const { slo, sli, groups } = slothExample(file, name);
    const { intervals } = engine(slo, sli, traffic, step);
    // Sloth's budget is 0.0009999999999999432, so that what is exactly at the threshold is above: from when the hour has
    // 51.84 bad seconds, for as long as the five minutes have S · θ / e of them.
    const faultAt = (traffic[0] as Stretch).minutes * 60;
    const residue = isExact(one) ? [{ fired: faultAt + 360, resolved: faultAt + 360 + 270 }] : [];
    const alerts = (['page', 'ticket'] as const).map((severity): [string, Interval[]] => [
      `sloth_severity="${severity}"`,
      union([
        ...Object.entries(intervals).flatMap(([alert, each]) => (alert.startsWith(severity) ? each : [])),
        ...(severity === 'page' ? residue : []),
      ]),
    ]);
    await evaluate(groups, counters(traffic, step), alerts, times);
  };

  withSloth.each([...ORACLE, ...SHAPES])('$name', async (one) => {
    await compare(one, 'getting-started.yml', 'myservice-requests-availability');
  });

  withSloth.each(OTHER_SLOS.filter(({ definition: { objective } }) => objective === 0.9999))(
    '$name',
    async (one) => {
      await compare(one, 'multifile.yml', 'myservice2-requests-availability');
    },
  );
});
