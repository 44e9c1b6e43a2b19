import { existsSync, globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { FakeServer } from './fake-server.fixture.js';

let server: FakeServer;
let folder: string;
beforeAll(async () => {
  server = await FakeServer.start();
  folder = mkdtempSync(path.join(tmpdir(), 'bellwether-interchange-'));
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  server.reset();
  server.answer = () => ({ status: 404 });
});

const bellwether = (...argv: string[]) => server.run(...argv);
const file = (name: string, text: string): string => {
  const full = path.join(folder, name);
  writeFileSync(full, text);
  return full;
};

const sloth = `version: prometheus/v1
service: shop
slos:
  - name: availability
    objective: 99.9
    sli:
      events:
        error_query: sum(rate(errors[{{.window}}]))
        total_query: sum(rate(requests[{{.window}}]))
    alerting: { page_alert: { labels: { severity: pageteam } }, ticket_alert: { disable: true } }
`;

const openslo = `apiVersion: openslo/v1
kind: SLO
metadata: { name: web-availability }
spec:
  service: web
  indicator:
    metadata: { name: requests }
    spec:
      ratioMetric:
        counter: false
        bad: { metricSource: { type: Prometheus, spec: { query: 'bad[{{.window}}]' } } }
        total: { metricSource: { type: Prometheus, spec: { query: 'total[{{.window}}]' } } }
  timeWindow: [{ duration: 30d, isRolling: true }]
  budgetingMethod: Occurrences
  objectives: [{ target: 0.99, op: lte }]
`;

const URL_GIVEN = ['--prometheus-url', 'https://prometheus.example.org'];

const kindsOf = (text: string) => parseAllDocuments(text).map((document) => document.toJS().kind as string);

describe('import', () => {
  test('prints manifests that validate and apply take, with warnings beside them', async () => {
    const { code, out, err } = await bellwether('import', 'sloth', '-f', file('sloth.yml', sloth));
    expect(code).toBe(0);
    expect(kindsOf(out)).toEqual(['service', 'sli', 'slo']);
    expect(err).toBe(
      `warning: ${path.join(folder, 'sloth.yml')}:10:39: service shop, SLO availability: slos.0.alerting.page_alert.labels: page_alert severity=pageteam: left out, the escalationPolicy of the SLO or its service says who is notified
warning: SLI shop/availability: rate and increase over {{.window}} look back over "every", 1m here, and are empty unless it holds two scrapes of Prometheus, better four: if it scrapes less often than every 15s, import with --every 5m (of OpenSLO, where the file has no "every" of its own)`,
    );
    expect(out.split('\n').filter((line) => line.startsWith('#'))).toEqual([
      '# escalationPolicy: <policy>  # who is paged for its incidents',
      '# escalationPolicy: <policy>  # another than that of the service; it was routed by page_alert severity=pageteam',
    ]);
    expect(await bellwether('validate', '-f', file('imported.yaml', out))).toMatchObject({
      code: 0,
      out: '3 resources are valid',
    });
  });

  const shop = {
    name: 'shop',
    description: 'takes orders',
    tier: 1,
    dependsOn: ['db'],
    escalationPolicy: 'web',
    team: 'shop',
    runbooks: [],
    links: [],
  };
  const servicesOf = (out: string) =>
    (JSON.parse(out) as { kind: string }[]).filter(({ kind }) => kind === 'service');

  test('leaves a service that is defined what it has', async () => {
    server.answer = ({ url }) =>
      url === '/v1/services/shop' ? { status: 200, body: shop } : { status: 404 };
    const { out } = await bellwether('import', 'sloth', file('h.yml', sloth), '-o', 'json');
    expect(servicesOf(out)).toEqual([{ kind: 'service', ...shop }]);
    const manifests = await bellwether('import', 'sloth', file('h.yml', sloth));
    const applied = await bellwether('apply', '--dry-run', '-f', file('h.yaml', manifests.out));
    expect(applied.out).toContain('unchanged service shop');
  });

  test('changes of a defined service what the file says of it', async () => {
    server.answer = ({ url }) =>
      url === '/v1/services/shop' ? { status: 200, body: shop } : { status: 404 };
    const service =
      'apiVersion: openslo/v1\nkind: Service\nmetadata: { name: shop }\nspec: { description: sells things }\n';
    const { out } = await bellwether('import', 'openslo', file('i.yml', service), '-o', 'json');
    expect(servicesOf(out)).toEqual([{ kind: 'service', ...shop, description: 'sells things' }]);
    const owned = sloth.replace('service: shop\n', 'service: shop\nlabels: { owner: web }\n');
    const { out: ofTeam } = await bellwether('import', 'sloth', file('j.yml', owned), '-o', 'json');
    expect(servicesOf(ofTeam)).toEqual([{ kind: 'service', ...shop, team: 'web' }]);
  });

  test('says what applying would take away where the server cannot be asked', async () => {
    server.answer = () => ({ status: 401 });
    const { code, out, err } = await bellwether('import', 'sloth', file('k.yml', sloth));
    expect([code, kindsOf(out)]).toEqual([0, ['service', 'sli', 'slo']]);
    expect(err.split('\n').at(-1)).toMatch(
      /^warning: service shop: if it is defined already, applying this takes away .*: not authenticated.* --no-services$/,
    );
  });

  test('leaves services out, and asks no server', async () => {
    const { out, err } = await bellwether('import', 'sloth', '--no-services', file('l.yml', sloth));
    expect(kindsOf(out)).toEqual(['sli', 'slo']);
    expect(err).not.toContain('takes away');
    expect(server.requests).toEqual([]);
  });

  test('has a place for whom to page in SLOs whose service is not printed', async () => {
    const { out } = await bellwether('import', 'openslo', file('a.yml', openslo), ...URL_GIVEN);
    expect(kindsOf(out)).toEqual(['sli', 'slo']);
    expect(out.split('\n').at(-1)).toBe(
      '# escalationPolicy: <policy>  # who is paged for its incidents; without it, as service web says',
    );
  });

  test.each([
    ['sloth', sloth],
    ['openslo', openslo],
  ])('silently, of SLOs whose alerts declare nothing: %s', async (format, text) => {
    const declareOf = async (...options: string[]) => {
      const { out } = await bellwether('import', format, file('r.yml', text), '-o', 'json', ...options);
      const found = (JSON.parse(out) as { kind: string; declare?: unknown }[]).find(
        ({ kind }) => kind === 'slo',
      );
      return found?.declare;
    };
    expect(await declareOf('--silent')).toEqual({ page: null, ticket: null });
    expect(await declareOf()).toEqual({ page: 'sev2', ticket: null });
  });

  test('takes the address of a Prometheus that the file does not say', async () => {
    const given = ['-f', file('a.yml', openslo), ...URL_GIVEN];
    const { out } = await bellwether('import', 'openslo', ...given, '-o', 'json');
    expect(JSON.parse(out)).toContainEqual(
      expect.objectContaining({
        kind: 'sli',
        source: {
          prometheus: {
            url: 'https://prometheus.example.org',
            bad: 'bad[{{.window}}]',
            total: 'total[{{.window}}]',
          },
        },
      }),
    );
  });

  test('asks as often as it is told to, where the file does not say', async () => {
    const everyOf = (out: string) =>
      (JSON.parse(out) as { kind: string; source: { every?: string } }[]).find(({ kind }) => kind === 'sli')
        ?.source.every;
    const json = ['--every', '5m', '-o', 'json'];
    const ofSloth = await bellwether('import', 'sloth', file('m.yml', sloth), ...json);
    expect(everyOf(ofSloth.out)).toBe('5m');
    expect(ofSloth.err).not.toContain('scrapes');
    expect(
      everyOf((await bellwether('import', 'openslo', file('a.yml', openslo), ...URL_GIVEN, ...json)).out),
    ).toBe('5m');
    const said = openslo.replaceAll("[{{.window}}]' }", "[{{.window}}]', every: 2m }");
    expect(
      everyOf((await bellwether('import', 'openslo', file('n.yml', said), ...URL_GIVEN, ...json)).out),
    ).toBe('2m');
    // As long as the default, or shorter: said all the same.
    for (const [every, scrape] of [
      ['1m', '15s'],
      ['30s', '8s'],
    ] as const)
      expect((await bellwether('import', 'sloth', file('m.yml', sloth), '--every', every)).err).toContain(
        `"every", ${every} here, and are empty unless it holds two scrapes of Prometheus, better four: if it scrapes less often than every ${scrape},`,
      );
    const { code, err } = await bellwether('import', 'sloth', file('m.yml', sloth), '--every', 'often');
    expect([code, err]).toEqual([2, expect.stringContaining('"often" is not a duration')]);
  });

  test('strictly refuses what the format does not have, and prints nothing', async () => {
    const given = file('b.yml', openslo);
    expect((await bellwether('import', 'openslo', given)).code).toBe(0);
    const { code, out, err } = await bellwether('import', 'openslo', given, '--strict');
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(
      /^error: this is not openslo that can be imported\n {2}.*b.yml:15:36: SLO web-availability: spec.objectives.0.op: is forbidden/,
    );
  });

  test('refuses what validate would refuse of the manifests, by line and field of the file', async () => {
    const slices = openslo
      .replace('Occurrences', 'Timeslices')
      .replace('op: lte', 'timeSliceTarget: 0.9, timeSliceWindow: 1w');
    const given = file('q.yml', slices);
    expect(await bellwether('import', 'openslo', given)).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining(
        `  ${given}:15:71: SLO web-availability: spec.objectives.0.timeSliceWindow: 1w, read as budgeting.slice, must not be longer than a day`,
      ),
    });
  });

  test('names the file of a folder that is not what was asked for', async () => {
    const inner = mkdtempSync(path.join(folder, 'several-'));
    writeFileSync(path.join(inner, 'a.yml'), sloth);
    writeFileSync(path.join(inner, 'b.yml'), `# of another tool\n${openslo}`);
    const { code, out, err } = await bellwether('import', 'sloth', '-f', inner);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(
      `  ${inner}/b.yml:2:1: SLO web-availability: is OpenSLO, and no Sloth specification: import it as openslo`,
    );
  });

  test.each(['sloth', 'openslo'])('of a file without a specification is refused: %s', async (format) => {
    for (const [name, text] of [
      ['o.yml', ''],
      ['p.yml', '# to be written\n---\n'],
    ] as const)
      expect(await bellwether('import', format, file(name, text))).toMatchObject({
        code: 2,
        out: '',
        err: `error: there is no specification in ${path.join(folder, name)}`,
      });
  });

  test('names the place of what is no YAML, and asks for a file', async () => {
    expect(await bellwether('import', 'sloth', file('c.yml', 'a: [1\n'))).toMatchObject({
      code: 2,
      err: expect.stringMatching(/c.yml is not valid\n {2}.*c.yml:2:1: /),
    });
    expect(await bellwether('import', 'sloth')).toMatchObject({
      code: 2,
      err: expect.stringContaining('Give -f with a file'),
    });
  });
});

