import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { FakeServer } from './fake-server.fixture.js';

let server: FakeServer;
beforeAll(async () => {
  server = await FakeServer.start();
});
afterAll(() => server.stop());
beforeEach(() => server.reset());

const bellwether = (...argv: string[]) => server.run(...argv);

describe('exit codes', () => {
  test('help is 0 and lists the commands', async () => {
    const { code, out } = await bellwether('--help');
    expect(code).toBe(0);
    for (const command of [
      'up',
      'apply',
      'get',
      'validate',
      'publish',
      'incident',
      'oncall',
      'events',
      'explain',
      'log',
      'dlq',
      'rebuild',
      'token',
    ])
      expect(out).toContain(`  ${command}`);
  });
  test('an unknown command or a missing option is 2', async () => {
    expect((await bellwether('frobnicate')).code).toBe(2);
    expect(await bellwether('apply')).toMatchObject({
      code: 2,
      err: expect.stringContaining('Give -f with a file, a folder, or - for standard input'),
    });
  });
  test('a refusal is 1, with the problem and each field', async () => {
    server.answer = () => ({
      status: 422,
      body: {
        type: 't',
        title: 'Refused by a rule',
        status: 422,
        detail: 'cannot fire',
        errors: [{ path: 'alerting.windows.0.burn', message: 'is above 1/B' }],
      },
    });
    expect(await bellwether('incident', 'declare', 'x')).toMatchObject({
      code: 1,
      err: 'error: Refused by a rule (422): cannot fire\n  alerting.windows.0.burn: is above 1/B',
    });
  });
  test('what the detail says already is not said again', async () => {
    const errors = [{ path: 'query.asOf', message: 'must not be in the future' }];
    server.answer = () => ({
      status: 400,
      body: {
        type: 't',
        title: 'Malformed request',
        status: 400,
        detail: 'asOf must not be in the future',
        errors,
      },
    });
    expect((await bellwether('get', 'services')).err).toBe(
      'error: Malformed request (400): asOf must not be in the future',
    );
  });
  test('a server that is not there is 3 and says what to do', async () => {
    const { code, err } = await bellwether('--url', 'http://127.0.0.1:1', 'get', 'services');
    expect(code).toBe(3);
    expect(err).toMatch(/cannot reach http:\/\/127\.0\.0\.1:1 .*bellwether up/);
  });
  test('401 says where the token comes from', async () => {
    server.answer = () => ({ status: 401, body: {} });
    expect((await bellwether('get', 'services')).err).toMatch(/not authenticated/);
  });
});

test('lists follow the cursor, as a table or as JSON', async () => {
  server.answer = ({ url: u }) => ({
    status: 200,
    body: u.includes('cursor=next')
      ? { items: [{ name: 'b', tier: 2, dependsOn: [] }], nextCursor: null }
      : { items: [{ name: 'a', tier: 1, dependsOn: ['b'] }], nextCursor: 'next' },
  });
  expect((await bellwether('get', 'services')).out.split('\n').map((l) => l.trim().split(/\s{2,}/))).toEqual([
    ['NAME', 'TEAM', 'TIER', 'DEPENDS ON', 'POLICY'],
    ['a', '–', '1', 'b', '–'],
    ['b', '–', '2', '–', '–'],
  ]);
  expect(JSON.parse((await bellwether('get', 'services', '-o', 'json')).out)).toHaveLength(2);
  expect(server.requests[0]?.headers.authorization).toBe('Bearer secret');
});

test('publish sends one point to ingest with its identity', async () => {
  server.answer = () => ({ status: 202, body: { accepted: 1, duplicates: 0 } });
  expect(
    await bellwether(
      'publish',
      'checkout',
      'availability',
      '--good',
      '998',
      '--total',
      '1000',
      '--id',
      'x-1',
    ),
  ).toMatchObject({ code: 0, out: 'accepted 1, duplicates 0' });
  expect(server.requests.at(-1)).toMatchObject({
    method: 'POST',
    url: '/v1/measurements/checkout/availability',
    body: { good: 998, total: 1000 },
  });
  expect(server.requests.at(-1)?.headers['idempotency-key']).toBe('x-1');
  expect(
    await bellwether('publish', 'checkout', 'availability', '--good', '2', '--total', '1'),
  ).toMatchObject({ code: 2, err: expect.stringContaining('must not be above total') });
});

test('publish labels its points', async () => {
  server.answer = () => ({ status: 202, body: { accepted: 1, duplicates: 0 } });
  const labels = ['--label', 'region=eu', '--label', 'note=a=b'];
  await bellwether('publish', 'checkout', 'availability', '--good', '1', '--total', '1', ...labels);
  expect(server.requests.at(-1)?.body).toEqual({ good: 1, total: 1, labels: { region: 'eu', note: 'a=b' } });
  expect(await bellwether('publish', 'a', 'b', '--value', '1', '--label', 'eu')).toMatchObject({
    code: 2,
    err: expect.stringMatching(/"eu" is not a label such as region=eu/),
  });
});

