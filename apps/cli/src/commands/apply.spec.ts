import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { run } from '../program.js';

const folder = mkdtempSync(path.join(tmpdir(), 'bellwether-apply-'));
const file = path.join(folder, 'all.yaml');
writeFileSync(
  file,
  'kind: service\nname: search\nescalationPolicy: pay\n---\nkind: slo\nname: search\nservice: search\nsli: latency\nobjective: 0.9\n' +
    'indicator: { kind: ratio }\nbudgeting: { method: occurrences }\nwindow: { rolling: 30d }\n',
);

/** Nothing is defined but what the test says of the service; each PUT is answered by the test. */
const server = createServer((request, response) => {
  const [status, body] = request.method === 'PUT' ? put(request.url ?? '') : get(request.url ?? '');
  if (request.method === 'PUT') puts.push(request.url ?? '');
  response.writeHead(status, {
    'content-type': status >= 400 ? 'application/problem+json' : 'application/json',
    ...(status < 400 && { etag: request.method === 'PUT' ? etag.after : etag.before }),
  });
  response.end(JSON.stringify(body));
});
let current: object | undefined;
let etag = { before: '"1"', after: '"2"' };
let put: (url: string) => [status: number, body: object];
const get = (path: string): [status: number, body: object] =>
  current && path === (('rules' in current && '/v1/users/ada') || '/v1/services/search')
    ? [200, current]
    : [404, {}];
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
  current = undefined;
  etag = { before: '"1"', after: '"2"' };
  put = () => [201, { warnings: [] }];
});

const apply = (...argv: string[]) => bellwether('apply', '-f', file, ...argv);

