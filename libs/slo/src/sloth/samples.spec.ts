import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { sorted } from '../interchange/definitions.fixture.js';
import { type Imported, noteText } from '../interchange/notes.js';
import { exportOpenSlo } from '../openslo/export.js';
import { importOpenSlo } from '../openslo/import.js';
import { importSloth } from './import.js';

// Sloth's examples and the rules that it generates from them, where this machine has them beside the checkout.
const folder = path.join(
  process.env.BELLWETHER_DATA_SETS ?? path.resolve(import.meta.dirname, '../../../../../shared/data'),
  'sloth',
);
const present = existsSync(folder) ? test : test.skip;
const read = (file: string): unknown[] =>
  parseAllDocuments(readFileSync(path.join(folder, file), 'utf8'))
    .map((document) => document.toJS() as unknown)
    .filter((document) => document !== null);
const prometheusUrl = 'http://127.0.0.1:9090';
const WITH_RULES = ' with its rules';
/** Imports a file; `x.yml with its rules`: together with the rules that Sloth generated from it. */
function importFile(name: string): Imported {
  const file = fileOf(name);
  const documents = name === file ? read(file) : [...read(file), ...read(`_gen/${file}`)];
  return file.startsWith('openslo-')
    ? importOpenSlo(documents, { prometheusUrl })
    : importSloth(documents, { prometheusUrl });
}
const fileOf = (name: string): string => name.replace(WITH_RULES, '');

/** Why a file is refused; null: it is imported. Sloth refuses a plugin, too, unless it is given the plugin's code. */
const FILES: Record<string, RegExp | null> = {
  'contrib-denominator-corrected.yaml': null,
  'contrib-slo-plugins.yml': null,
  'getting-started.yml': null,
  'home-wifi.yml': null,
  'k8s-getting-started.yml': null,
  'k8s-home-wifi.yml': null,
  'k8s-multifile.yml': null,
  'kubernetes-apiserver.yml': null,
  'multifile.yml': null,
  'no-alerts.yml': null,
  'openslo-getting-started.yml': null,
  'openslo-kubernetes-apiserver.yml': null,
  'plugin-getting-started.yml':
    /slos.0.sli.plugin: getting_started_availability is code that runs inside of Sloth, and its queries are not in this file: import it together with the rules/,
  'plugin-k8s-getting-started.yml':
    /spec.slos.0.sli.plugin: getting_started_availability is code .* sloth_id myservice-requests-availability,/,
  'raw-home-wifi.yml': null,
  'slo-plugin-getting-started.yml': null,
  'slo-plugin-k8s-getting-started.yml': null,
  'victoria-metrics.yml': null,
};

interface Rule {
  record?: string;
  alert?: string;
  expr: string;
  labels: Record<string, string>;
}

/** The rules that Sloth generated, of a plain file or of Kubernetes resources. */
function generated(file: string): Rule[] {
  return (read(`_gen/${file}`) as { groups?: { rules: Rule[] }[]; spec?: { groups: { rules: Rule[] }[] } }[])
    .flatMap((document) => document.spec?.groups ?? document.groups ?? [])
    .flatMap(({ rules }) => rules);
}