test('publish says that it made an SLI known, as a misspelt one; who may not read is told nothing', async () => {
  const publish = async (status: number, slos: object[] = []) => {
    server.answer = ({ method, url }) => {
      if (method === 'POST') return { status: 202, body: { accepted: 1, duplicates: 0 } };
      if (url.startsWith('/v1/slis/')) return { status };
      return { status: 200, body: { items: url === '/v1/slos' ? slos : [], nextCursor: null } };
    };
    return await bellwether('publish', 'serch', 'availability', '--value', '1');
  };
  expect(await publish(404)).toMatchObject({
    out: 'accepted 1, duplicates 0',
    err: 'warning: serch/availability is new, and no SLO or rule reads it: is the name right?',
  });
  const read = [{ service: 'serch', sli: 'availability' }];
  expect(await publish(404, read)).toMatchObject({ code: 0, err: '' });
  for (const status of [200, 403, 503]) expect(await publish(status)).toMatchObject({ code: 0, err: '' });
});

test('a token is printed alone, and one with more than itself in it is refused and not shown', async () => {
  server.answer = () => ({ status: 201, body: { id: 't-1', token: 'bw_x', warnings: [] } });
  expect(await bellwether('token', 'create', '--name', 'ci', '--role', 'viewer')).toMatchObject({
    out: 'bw_x',
    err: 'the token is not shown again; revoke it by its id: t-1',
  });
  const refused = await bellwether('status', '--token', 'bw_secret\nid 7');
  expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('must be the token alone') });
  expect(refused.err).not.toContain('bw_secret');
});

test('an incident is worked with sub-commands', async () => {
  server.answer = () => ({
    status: 200,
    body: { id: 'INC-7', severity: 'sev2', status: 'resolved', title: 'Checkout fails' },
  });
  expect(await bellwether('incident', 'resolve', 'INC-7', '-m', 'rolled back')).toMatchObject({
    code: 0,
    out: 'INC-7 sev2 resolved  Checkout fails',
  });
  expect(server.requests[0]).toMatchObject({
    url: '/v1/incidents/INC-7/status',
    body: { status: 'resolved', note: 'rolled back' },
  });
});

test('what a command is warned about goes to the error output', async () => {
  server.answer = () => ({
    status: 201,
    body: {
      id: 'INC-7',
      severity: 'sev2',
      status: 'investigating',
      title: 'x',
      warnings: ['nobody is paged'],
    },
  });
  const warned = { code: 0, err: 'warning: nobody is paged' };
  expect(await bellwether('incident', 'declare', 'x')).toMatchObject(warned);
  expect(await bellwether('incident', 'role', 'INC-7', 'commander', 'bob')).toMatchObject(warned);
});

test('a list is watched: printed again when it has changed, through an outage, until it is ended', async () => {
  const names = [['a'], ['a'], ['a', 'b']];
  server.answer = () => ({
    status: 200,
    body: {
      items: (names.shift() ?? ['c']).map((name) => ({ name, tier: 1, dependsOn: [] })),
      nextCursor: null,
    },
  });
  let looks = 0;
  server.pause = async () => {
    looks += 1;
    if (looks === 4) throw new Error('ended by the test');
  };
  const { out } = await bellwether('get', 'services', '--watch');
  expect(out.split('\n').flatMap((line) => /^[abc] /.exec(line)?.[0].trim() ?? [])).toEqual([
    'a',
    'a',
    'b',
    'c',
  ]);
});

test('lists as YAML are manifests that apply takes', async () => {
  server.answer = () => ({ status: 200, body: { items: [{ name: 'a' }, { name: 'b' }], nextCursor: null } });
  const { out } = await bellwether('get', 'services', '-o', 'yaml');
  expect(out).toBe('kind: service\nname: a\n---\nkind: service\nname: b');
});

test('a shell is given what completes commands', async () => {
  const { code, out } = await bellwether('completion', 'bash');
  expect(code).toBe(0);
  const completed = spawnSync(
    'bash',
    ['-c', `${out}\nCOMP_WORDS=(bellwether incident re); COMP_CWORD=2; _bellwether; echo "\${COMPREPLY[*]}"`],
    { encoding: 'utf8' },
  );
  expect(completed.stdout.trim().split(' ')).toEqual(['resolve', 'responder', 'reopen', 'report']);
  expect(await bellwether('completion', 'tcsh')).toMatchObject({ code: 2 });
});

test('tail prints events as they come and resumes from the last id', async () => {
  const event = (position: number) =>
    `id: ${position}\ndata: ${JSON.stringify({ position, time: '2026-11-22T10:00:00.000Z', type: 'bellwether.incident.declared.v1', subject: `INC-${position}`, actor: 'service:incident' })}\n\n`;
  server.answer = ({ headers }) => ({
    status: 200,
    type: 'text/event-stream',
    body: headers['last-event-id'] === '1' ? event(2) : event(1),
  });
  const { code, out } = await bellwether('events', 'tail', '--after', '0', '--limit', '2');
  expect(code).toBe(0);
  expect(out.split('\n').map((l) => l.trim().split(/\s+/)[3])).toEqual(['INC-1', 'INC-2']);
});

