import { rule, sli, sloDefinition } from '@bellwether/contracts';
import { expect, test } from '@jest/globals';
import { sliDefinitionWarnings } from './index.js';

const about = (more: object = {}) => sli.parse({ service: 'checkout', name: 'latency', ...more });
const nobody = { slos: [], rules: [] };
const of = { service: 'checkout', sli: 'latency' };
const slo = sloDefinition.parse({
  name: 'fast',
  ...of,
  objective: 0.99,
  indicator: { kind: 'threshold', op: 'lte', value: 0.5, unit: 's' },
  budgeting: { method: 'occurrences' },
  window: { rolling: '30d' },
});
const slow = rule.parse({
  name: 'slow',
  ...of,
  aggregate: 'p95',
  window: '5m',
  op: 'gt',
  threshold: 1,
  unit: 's',
  severity: 'page',
  summary: 'slow',
  runbookUrl: 'https://runbooks.example.org/slow',
});

test('a unit in another spelling is told of, and what a unit does not fit', () => {
  expect(sliDefinitionWarnings(about({ unit: 'ms' }), { slos: [slo], rules: [slow] })).toEqual([]);
  expect(sliDefinitionWarnings(about({ unit: 'byte' }), { slos: [slo], rules: [slow] })).toEqual([
    'unit: "byte" is taken as it is written and never converted; "bytes" would be',
    expect.stringMatching(/^unit: SLO fast does not fit it: /),
    expect.stringMatching(/^unit: rule slow does not fit it: /),
  ]);
  const other = { slos: [{ ...slo, sli: 'size' }], rules: [{ ...slow, service: 'search' }] };
  expect(sliDefinitionWarnings(about({ unit: 'bytes' }), other)).toEqual([]);
});

test('a unit that changes is told of: nothing that was measured is converted', () => {
  const [before, after] = [about({ unit: 'ms' }), about({ unit: 's' })];
  expect(sliDefinitionWarnings(after, nobody, before)).toEqual([
    expect.stringMatching(/^unit: was "ms", and nothing is converted: .* counts in "s" now/),
  ]);
  for (const replaced of [{ unit: 's', description: 'other' }, { unit: 'none' }, {}])
    expect(sliDefinitionWarnings(after, nobody, about(replaced))).toEqual([]);
});

test('queries of a source are looked at', () => {
  const prometheus = { url: 'http://127.0.0.1:9090', good: 'rate(a[1m])', total: 'rate(b[1m])' };
  expect(sliDefinitionWarnings(about({ source: { prometheus } }), nobody)).toEqual([
    expect.stringMatching(/^source.prometheus: the queries are rates/),
  ]);
});
