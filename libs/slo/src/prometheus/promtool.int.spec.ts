import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { promtool, runPromtool, temporaryFolder } from '@bellwether/testing';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { definitions } from '../interchange/definitions.fixture.js';
import type { Definitions } from '../interchange/definitions.js';
import { exportPrometheusRules } from './export.js';
import { KINDS } from './kinds.fixture.js';

const withPromtool = promtool === null ? test.skip : test;

/** Has promtool check rules files, as YAML and as JSON. */
async function check(
  exports: Pick<Definitions, 'slos' | 'slis'>[],
): Promise<{ code: number; output: string }> {
  const folder = temporaryFolder('rules');
  const files = exports.flatMap((each, i) => {
    const { groups } = exportPrometheusRules(each);
    writeFileSync(path.join(folder, `${i}.yaml`), stringify({ groups }));
    writeFileSync(path.join(folder, `${i}.json`), JSON.stringify({ groups }));
    return [`${i}.yaml`, `${i}.json`];
  });
  return runPromtool(['check', 'rules', '--lint=all', '--lint-fatal', ...files], folder);
}

withPromtool('promtool takes the rules of every kind of source and indicator', async () => {
  const { code, output } = await check(KINDS.map(({ slo, sli }) => ({ slos: [slo], slis: [sli] })));
  expect([code, output]).toEqual([0, expect.not.stringContaining('FAILED')]);
});

withPromtool('promtool takes the rules of several SLOs of one SLI', async () => {
  const [one] = KINDS as [(typeof KINDS)[number]];
  const { code, output } = await check([
    { slis: [one.sli], slos: [one.slo, { ...one.slo, name: 'another', objective: 0.9 }] },
  ]);
  expect([code, output]).toEqual([0, expect.not.stringContaining('FAILED')]);
});

withPromtool('promtool takes the rules of any definitions, whatever their texts', async () => {
  // Queries of a person's own may be wrong; they are not for us to mend.
  const query = fc.constantFrom(
    'sum(rate(a[{{.window}}]))',
    'a # b',
    '(a)\n+ b',
    'avg(a) by (c)',
    ' a or vector(0) ',
  );
  const withQueries = fc.tuple(definitions, fc.infiniteStream(query)).map(([set, queries]) => ({
    slos: set.slos,
    slis: set.slis.map((sli) => {
      const source = sli.source?.prometheus;
      if (source === undefined) return sli;
      const next = () => queries.next().value as string;
      const own = Object.fromEntries(
        Object.entries(source).map(([key, value]) => [key, key === 'url' || key === 'per' ? value : next()]),
      );
      return { ...sli, source: { ...sli.source, prometheus: own as typeof source } };
    }),
  }));
  const exports = fc.sample(withQueries, 60);
  const { code, output } = await check(exports);
  expect([code, output]).toEqual([0, expect.not.stringContaining('FAILED')]);
});