test('a call that cannot mean anything is 2 and says what is missing', async () => {
  for (const [argv, says] of [
    [['-o', 'xml', 'status'], /table, json, yaml/],
    [['events', '--type', 'incident.declard'], /did you mean incident\.declared\?/],
    [['events', 'tail', '--type', 'page,nosuch'], /names no event: "nosuch\.\*"; there are /],
    [['events', '--limit', 'x'], /"x" is not a number/],
    [['events', '--limit', '0'], /"0" is not a number from 1/],
    [['publish', 'checkout', 'availability', '--good', '5'], /--good or --bad, and --total/],
    [['publish', 'checkout', 'availability', '--total', '5'], /--good or --bad, and --total/],
    [['get', 'sli', 'availability'], /service\/name/],
    [['get', 'sloes'], /did you mean slos\?/],
    [['oncall', 'shifts', 'primary', '--from', 'tomorrow'], /"tomorrow" must be an RFC 3339 time/],
    [['oncall', 'shifts', 'primary', '--days', 'x'], /"x" is not a number/],
    [['explain', ''], /explain what\?/],
    [['get', 'qqqqqq'], /unknown kind "qqqqqq"; known are /],
    [['oncall', 'shifts', 'primary', '--days', '-3'], /"-3" is not a whole number above 0/],
    [['oncall', 'shifts', 'primary', '--days', '401'], /--days must be at most 400/],
    [['page', 'escalate', 'INC-1-P1', '--step', 'x'], /"x" is not a number/],
    [['page', 'escalate', 'INC-1-P1', '--step', '0'], /step: must be at least 1/],
    [['page', 'list', '--status', 'foo'], /"foo" is none of open, acknowledged/],
    [['incident', 'declare', 'x', '-s', 'critical'], /severity: must be one of sev1, sev2/],
    [['incident', 'severity', 'INC-1', 'high', '-m', 'why'], /severity: must be one of sev1, sev2/],
    [['incident', 'status', 'INC-1', 'fixed', '-m', 'why'], /status: must be one of investigating/],
    [['incident', 'status', 'INC-1', 'identified', '-m', 'why', '--at', 'noon'], /"noon" must be an RFC/],
    [['incident', 'role', 'INC-1', 'boss', 'ada'], /role: must be one of commander/],
    [['incident', 'resolve', 'INC-1', '-m', ''], /note: must not be empty/],
    [['incident', 'list', '--status', 'foo'], /"foo" is none of open, investigating/],
    [['incident', 'list', '--severity', 'sev1,high'], /"high" is none of sev1/],
    [['token', 'create', '--name', 'a', '--role', 'root'], /"root" is none of publisher/],
    ...[
      ['status'],
      ['get', 'slos'],
      ['rule', 'status'],
      ['signals'],
      ['history', 'a'],
      ['forecast', 'a'],
      ['corrections', 'a'],
      ['gate', 'checkout'],
      ['oncall', 'who'],
      ['oncall', 'overrides', 'primary'],
      ['incident', 'show', 'INC-1'],
      ['incident', 'timeline', 'INC-1'],
    ].map((of) => [[...of, '--as-of', 'yesterday'], /"yesterday" must be an RFC 3339 time/] as const),
  ] as const)
    expect(await bellwether(...argv)).toMatchObject({ code: 2, err: expect.stringMatching(says) });
  expect(server.requests).toEqual([]);
});

test('the status of a past time is that of the SLOs there were', async () => {
  server.answer = () => ({ status: 200, body: { items: [], nextCursor: null } });
  expect(await bellwether('status', '--as-of', '2020-01-01T00:00:00Z')).toMatchObject({
    code: 0,
    out: 'no slos',
  });
  expect(server.requests.map((r) => r.url)).toEqual(['/v1/slos?asOf=2020-01-01T00%3A00%3A00Z']);
});

test('a family of events is asked for as the api knows it', async () => {
  server.answer = () => ({ status: 200, body: { items: [], nextCursor: null } });
  for (const type of ['incident', 'incident.declared', 'slo.alert', 'page.*', 'incident, page.requested'])
    await bellwether('events', 'list', '--type', type);
  expect(server.requests.map((r) => new URL(r.url, server.url).searchParams.get('type'))).toEqual([
    'incident.*',
    'incident.declared',
    'slo.alert.*',
    'page.*',
    'incident.*,page.requested',
  ]);
});

test('tokens are listed where they are made', async () => {
  const token = { id: 'tok-1', name: 'ci', role: 'publisher', user: null, expiresAt: null };
  server.answer = () => ({ status: 200, body: { items: [token], nextCursor: null } });
  expect((await bellwether('token', 'list')).out).toMatch(/^ID .*\ntok-1 +ci +publisher/);
  expect(server.requests).toMatchObject([{ method: 'GET', url: '/v1/tokens' }]);
});

test('help speaks of lengths as people do, and of what is required', async () => {
  expect((await bellwether('backtest', '--help')).out).toMatch(/--grace <duration>.*\(default:\s+5m\)/s);
  expect((await bellwether('incident', 'resolve', '--help')).out).toMatch(/--note <text>.*\(required\)/);
});
