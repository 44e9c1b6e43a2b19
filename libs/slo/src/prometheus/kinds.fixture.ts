import { type Sli, type SloDefinition, sli, sloDefinition } from '@bellwether/contracts';

/** An SLI with a source, and an SLO over it. */
export interface Example {
  name: string;
  sli: Sli;
  slo: SloDefinition;
}

const url = 'http://127.0.0.1:9090';

/** An example of one kind of source and indicator. */
export function example(
  name: string,
  queries: object,
  {
    unit = 'count',
    every,
    ...slo
  }: { unit?: string; every?: string } & Partial<Record<keyof SloDefinition, unknown>> = {},
): Example {
  return {
    name,
    sli: sli.parse({
      service: 'shop',
      name: 'requests',
      unit,
      source: { prometheus: { url, ...queries }, ...(every && { every }) },
    }),
    slo: sloDefinition.parse({
      name: name.replaceAll(/[^a-z0-9]+/g, '-'),
      service: 'shop',
      sli: 'requests',
      objective: 0.99,
      indicator: { kind: 'ratio' },
      budgeting: { method: 'occurrences' },
      window: { rolling: '30d' },
      ...slo,
    }),
  };
}

const slices = (sliceTarget?: number, slice = '2m') => ({
  budgeting: { method: 'timeslices', slice, ...(sliceTarget === undefined ? {} : { sliceTarget }) },
});

/** Every kind of source with every indicator and budgeting that can read it. */
export const KINDS: Example[] = [
  example('bad and total', {
    bad: 'sum(rate(http_requests_total{code=~"5.."}[{{.window}}]))',
    total: 'sum(rate(http_requests_total[{{.window}}]))',
  }),
  example('good and total, several series', {
    good: 'rate(http_requests_total{code!~"5.."}[{{.window}}]) # per pod',
    total: 'rate(http_requests_total[{{ .window }}])',
  }),
  example('good and total of a period', { good: 'sum(good)', total: 'sum(total) by (pod)' }),
  example(
    'floors',
    { bad: 'sum(rate(bad[{{.window}}]))', total: 'sum(rate(total[{{.window}}]))' },
    {
      alerting: { minTotal: 100, minBad: 2 },
    },
  ),
  example(
    'floors of rates',
    {
      bad: 'sum(rate(bad[{{.window}}]))',
      total: 'sum(rate(total[{{.window}}]))',
      per: 'second',
    },
    { alerting: { minTotal: 100, minBad: 2 } },
  ),
  example(
    'rates of a period, several series',
    { good: 'rate(good[1m]) # per pod', total: 'rate(total[1m])', per: 'second' },
    { alerting: { minTotal: 10 } },
  ),
  example('ratio of a period', { query: 'avg(up)' }, { unit: 'ratio' }),
  example(
    'ratio of a look-back',
    { query: '1 - (avg_over_time(errors:ratio{a="}"}[{{.window}}]))' },
    { unit: 'ratio' },
  ),
  example('percent', { query: 'availability_percent' }, { unit: 'percent', every: '30s' }),
  example(
    'threshold',
    { query: 'probe_duration_seconds' },
    {
      unit: 's',
      indicator: { kind: 'threshold', op: 'lte', value: 500, unit: 'ms' },
    },
  ),
  example(
    'slices of counts',
    { bad: 'sum(rate(bad[{{.window}}]))', total: 'sum(rate(total[{{.window}}]))' },
    slices(0.95),
  ),
  example(
    'slices of counts, absent ones good',
    { good: 'good', total: 'total' },
    { ...slices(0.95), missingData: 'good' },
  ),
  example(
    'slices of counts, absent ones bad',
    { good: 'good', total: 'total' },
    { ...slices(0.95), missingData: 'bad' },
  ),
  example(
    'ratio of slices',
    { good: 'good', total: 'total' },
    { budgeting: { method: 'ratio-timeslices', slice: '2m' } },
  ),
  example(
    'slices of a threshold',
    { query: 'latency' },
    {
      unit: 's',
      indicator: { kind: 'threshold', op: 'lt', value: 0.5 },
      ...slices(0.9),
    },
  ),
  example(
    'percentile',
    { query: 'latency' },
    {
      unit: 's',
      indicator: { kind: 'percentile', p: 0.95, op: 'lte', value: 0.5 },
      ...slices(),
    },
  ),
  example(
    'mean',
    { query: 'availability' },
    {
      unit: 'percent',
      indicator: { kind: 'mean', op: 'gte', value: 99.5 },
      alerting: { minTotal: 10 },
      ...slices(),
    },
  ),
  example(
    'calendar',
    { bad: 'bad', total: 'total' },
    { window: { calendar: 'month', timeZone: 'Europe/Berlin' } },
  ),
  example(
    'words for people',
    { bad: 'bad', total: 'total' },
    {
      description: 'a {{ template }} that is none, "quoted"\nand broken',
      runbookUrl: 'https://example.org/{{a}}',
      owner: 'team {{pay}}',
      labels: { env: 'prod', 'no-label': 'x', severity: 'mine', __hidden: 'y' },
    },
  ),
  ...(['both', 'overall', 'groups'] as const).map((alerts) =>
    example(
      `groups, ${alerts}`,
      {
        bad: 'sum by (region) (rate(bad[{{.window}}]))',
        total: 'sum by (region) (rate(total[{{.window}}]))',
      },
      { groupBy: { label: 'region', alerts }, labels: { region: 'all' } },
    ),
  ),
  example(
    'groups of values',
    { query: 'latency' },
    {
      unit: 's',
      indicator: { kind: 'percentile', p: 0.95, op: 'lte', value: 0.5 },
      groupBy: { label: 'region' },
      ...slices(),
    },
  ),
  example('groups without a label', { bad: 'bad', total: 'total' }, { groupBy: { label: 'service' } }),
];