async function bellwether(...argv: string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await run(argv, {
    env: { BELLWETHER_URL: url, BELLWETHER_TOKEN: 'secret' },
    now: () => new Date('2026-11-22T10:00:00Z'),
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
    { kind: 'slo', name: 'search', action: 'create', differences: [], where: `${file}:5` },
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

  test('with --dry-run is the plan with what it would warn of, and nothing is changed', async () => {
    const [service, slo] = plan;
    expect(JSON.parse((await apply('-o', 'json', '--dry-run')).out)).toEqual({
      plan: [
        { ...service, warnings: ['escalationPolicy: pay is not defined yet'] },
        {
          ...slo,
          warnings: [
            'sli: search/latency is not defined yet',
            expect.stringMatching(
              /^alerting: page fast is left out: its burn rate of 14.4 can never be exceeded/,
            ),
          ],
        },
      ],
    });
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
    expect(err).toContain(`error: ${file}:5: slo search: Refused by a rule (422): cannot fire`);
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

test('what a manifest leaves out is marked, and the loss of an escalation policy told of', async () => {
  current = {
    name: 'search',
    description: '',
    tier: 1,
    dependsOn: ['db'],
    escalationPolicy: 'pay',
    team: 'web',
    runbooks: [],
    links: [],
  };
  const service = path.join(folder, 'service.yaml');
  writeFileSync(service, 'kind: service\nname: search\ndependsOn: [db, mail]\n');
  const { out, err } = await bellwether('apply', '-f', service);
  expect(out.split('\n').slice(0, 5)).toEqual([
    '~ change    service search',
    '    - tier: 1 (left out; the default is 3)',
    '      dependsOn: ["db"] → ["db","mail"]',
    '    - team: "web"',
    '    - escalationPolicy: "pay"',
  ]);
  const lost =
    'warning: service search: loses its escalationPolicy "pay": a manifest is the whole resource, and this one leaves it out';
  expect(err).toBe(lost);
  expect((await bellwether('apply', '-f', service, '--dry-run')).err.split('\n')[0]).toBe(lost);
});

test.each([
  ['what it was', '"1"', 'applied: 0 created, 0 changed, 1 unchanged'],
  ['another', '"2"', 'applied: 0 created, 1 changed, 0 unchanged'],
])('a secret is sent, and only the server can tell that it is %s', async (_, after, summary) => {
  const method = { id: 'hook', kind: 'webhook', address: 'http://127.0.0.1:1/', verified: false };
  current = {
    ...{ name: 'ada', timeZone: 'UTC', rules: [] },
    contactMethods: [{ ...method, secret: 'sealed' }],
  };
  etag = { before: '"1"', after };
  const user = path.join(folder, 'user.yaml');
  writeFileSync(
    user,
    'kind: user\nname: ada\ncontactMethods: [{ id: hook, kind: webhook, address: "http://127.0.0.1:1/", secret: whsec_YW4gZXhhbXBsZSBzaWduaW5nIHNlY3JldA== }]\n',
  );
  const plan = [
    '  send      user ada',
    '      contactMethods.0.secret: (write-only; the server compares it)',
  ];
  expect((await bellwether('apply', '-f', user, '--dry-run')).out.split('\n')).toEqual([
    ...plan,
    'plan: 0 to create, 0 to change, 0 unchanged, 1 with secrets to compare (dry run: nothing was changed)',
  ]);
  expect(puts).toEqual([]);
  expect((await bellwether('apply', '-f', user)).out.split('\n')).toEqual([...plan, summary]);
  expect(puts).toEqual(['/v1/users/ada']);
});

test('validate warns without a server, and is content', async () => {
  const { code, out, err } = await bellwether('validate', file, '--url', 'http://127.0.0.1:1');
  expect([code, out]).toEqual([0, '2 resources are valid']);
  expect(err.split('\n')).toEqual([
    `warning: ${file}:1: service search: escalationPolicy: pay is not in these manifests`,
    `warning: ${file}:5: slo search: sli: search/latency is not in these manifests`,
    expect.stringMatching(/all.yaml:5: slo search: alerting: page fast is left out/),
  ]);
  const [service] = JSON.parse((await bellwether('validate', file, '-o', 'json')).out) as object[];
  expect(service).toEqual({
    kind: 'service',
    name: 'search',
    where: `${file}:1`,
    warnings: ['escalationPolicy: pay is not in these manifests'],
  });
});

test('what a composite is made of is settled by the same call', async () => {
  const journey = path.join(folder, 'journey.yaml');
  const slo =
    'service: search\nobjective: 0.999\nbudgeting: { method: occurrences }\nwindow: { rolling: 30d }\n';
  writeFileSync(
    journey,
    `kind: slo\nname: a-journey\n${slo}indicator: { kind: composite, of: [{ slo: b }, { slo: c }] }\nalerting: { preset: none }\n---\n` +
      `kind: slo\nname: b\nsli: x\n${slo}indicator: { kind: ratio }\nalerting: { preset: none }\n`,
  );
  put = (path) => [
    201,
    {
      warnings: path.endsWith('journey')
        ? ['indicator.of.0.slo: SLO b is not defined yet', 'indicator.of.1.slo: SLO c is not defined yet']
        : [],
    },
  ];
  expect((await bellwether('apply', '-f', journey)).err).toBe(
    'warning: slo a-journey: indicator.of.1.slo: SLO c is not defined yet',
  );
});

describe('what will be refused', () => {
  const bytes = 'kind: sli\nservice: search\nname: latency\nunit: bytes\n';
  const slow =
    'kind: slo\nname: slow\nservice: search\nsli: latency\nobjective: 0.999\nindicator: { kind: threshold, op: lte, value: 1, unit: s }\n' +
    'budgeting: { method: occurrences }\nwindow: { rolling: 30d }\n';
  const both = path.join(folder, 'both.yaml');
  const text = `${bytes}---\n${slow}`;
  writeFileSync(both, text);
  const before = text.slice(0, text.indexOf(' unit: s ') + ' unit: '.length).split('\n');
  const where = `${both}:${before.length}:${(before.at(-1) as string).length + 1}`;
  const fault = {
    where,
    kind: 'slo',
    name: 'slow',
    path: 'indicator.unit',
    message: 'is "s", but the SLI is measured in "bytes"',
  };
  const detail = `  ${where}: slo slow: indicator.unit: is "s", but the SLI is measured in "bytes"`;

  test.each([
    ['validate', [], '1 of 2 resources will be refused'],
    ['apply', ['--dry-run'], '1 of 2 changes will be refused; nothing was changed'],
    ['apply', [], '1 of 2 changes will be refused; nothing was changed'],
  ])('fails %s %j, and nothing is sent', async (command, options, error) => {
    const { code, err, out } = await bellwether(command, '-f', both, ...options);
    expect([code, err.split('\n').slice(-2)]).toEqual([1, [`error: ${error}`, detail]]);
    expect(out).not.toMatch(/valid|applied/);
    const printed = await bellwether(command, '-f', both, ...options, '-o', 'json');
    expect([printed.code, JSON.parse(printed.out)]).toEqual([
      1,
      command === 'validate'
        ? { error, faults: [fault] }
        : {
            plan: [expect.objectContaining({ kind: 'sli' }), expect.objectContaining({ kind: 'slo' })],
            ...(options.length === 0 && { results: [] }),
            error,
            faults: [fault],
          },
    ]);
    expect(puts).toEqual([]);
  });

  test('is an SLO that is made of itself through another', async () => {
    const circle = path.join(folder, 'circle.yaml');
    const slo = (name: string, other: string) =>
      `kind: slo\nname: ${name}\nservice: search\nobjective: 0.99\nbudgeting: { method: occurrences }\nwindow: { rolling: 30d }\n` +
      `alerting: { preset: none }\nindicator: { kind: composite, of: [{ slo: x }, { slo: ${other} }] }\n`;
    writeFileSync(circle, `${slo('a', 'b')}---\n${slo('b', 'a')}`);
    for (const call of [['validate'], ['apply'], ['apply', '--dry-run']])
      expect(await bellwether(...call, '-f', circle)).toMatchObject({
        code: 1,
        err: expect.stringMatching(/slo b: indicator.of.1.slo: would be made of itself: b → a → b$/),
      });
    expect(puts).toEqual([]);
  });

  test.each([
    ['validate', []],
    ['apply', ['--dry-run']],
    ['apply', []],
  ])('faults of a file are printed for programs by %s %j, too', async (command, options) => {
    const wrong = path.join(folder, 'wrong.yaml');
    writeFileSync(wrong, 'kind: service\nname: X\n---\nkind: servic\n');
    const { code, out, err } = await bellwether(command, '-f', wrong, ...options, '-o', 'json');
    expect(code).toBe(2);
    expect(JSON.parse(out)).toEqual({
      error: `${wrong} is not valid`,
      faults: [
        {
          where: `${wrong}:2:7`,
          kind: 'service',
          name: 'X',
          path: 'name',
          message: expect.stringMatching(/^must be a lower-case DNS label/),
        },
        { where: `${wrong}:4:7`, message: expect.stringMatching(/^kind "servic" is not known/) },
      ],
    });
    expect(err).toMatch(/^error: .*wrong.yaml is not valid\n {2}.*wrong.yaml:2:7: service X: name: must/);
    expect((await bellwether(command, '-f', wrong, ...options)).out).toBe('');
    expect(puts).toEqual([]);
  });
});
