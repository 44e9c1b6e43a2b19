import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { checkout, services } from '@bellwether/local';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { promtool, runPromtool, temporaryFolder } from './index.js';
import { documentedLabels, faultsOf, textOf } from './monitoring.fixture.js';

const withPromtool = promtool === null ? test.skip : test;

interface Rule {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: { summary: string; runbook_url: string };
}
const rules = (parse(textOf('infra/prometheus/rules.yml')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);

interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { expr: string }[];
}
interface Dashboard {
  uid: string;
  panels: Panel[];
  annotations: { list: { expr: string }[] };
  templating: { list: { name: string; query: { query: string } | string }[] };
}
const dashboard = JSON.parse(textOf('infra/grafana/dashboards/bellwether.json')) as Dashboard;
const graphs = dashboard.panels.filter(({ type }) => type !== 'row');
const known = documentedLabels();

describe('the check of an expression', () => {
  test.each([
    ['sum by (service) (rate(http_requests_total{status=~"5.."}[5m]))', []],
    ['histogram_quantile(0.99, sum by (le) (rate(event_relay_seconds_bucket[5m])))', []],
    ['sum(rate(http_request_total[5m]))', ['there is no metric http_request_total']],
    ['sum by (team) (dead_letters_total)', ['dead_letters_total: no label team']],
    ['relay_leader{consumer="x"}', ['relay_leader: no label consumer']],
    ['vector(1)', ['it asks for no metric']],
  ])('%s', (expression, faults) => expect(faultsOf(expression, known)).toEqual(faults));
});

describe('infra/prometheus', () => {
  test('asks each service on its admin port', () => {
    const { scrape_configs: configs } = parse(textOf('infra/prometheus/prometheus.yml')) as {
      scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[];
    };
    const [, port] = textOf('infra/docker/Dockerfile').match(/BELLWETHER_ADMIN_PORT=(\d+)/) ?? [];
    expect(
      configs.flatMap((config) => config.static_configs.flatMap(({ targets }) => targets)).sort(),
    ).toEqual(services.map(({ name }) => `${name}:${port}`).sort());
    // What tells that a service is down goes by this name.
    expect(configs.map((config) => config.job_name)).toEqual(['bellwether']);
  });

  test.each(rules)('$alert is about metrics and labels that there are', ({ expr, labels, annotations }) => {
    expect(faultsOf(expr, known)).toEqual([]);
    expect(['page', 'ticket']).toContain(labels.severity);
    expect(annotations.summary).not.toBe('');
  });

  test('each alert has a runbook, each runbook an alert, and their list has all of them', () => {
    const files = readdirSync(path.join(checkout, 'docs/runbooks')).filter((name) => name !== 'README.md');
    const named = rules.map(({ annotations }) => annotations.runbook_url);
    expect([...new Set(named)].sort()).toEqual(files.map((name) => `docs/runbooks/${name}`).sort());
    const listed = [
      ...textOf('docs/runbooks/README.md').matchAll(/^\| `(\w+)` \| (\w+) \| \[([\w-]+\.md)\]/gm),
    ];
    expect(listed.map(([, alert, severity, file]) => ({ alert, severity, file }))).toEqual(
      rules.map(({ alert, labels, annotations }) => ({
        alert,
        severity: labels.severity,
        file: path.basename(annotations.runbook_url),
      })),
    );
  });

  test('each alert is tried out: it fires in one story, and in none of those where all is well', () => {
    const text = textOf('infra/prometheus/rules.test.yml');
    for (const { alert } of rules) expect(text).toContain(alert);
  });

  withPromtool(
    'promtool takes the configuration and the rules, and the stories come out as told',
    async () => {
      const folder = path.join(checkout, 'infra/prometheus');
      for (const args of [
        ['check', 'config', 'prometheus.yml'],
        ['test', 'rules', 'rules.test.yml'],
      ]) {
        const { code, output } = await runPromtool(args, folder);
        expect({ args, code, output }).toMatchObject({ code: 0, output: expect.stringContaining('SUCCESS') });
      }
    },
  );
});

describe('infra/grafana', () => {
  test.each(graphs)('“$title” shows metrics and labels that there are', ({ targets = [] }) => {
    expect(targets.length).toBeGreaterThan(0);
    for (const { expr } of targets) expect(faultsOf(expr, known)).toEqual([]);
  });

  test('panels have numbers of their own, lie side by side, and point to runbooks that are there', () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    const taken = new Set<string>();
    for (const { gridPos, description = '' } of dashboard.panels) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken).not.toContain(`${x}/${y}`);
          taken.add(`${x}/${y}`);
        }
      }
      const [file] = description.match(/docs\/runbooks\/[\w-]+\.md/) ?? [];
      if (file) expect(textOf(file)).toMatch(/^# /);
    }
  });

  test('the data source that is provisioned is the Prometheus of docker-compose.yml', () => {
    const { datasources } = parse(textOf('infra/grafana/provisioning/datasources/prometheus.yml')) as {
      datasources: { url: string }[];
    };
    expect(datasources.map(({ url }) => url)).toEqual(['http://prometheus:9090']);
    const { providers } = parse(textOf('infra/grafana/provisioning/dashboards/bellwether.yml')) as {
      providers: { options: { path: string } }[];
    };
    const { services: composed } = parse(textOf('docker-compose.yml'), { merge: true }) as {
      services: Record<string, { volumes?: string[] }>;
    };
    expect(composed.grafana?.volumes).toContain(
      `./infra/grafana/dashboards:${providers[0]?.options.path}:ro`,
    );
  });

  withPromtool('promtool takes every expression of the dashboard', async () => {
    const folder = temporaryFolder('dashboard');
    const recorded = [...graphs.flatMap(({ targets = [] }) => targets), ...dashboard.annotations.list].map(
      ({ expr }, n) => ({
        record: `panel:${n}`,
        expr: expr.replaceAll('$__rate_interval', '1m').replaceAll('$service', '.*'),
      }),
    );
    writeFileSync(
      path.join(folder, 'dashboard.yml'),
      JSON.stringify({ groups: [{ name: 'dashboard', rules: recorded }] }),
    );
    const { code, output } = await runPromtool(['check', 'rules', 'dashboard.yml'], folder);
    expect({ code, output }).toMatchObject({
      code: 0,
      output: expect.stringContaining(`${recorded.length} rules found`),
    });
  });
});
