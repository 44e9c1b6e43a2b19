import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { run } from '../program.js';
import { missingOf } from './apply.js';

const folder = mkdtempSync(path.join(tmpdir(), 'bellwether-apply-'));
const file = path.join(folder, 'all.yaml');
writeFileSync(
  file,
  'kind: service\nname: search\n---\nkind: slo\nname: search\nservice: search\nsli: latency\nobjective: 0.9\n' +
    'indicator: { kind: ratio }\nbudgeting: { method: occurrences }\nwindow: { rolling: 30d }\n',
);

/** Nothing is defined; each PUT is answered by the test. */
const server = createServer((request, response) => {
  const [status, body] = request.method === 'PUT' ? put(request.url ?? '') : [404, {}];
  if (request.method === 'PUT') puts.push(request.url ?? '');
  response.writeHead(status, {
    'content-type': status >= 400 ? 'application/problem+json' : 'application/json',
  });
  response.end(JSON.stringify(body));
});
let put: (url: string) => [status: number, body: object];
let puts: string[] = [];
let url = '';
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  puts = [];
  put = () => [201, { warnings: [] }];
});

async function apply(...argv: string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await run(['apply', '-f', file, ...argv], {
    env: { BELLWETHER_URL: url, BELLWETHER_TOKEN: 'secret' },
    output: { out: (t) => void out.push(t), err: (t) => void err.push(t), interactive: false },
    cwd: '/',
  });
  return {
    code,
    out: stripVTControlCharacters(out.join('\n')),
    err: stripVTControlCharacters(err.join('\n')),
  };
}

describe('apply -o json', () => {
  const plan = [
    { kind: 'service', name: 'search', action: 'create', differences: [], where: `${file}:1` },
    { kind: 'slo', name: 'search', action: 'create', differences: [], where: `${file}:4` },
  ];

  test('is one document: the plan, then the results', async () => {
    const { code, out } = await apply('-o', 'json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual({
      plan,
      results: [
        { kind: 'service', name: 'search', action: 'create', warnings: [] },
        { kind: 'slo', name: 'search', action: 'create', warnings: [] },
      ],
    });
    expect(puts).toEqual(['/v1/services/search', '/v1/slos/search']);
  });

  test('with --dry-run is the plan alone, and nothing is changed', async () => {
    expect(JSON.parse((await apply('-o', 'json', '--dry-run')).out)).toEqual({ plan });
    expect(puts).toEqual([]);
  });

  test('tells what was changed before a refusal', async () => {
    put = (path) =>
      path.startsWith('/v1/slos')
        ? [422, { type: 't', title: 'Refused by a rule', status: 422, detail: 'cannot fire' }]
        : [201, { warnings: ['escalationPolicy: pay is not defined yet'] }];
    const { code, out, err } = await apply('-o', 'json');
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ plan, results: [{ kind: 'service' }] });
    expect(err).toContain('warning: service search: escalationPolicy: pay is not defined yet');
    expect(err).toContain(`error: ${file}:4: slo search: Refused by a rule (422): cannot fire`);
    expect(err).toContain('1 of 2 changes were made before this one');
  });
});

test('a warning is dropped for what the same call applied, of that kind and name', async () => {
  put = (path) => [
    201,
    {
      warnings: path.startsWith('/v1/slos')
        ? [
            'service: search is not defined yet',
            'sli: search/latency is not defined yet',
            'policy search is not defined yet',
          ]
        : [],
    },
  ];
  expect((await apply()).err.split('\n')).toEqual([
    'warning: slo search: sli: search/latency is not defined yet',
    'warning: slo search: policy search is not defined yet',
  ]);
});

test.each([
  ['sli: search/latency is not defined yet', 'sli search/latency'],
  ['dependsOn: service db is not defined yet', 'service db'],
  ['escalationPolicy: pay is not defined yet', 'policy pay'],
  ['user bob is not defined yet', 'user bob'],
  ['the preset was changed', undefined],
])('%s names %s', (warning, missing) => {
  expect(missingOf(warning)).toBe(missing);
});
