import {
  type Service,
  type Sli,
  type SloDefinition,
  service,
  sli,
  sloDefinition,
} from '@bellwether/contracts';
import fc from 'fast-check';
import { planSlo } from '../slo-plan.js';
import type { Definitions } from './definitions.js';

const word = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,12}[a-z0-9])?$/);
/** Few names, so that references meet and clash. */
const name = fc.oneof(fc.constantFrom('checkout', 'search', 'availability', 'a-b', 'b'), word);
const text = (maxLength: number) => fc.string({ unit: 'grapheme-ascii', maxLength });
const duration = fc
  .tuple(fc.integer({ min: 1, max: 400 }), fc.constantFrom('s', 'm', 'h', 'd', 'w'))
  .map(([count, unit]) => `${count}${unit}`);
const url = fc.constantFrom('http://127.0.0.1:9090', 'https://prometheus.example.org/eu');
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const query = fc.oneof(
  fc.constantFrom('sum(rate(http_requests_total[{{.window}}]))', ' sum(increase(up[1m]))\n', '1 - (a / b)'),
  text(40).filter((value) => value.length > 0),
);

export const services: fc.Arbitrary<Service> = fc
  .record(
    {
      name,
      description: text(60),
      team: name,
      tier: fc.integer({ min: 1, max: 4 }),
      dependsOn: fc.array(name, { maxLength: 3 }),
      escalationPolicy: name,
      runbooks: fc.array(fc.webUrl(), { maxLength: 2 }),
      links: fc.array(fc.record({ text: fc.constantFrom('board'), url: fc.webUrl() }), { maxLength: 2 }),
    },
    { requiredKeys: ['name'] },
  )
  .map((raw) => service.parse(raw));

const per = fc.constant('second');
const source = fc.oneof(
  fc.record(
    {
      prometheus: fc.oneof(
        fc.record({ url, good: query, total: query, per }, { requiredKeys: ['url', 'good', 'total'] }),
        fc.record({ url, bad: query, total: query, per }, { requiredKeys: ['url', 'bad', 'total'] }),
        fc.record({ url, query }),
      ),
      every: duration,
    },
    { requiredKeys: ['prometheus'] },
  ),
  fc.record({ warehouse: fc.record({ table: fc.string() }) }),
  fc.constant({ openslo: { ratioMetric: { good: {}, total: {} } } }),
  fc.constant({ openslo: { thresholdMetric: { metricSource: { type: 'Any', spec: { query: 'Any' } } } } }),
);

export const slis: fc.Arbitrary<Sli> = fc
  .record(
    {
      service: name,
      name,
      description: text(60),
      unit: fc.constantFrom('count', 'percent', 'ratio', 's', 'ms', 'bytes', 'none'),
      query: text(30).filter((value) => value.length > 0),
      source,
      cadence: duration,
    },
    { requiredKeys: ['service', 'name'] },
  )
  .map((raw) => sli.parse(raw));

const comparison = {
  op: fc.constantFrom('lte', 'lt', 'gte', 'gt'),
  value: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
  unit: optional(fc.constantFrom('s', 'ms', 'percent')),
};
const indicator = fc.oneof(
  fc.constant({ kind: 'ratio' }),
  fc.record({ kind: fc.constant('threshold'), ...comparison }),
  fc.record({ kind: fc.constant('percentile'), p: fc.constantFrom(0.5, 0.95, 0.999), ...comparison }),
  fc.record({ kind: fc.constant('mean'), ...comparison }),
  fc.constant({ kind: 'composite', of: [{ slo: 'cart' }, { slo: 'pay', weight: 2.5 }] }),
);
const budgeting = fc.oneof(
  fc.constant({ method: 'occurrences' }),
  fc.record(
    { method: fc.constant('timeslices'), slice: duration, sliceTarget: fc.constantFrom(0.5, 0.95, 1) },
    { requiredKeys: ['method'] },
  ),
  fc.record({ method: fc.constant('ratio-timeslices'), slice: duration }, { requiredKeys: ['method'] }),
);
const window = fc.oneof(
  fc.record({ rolling: fc.oneof(fc.constantFrom('7d', '28d', '30d', '90d'), duration) }),
  fc.record({
    calendar: fc.constantFrom('week', 'month', 'quarter', 'year'),
    timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York'),
  }),
);
const alerting = fc.record(
  {
    preset: fc.constantFrom('google-sre', 'none'),
    windows: fc.array(
      fc.record({
        severity: fc.constantFrom('page', 'ticket'),
        tier: fc.constantFrom('fast', 'slow', 'x1'),
        long: fc.constantFrom('1h', '90m', '6h', '3d', '1w'),
        short: fc.constantFrom('2m', '5m', '30m', '1h'),
        burn: fc.oneof(fc.constantFrom(1, 6, 14.4), fc.double({ min: 0.01, max: 2000, noNaN: true })),
      }),
      { minLength: 1, maxLength: 4 },
    ),
    minTotal: fc.nat(100),
    minBad: fc.nat(10),
  },
  { requiredKeys: [] },
);

