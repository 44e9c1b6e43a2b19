import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { queryOver } from '@bellwether/contracts';
import { promtool, runPromtool, temporaryFolder } from '@bellwether/testing';
import { expect, test } from '@jest/globals';
import { definitionsOf, imported, prometheus, slo } from './openslo.fixture.js';

const withPromtool = promtool === null ? test.skip : test;

/** What the source of an SLO with counters asks for, of a period. */
function ofPeriod(total: string, every: string): string {
  const { slis } = definitionsOf(
    imported(
      slo({
        indicator: {
          metadata: { name: 'requests' },
          spec: {
            ratioMetric: { counter: true, good: prometheus('sum(good_total)'), total: prometheus(total) },
          },
        },
      }),
    ),
  );
  return queryOver(slis[0]?.source?.prometheus?.total ?? '', every);
}

// Two instances with 600 requests a minute each, scraped every 15 s. One has counted a million when it starts again.
const series = [
  { series: 'http_requests_total{pod="a",code="200"}', values: '1000000+150x19 75+150x20' },
  { series: 'http_requests_total{pod="b",code="200"}', values: '2000000+150x40' },
];
const RESTART = 20 * 15;

withPromtool.each([
  'sum(http_requests_total)',
  'sum(http_requests_total{code="200"}) by (code)',
  'sum(http_requests_total) or vector(0)',
  'sum(http_requests_total{pod="a"}) + sum(http_requests_total{pod="b"})',
])('a restart of one instance is no event: %s', async (total) => {
  const folder = temporaryFolder('counter');
  const events = ofPeriod(total, '1m');
  const isTrue = { labels: '{}', value: 1 };
  const test = {
    interval: '15s',
    input_series: series,
    promql_expr_test: [RESTART - 60, RESTART, RESTART + 30, RESTART + 120].map((at) => ({
      expr: `sum(abs((${events}) - 1200) < bool 120)`,
      eval_time: `${at}s`,
      exp_samples: [isTrue],
    })),
  };
  writeFileSync(path.join(folder, 'test.json'), JSON.stringify({ rule_files: [], tests: [test] }));
  const { code, output } = await runPromtool(['test', 'rules', 'test.json'], folder);
  expect([code, output]).toEqual([0, expect.stringContaining('SUCCESS')]);
});