describe("Sloth's examples", () => {
  present('are all known to this test', () => {
    expect(globSync('*.y*ml', { cwd: folder }).sort()).toEqual(Object.keys(FILES).sort());
  });

  present.each(Object.entries(FILES).filter(([, reason]) => reason !== null))(
    '%s is refused',
    (file, reason) => {
      const result = importFile(file);
      expect(result.ok ? [] : result.faults.map(noteText)).toEqual([expect.stringMatching(reason as RegExp)]);
    },
  );

  const imported = [
    ...Object.keys(FILES).filter((file) => FILES[file] === null),
    `plugin-getting-started.yml${WITH_RULES}`,
    `plugin-k8s-getting-started.yml${WITH_RULES}`,
  ];

  present.each(imported)('%s is what Sloth made of it', (file) => {
    const result = importFile(file);
    if (!result.ok) throw new Error(result.faults.map(noteText).join('\n'));
    const { slos, slis } = result.definitions;
    const rules = generated(fileOf(file));
    const objectives = rules.filter(({ record }) => record === 'slo:objective:ratio');
    expect(slos).toHaveLength(objectives.length);
    for (const [i, rule] of objectives.entries()) {
      const { sloth_id: id, sloth_service: service } = rule.labels;
      const ratio = Number(/[0-9.]+/.exec(rule.expr)?.[0]);
      const slo = slos[i];
      expect([id, slo?.service]).toEqual([id, service]);
      expect(Math.abs((slo?.objective as number) - ratio)).toBeLessThan(1e-9);
      const sli = slis.find((one) => one.service === slo?.service && one.name === slo?.sli);
      const { url, per, ...queriesOf } = sli?.source?.prometheus ?? {};
      const queries = Object.values(queriesOf);
      expect([url, queries.length > 0]).toEqual([prometheusUrl, true]);
      const areRates = !('query' in queriesOf) && queries.every((text) => text?.includes('rate('));
      expect(per).toBe(areRates ? 'second' : undefined);
      const fiveMinutes = rules.find(
        ({ record, labels }) => record === 'slo:sli_error:ratio_rate5m' && labels.sloth_id === id,
      );
      for (const query of queries as string[])
        expect(squeezed(fiveMinutes?.expr as string)).toContain(
          squeezed(query.replace(/^1 - \(([\s\S]*)\)$/, '$1').replaceAll('{{.window}}', '5m')),
        );
      const alerts = rules.filter(({ alert }) => alert !== undefined).length / objectives.length;
      const severities = new Set(
        slo?.alerting.preset === 'none'
          ? []
          : (slo?.alerting.windows ?? [{ severity: 'page' }, { severity: 'ticket' }]).map(
              ({ severity }) => severity,
            ),
      );
      expect(severities.size).toBe(alerts);
    }
  });

  present.each(imported)('%s comes back from OpenSLO as it was', (file) => {
    const first = importFile(file);
    if (!first.ok) throw new Error(first.faults.map(noteText).join('\n'));
    const again = importOpenSlo(JSON.parse(JSON.stringify(exportOpenSlo(first.definitions))), {
      strict: true,
    });
    if (!again.ok) throw new Error(again.faults.map(noteText).join('\n'));
    expect(sorted(again.definitions)).toEqual(sorted(first.definitions));
  });

  present.each([
    [
      'contrib-denominator-corrected.yaml',
      /sloPlugins.chain.0: .* is left out: the budget counts events anyhow, .* minTotal and minBad/,
    ],
    [
      'victoria-metrics.yml',
      /slo_plugins.chain.0: .* is left out: nothing checks the queries; .* VictoriaMetrics alone/,
    ],
    ['victoria-metrics.yml', /slos.1.sli.events.total_query: is the same in every period/],
    [
      `plugin-getting-started.yml${WITH_RULES}`,
      /slos.0.sli.plugin: getting_started_availability is left out: the queries are those that the rules/,
    ],
  ])('of %s it is said what is read otherwise', (file, warning) => {
    expect(importFile(file).warnings.map(noteText)).toContainEqual(expect.stringMatching(warning));
  });

  present('its catalogues of alert windows give the period and the alerts', () => {
    const withWindows = (catalogue: string) => {
      const result = importSloth([...read('getting-started.yml'), ...read(`windows/${catalogue}`)], {
        prometheusUrl,
      });
      if (!result.ok) throw new Error(result.faults.map(noteText).join('\n'));
      return result.definitions.slos[0];
    };
    expect(withWindows('7d.yaml')).toMatchObject({
      window: { rolling: '7d' },
      alerting: { preset: 'google-sre' },
    });
    expect(withWindows('7d.yaml')?.alerting.windows).toBeUndefined();
    expect(withWindows('custom-30d.yaml')).toMatchObject({
      window: { rolling: '30d' },
      alerting: {
        windows: [
          { severity: 'page', tier: 'fast', long: '30m', short: '2m', burn: 14.4 },
          { severity: 'page', tier: 'slow', long: '3h', short: '15m', burn: 4.8 },
          { severity: 'ticket', tier: 'fast', long: '12h', short: '1h', burn: 3 },
          { severity: 'ticket', tier: 'slow', long: '36h', short: '3h', burn: 1 },
        ],
      },
    });
  });
});

const squeezed = (text: string) => text.replaceAll(/\s+/g, '');