export const slos: fc.Arbitrary<SloDefinition> = fc
  .record(
    {
      name,
      service: name,
      sli: name,
      description: text(60),
      owner: text(20).filter((value) => value.length > 0),
      objective: fc.oneof(
        fc.constantFrom(0.9, 0.95, 0.99, 0.995, 0.999, 0.9999),
        fc.double({ min: 0.001, max: 0.999999, noNaN: true }),
      ),
      indicator,
      budgeting,
      window,
      groupBy: fc.record(
        { label: text(20).filter((label) => label.length > 0), cap: fc.integer({ min: 1, max: 500 }) },
        { requiredKeys: ['label'] },
      ),
      alerting,
      missingData: fc.constantFrom('freeze', 'good', 'bad'),
      declare: fc.record({
        page: fc.constantFrom('sev1', 'sev2', null),
        ticket: fc.constantFrom('sev3', null),
      }),
      escalationPolicy: name,
      runbookUrl: fc.webUrl(),
      labels: fc.dictionary(fc.constantFrom('team', '_hidden', 'a/b', 'displayName', 'env'), text(70), {
        maxKeys: 4,
      }),
    },
    { requiredKeys: ['name', 'service', 'sli', 'objective', 'indicator', 'budgeting', 'window'] },
  )
  // A composite has no SLI of its own.
  .map((raw) => planned(isComposite(raw) ? { ...raw, sli: raw.name } : raw));

/** What is wrong in a definition by what a server would refuse, put right: no other is ever exported. */
function planned(raw: object): SloDefinition {
  let given = sloDefinition.parse(raw);
  for (const instead of [
    { alerting: { preset: 'none' } },
    { window: { rolling: '28d' } },
    { missingData: 'freeze' },
    { budgeting: { method: 'timeslices', slice: '5m', sliceTarget: 0.9 } },
    { indicator: { kind: 'ratio' }, sli: 'availability', objective: 0.999 },
    { groupBy: undefined },
  ]) {
    if (planSlo(given).ok) return given;
    given = sloDefinition.parse({ ...given, ...instead });
  }
  return given;
}

const isComposite = ({ indicator }: { indicator: { kind: string } }) => indicator.kind === 'composite';

/** Sets of definitions in which no name is twice; what an SLO refers to may be missing. */
export const definitions: fc.Arbitrary<Definitions> = fc.record({
  services: fc.uniqueArray(services, { maxLength: 3, selector: (one) => one.name }),
  slis: fc.uniqueArray(slis, { maxLength: 5, selector: (one) => `${one.service}/${one.name}` }),
  slos: fc.uniqueArray(slos, { maxLength: 4, selector: (one) => one.name }),
});

/** The same definitions in an order of their own. */
export function sorted({ services, slis, slos }: Definitions): Definitions {
  const by = <T>(list: T[], key: (one: T) => string) =>
    [...list].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
  return {
    services: by(services, (one) => one.name),
    slis: by(slis, (one) => `${one.service}/${one.name}`),
    slos: by(slos, (one) => one.name),
  };
}