const manifest = `kind: sli
service: shop
name: availability
source: { prometheus: { url: "http://127.0.0.1:9090", bad: "errors[{{.window}}]", total: "requests[{{.window}}]" } }
---
kind: slo
name: shop-availability
service: shop
sli: availability
objective: 0.999
indicator: { kind: ratio }
budgeting: { method: occurrences }
window: { rolling: 30d }
`;
const definitions = () => parseAllDocuments(manifest).map((document) => document.toJS());

describe('export prometheus', () => {
  test('of manifests is a rules file, with what it cannot say on top and beside', async () => {
    const { code, out, err } = await bellwether('export', 'prometheus', '-f', file('d.yml', manifest));
    expect(code).toBe(0);
    expect(out).toMatch(/^# SLO shop-availability: missingData: an alert of Prometheus ends.*\ngroups:\n/);
    expect(err).toMatch(/^warning: SLO shop-availability: missingData/);
    const [document] = parseAllDocuments(out);
    expect(document?.toJS().groups.map(({ name }: { name: string }) => name)).toEqual([
      'bellwether:shop-availability',
      'bellwether:shop-availability:budget',
      'bellwether-sli:shop/availability',
    ]);
    const json = await bellwether('export', 'prometheus', '-f', file('d.yml', manifest), '-o', 'json');
    expect(JSON.parse(json.out)).toEqual(document?.toJS());
  });

  test('of the server', async () => {
    const [sli, slo] = definitions().map(({ kind: _, ...resource }) => resource);
    server.answer = ({ url }) => ({
      status: 200,
      body: {
        items: url === '/v1/slis' ? [sli] : url === '/v1/slos' ? [slo, { ...slo, name: 'other' }] : [],
        nextCursor: null,
      },
    });
    const { out } = await bellwether('export', 'prometheus', 'other');
    expect(out).toContain('name: bellwether:other\n');
    expect(out).not.toContain('shop-availability');
    expect(await bellwether('export', 'prometheus', 'none')).toMatchObject({
      code: 1,
      err: 'error: there is no SLO none',
    });
  });

  test('without a source there is nothing to export, and it says why', async () => {
    const published = manifest.replace(/^source:.*\n/m, '');
    const { code, err } = await bellwether('export', 'prometheus', '-f', file('e.yml', published));
    expect(code).toBe(1);
    expect(err).toMatch(/shop\/availability is published.*\nerror: none of these SLOs has rules$/);
  });
});

test('export openslo, import openslo: the same definitions', async () => {
  const { code, out } = await bellwether('export', 'openslo', '-f', file('f.yml', manifest));
  expect(code).toBe(0);
  const again = await bellwether('import', 'openslo', '--strict', '-f', file('g.yml', out), '-o', 'json');
  const before = await bellwether('import', 'openslo', '-f', file('g.yml', out), '-o', 'json');
  expect(again).toEqual(before);
  expect(again.err).toBe('');
  expect(JSON.parse(again.out)).toEqual(
    definitions().map((one: { kind: string }) => expect.objectContaining(one)),
  );
});

// Other projects' own files, where this machine has them beside the checkout.
const data = process.env.BELLWETHER_DATA_SETS ?? path.resolve(import.meta.dirname, '../../../../shared/data');
const withSamples = existsSync(data) ? test : test.skip;

withSamples("what is imported of other projects' own files validates", async () => {
  const samples = [
    ...['getting-started', 'home-wifi', 'k8s-multifile', 'multifile', 'victoria-metrics'].map((name) => [
      'sloth',
      `sloth/${name}.yml`,
    ]),
    ['sloth', 'sloth/contrib-denominator-corrected.yaml'],
    ['sloth', 'sloth/plugin-k8s-getting-started.yml', 'sloth/_gen/plugin-k8s-getting-started.yml'],
    ...globSync('openslo/**/*.yaml', { cwd: data }).map((name) => ['openslo', name]),
  ] as [string, ...string[]][];
  expect(samples.length).toBeGreaterThan(6);
  for (const [format, ...names] of samples) {
    const { code, out } = await bellwether('import', format, ...names.map((name) => path.join(data, name)));
    expect([names, code]).toEqual([names, 0]);
    expect(await bellwether('validate', '-f', file('sample.yaml', out))).toMatchObject({ code: 0 });
  }
});
