import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type {
  Explanation,
  MeasurementReceipt,
  Page,
  Report,
  SloForecast,
  SloHistory,
  SloStatus,
} from '@bellwether/contracts';
import { checkout } from '@bellwether/local';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { eventually } from '../eventually.js';
import { temporaryFolder } from '../temporary-folder.js';
import { WebhookReceiver } from '../webhook-receiver.js';
import { WholeSystem } from './system.fixture.js';

jest.setTimeout(60_000);

const manifest = (hook: string, tier: number) => `
kind: slo
name: search-availability
service: search
sli: availability
objective: 0.99
indicator: { kind: ratio }
budgeting: { method: occurrences }
window: { rolling: 30d }
---
kind: service
name: search
tier: ${tier}
escalationPolicy: search
---
kind: policy
name: search
steps: [{ targets: [{ kind: schedule, name: search-primary }], timeoutMinutes: 5 }]
---
kind: schedule
name: search-primary
timeZone: Europe/Berlin
layers:
  - { name: week, rotation: { type: weekly, start: "2026-01-05T09:00", participants: [ada] } }
---
kind: user
name: ada
contactMethods: [{ id: hook, kind: webhook, address: "${hook}", verified: true }]
`;

/** The command as a user has it, a process each time, against a running system. */
describe('the bellwether command', () => {
  let system: WholeSystem;
  let pager: WebhookReceiver;
  const folder = mkdtempSync(path.join(temporaryFolder('cli'), 'manifests-'));
  const file = path.join(folder, 'search.yaml');

  beforeAll(async () => {
    [pager, system] = await Promise.all([WebhookReceiver.start(), WholeSystem.start()]);
  }, 120_000);
  afterAll(async () => {
    await system?.stop();
    await pager?.stop();
  });

  async function bellwether(...argv: string[]): Promise<{ code: number | null; out: string; err: string }> {
    const child = spawn(process.execPath, [path.join(checkout, 'apps/cli/dist/main.js'), ...argv], {
      cwd: folder,
      env: {
        PATH: process.env.PATH,
        BELLWETHER_URL: system.local.apiUrl,
        BELLWETHER_INGEST_URL: system.local.ingestUrl,
        BELLWETHER_TOKEN: system.local.token,
        DATABASE_URL: system.local.databaseUrl,
      },
    });
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk;
    });
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk;
    });
    const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
    return { code, out: stripVTControlCharacters(out), err: stripVTControlCharacters(err) };
  }
  const json = async <T>(...argv: string[]): Promise<T> => {
    const { code, out, err } = await bellwether(...argv, '-o', 'json');
    expect([code, err]).toEqual([0, '']);
    return JSON.parse(out) as T;
  };

  test('apply shows the plan, makes it so, and the second time changes nothing', async () => {
    writeFileSync(file, manifest(pager.url('/ada'), 2));
    expect((await bellwether('validate', '-f', file)).out).toBe('5 resources are valid\n');
    expect((await bellwether('apply', '-f', file, '--dry-run')).out).toContain(
      'plan: 5 to create, 0 to change, 0 unchanged (dry run: nothing was changed)',
    );
    expect((await bellwether('get', 'slos')).out).toBe('no slos\n');
    const first = await bellwether('apply', '-f', file);
    // The SLI comes to be with its first measurement; what the same call defines is nothing to warn of.
    expect(first).toMatchObject({
      code: 0,
      err: expect.stringMatching(
        /^warning: user ada: contact method hook has no secret: .*\nwarning: slo search-availability: sli: search\/availability is not defined yet\n$/,
      ),
    });
    expect(first.out).toContain('+ create    user ada');
    expect(first.out).toContain('applied: 5 created, 0 changed, 0 unchanged');
    expect((await bellwether('apply', '-f', file)).out).toContain(
      'applied: 0 created, 0 changed, 5 unchanged',
    );
    writeFileSync(file, manifest(pager.url('/ada'), 1));
    const changed = await bellwether('apply', '-f', file);
    expect(changed.out).toContain('~ change    service search\n      tier: 2 → 1\n');
    expect(changed.out).toContain('applied: 0 created, 1 changed, 4 unchanged');
  });

  test('what is got can be applied again', async () => {
    const got = await bellwether('get', 'slo', 'search-availability');
    expect(got.code).toBe(0);
    const copy = path.join(folder, 'got.yaml');
    writeFileSync(copy, got.out);
    expect((await bellwether('apply', '-f', copy)).out).toContain(
      'applied: 0 created, 0 changed, 1 unchanged',
    );
  });

  test('what is wrong names file, line and field; what is refused says why', async () => {
    const broken = path.join(folder, 'broken.yaml');
    writeFileSync(broken, 'kind: service\nname: Search\n');
    expect(await bellwether('apply', '-f', broken)).toMatchObject({
      code: 2,
      err: expect.stringContaining(`${broken}:2:7: service Search: name: must be a lower-case DNS label`),
    });
    expect(await bellwether('status', 'nothing')).toMatchObject({
      code: 1,
      err: expect.stringContaining('Not found (404)'),
    });
    expect(await bellwether('--token', 'wrong', 'get', 'slos')).toMatchObject({
      code: 1,
      err: expect.stringContaining('not authenticated'),
    });
  });

  test('publish, status, on call', async () => {
    expect(
      await json<MeasurementReceipt>(
        'publish',
        'search',
        'availability',
        '--good',
        '999',
        '--total',
        '1000',
        '--id',
        'one',
      ),
    ).toEqual({ accepted: 1, duplicates: 0 });
    expect(
      await json<MeasurementReceipt>(
        'publish',
        'search',
        'availability',
        '--good',
        '999',
        '--total',
        '1000',
        '--id',
        'one',
      ),
    ).toEqual({ accepted: 0, duplicates: 1 });
    await eventually(async () =>
      expect(await json<SloStatus>('status', 'search-availability')).toMatchObject({
        good: 999,
        total: 1000,
        sli: 0.999,
      }),
    );
    const history = await json<SloHistory>('history', 'search-availability', '--last', '1h', '--points', '4');
    const measured = history.points.filter(({ total }) => total > 0);
    expect(measured).toMatchObject([{ good: 999, total: 1000, sli: 0.999 }]);
    const month = String(measured[0]?.at).slice(0, 7);
    const [forecast, report] = await Promise.all([
      json<SloForecast>('forecast', 'search-availability'),
      json<Report>('report', 'month', '--at', month),
    ]);
    expect(forecast.remaining).toBeCloseTo(0.9, 9);
    expect(report.groups.flatMap(({ slos }) => slos)).toMatchObject([
      { slo: 'search-availability', measured: { good: 999, total: 1000 } },
    ]);
    expect((await bellwether('oncall')).out).toMatch(/search-primary +ada/);
    expect((await bellwether('oncall', 'shifts', 'search-primary', '--days', '14')).out).toMatch(/ada/);
  });

  test('an outage: page, explanation, acknowledge, note, resolve, report', async () => {
    await json('publish', 'search', 'availability', '--bad', '5000', '--total', '5000');
    await pager.received(1, 20_000);
    const page = await eventually(async () => {
      const [found] = await json<Page[]>('page', 'list', '--status', 'open');
      if (!found) throw new Error('no page yet');
      return found;
    });
    const { chain } = await json<Explanation>('explain', page.id);
    expect(chain.map((link) => link.type)).toEqual(
      expect.arrayContaining([
        expect.stringContaining('page.requested'),
        expect.stringContaining('measurement.recorded'),
      ]),
    );
    expect(await json<Page>('page', 'ack', page.id)).toMatchObject({ status: 'acknowledged' });
    await json('incident', 'note', 'INC-1', 'the index was corrupt', '--pin');
    expect((await bellwether('incident', 'show', 'INC-1')).out).toContain('the index was corrupt');
    // Its alert fires on for a while, which is warned of.
    const resolved = await bellwether('incident', 'resolve', 'INC-1', '-m', 'rebuilt', '-o', 'json');
    expect(JSON.parse(resolved.out)).toMatchObject({ status: 'resolved' });
    expect(await bellwether('incident', 'resolve', 'INC-1', '-m', 'again')).toMatchObject({
      code: 1,
      err: expect.stringContaining('(409)'),
    });
    expect((await bellwether('incident', 'report', 'INC-1')).out).toContain('the index was corrupt');
    expect((await bellwether('incident', 'list', '--status', 'resolved')).out).toContain('INC-1');
  });

  test('a correction takes a span out of the budget, and withdrawn it was never there', async () => {
    const slo = path.join(folder, 'quality.yaml');
    const [search] = manifest('', 1).split('---');
    writeFileSync(slo, `${search?.replaceAll('availability', 'quality')}alerting: { preset: none }\n`);
    expect((await bellwether('apply', '-f', slo)).code).toBe(0);
    await json('publish', 'search', 'quality', '--good', '1', '--total', '4');
    const counted = (total: number, corrections: number) =>
      eventually(async () =>
        expect(await json<SloStatus>('status', 'search-quality')).toMatchObject({ total, corrections }),
      );
    await counted(4, 0);
    const from = new Date(Date.now() - 600_000).toISOString();
    const { id } = await json<{ id: string }>(
      'correct',
      'search-quality',
      '--from',
      from,
      '--for',
      '1h',
      '-m',
      'a test',
    );
    await counted(0, 1);
    expect((await bellwether('corrections', 'search-quality')).out).toMatch(
      /exclude +in effect, now, until .* a test/,
    );
    await json('uncorrect', 'search-quality', id);
    await counted(4, 0);
  });

  test('a template is written, valid and applied as it is; a rule of it pages, and is explained', async () => {
    const store = path.join(folder, 'store.yaml');
    const init = ['init', 'database', '--name', 'store', '--policy', 'search', '-f', store];
    expect((await bellwether(...init)).out).toContain('1 service, 5 slis, 2 slos, 4 rules');
    expect((await bellwether('validate', '-f', store)).out).toBe('12 resources are valid\n');
    expect(await bellwether('apply', '-f', store)).toMatchObject({
      code: 0,
      err: '',
      out: expect.stringContaining('applied: 12 created, 0 changed, 0 unchanged'),
    });
    expect((await bellwether('apply', '-f', store)).out).toContain(
      'applied: 0 created, 0 changed, 12 unchanged',
    );
    await json('publish', 'store', 'disk', '--value', '97');
    const page = await eventually(async () => {
      const [found] = await json<Page[]>('page', 'list', '--status', 'open');
      if (!found) throw new Error('no page yet');
      return found;
    });
    expect((await bellwether('rule', 'status', 'store-disk-full')).out).toMatch(/State +firing since /);
    const { chain } = await json<Explanation>('explain', page.id);
    expect(chain.map(({ type }) => type)).toEqual([
      'page.requested',
      'incident.declared',
      'rule.alert.fired',
      'measurement.recorded',
    ]);
    expect(chain[2]?.summary).toMatch(
      /^page alert of rule store-disk-full: store: a disk is 95 % full; max of disk/,
    );
    expect((await bellwether('signals', 'store')).out).toMatch(/^store: unknown\n/);
    expect((await bellwether('incident', 'resolve', page.incident, '-m', 'cleaned up')).code).toBe(0);
  });

  test('the log is listed, followed and verified; read models are rebuilt; nothing is parked', async () => {
    const listed = await bellwether('events', 'list', '--type', 'incident', '--limit', '100');
    expect(listed.out).toContain('incident.declared');
    const tail = await bellwether('events', 'tail', '--type', 'incident', '--after', '0', '--limit', '2');
    expect(tail.out.trim().split('\n')).toEqual(listed.out.trim().split('\n').slice(0, 2));
    const verified = await bellwether('log', 'verify');
    expect(verified).toMatchObject({ code: 0, out: expect.stringMatching(/control +\d+ +\d+ +verified/) });
    expect((await bellwether('rebuild')).out).toMatch(/incidents: rebuilt\n(.*\n)*buckets: rebuilt\n$/);
    const { out } = await bellwether('system');
    expect(out).toMatch(/incidents +\d+ +\d+ +0 +live/);
    for (const service of ['evaluator', 'incident', 'ingest', 'paging']) {
      expect(out).toMatch(new RegExp(`${service} +answering +0`));
    }
    expect((await bellwether('dlq', 'list')).out).toBe('nothing is parked\n');
  });

  test('a token works until it is revoked, and only for its role', async () => {
    const { id, token } = await json<{ id: string; token: string }>(
      'token',
      'create',
      '--name',
      'a viewer',
      '--role',
      'viewer',
    );
    await eventually(async () =>
      expect((await bellwether('--token', token, 'get', 'services')).code).toBe(0),
    );
    expect(await bellwether('--token', token, 'incident', 'declare', 'no')).toMatchObject({
      code: 1,
      err: expect.stringContaining('(403)'),
    });
    expect((await bellwether('token', 'revoke', id)).code).toBe(0);
    await eventually(async () =>
      expect(await bellwether('--token', token, 'get', 'services')).toMatchObject({
        code: 1,
        err: expect.stringContaining('not authenticated'),
      }),
    );
  });

  test('a dry run warns of what apply then warns of', async () => {
    const warned = path.join(folder, 'warned.yaml');
    writeFileSync(
      warned,
      [
        'kind: user\nname: eve\ncontactMethods: [{ id: hook, kind: webhook, address: "http://127.0.0.1:1/" }]',
        'kind: schedule\nname: nights\ntimeZone: UTC\nlayers: [{ name: n, rotation: { type: daily, start: "2026-11-02T09:00", participants: [nobody] }, restrictions: [{ days: [mon], from: "01:00", to: "02:00" }] }]',
        'kind: policy\nname: nights\nsteps: [{ targets: [{ kind: schedule, name: nosuch }, { kind: user, name: nobody }], timeoutMinutes: 5 }]',
        'kind: service\nname: depot\ndependsOn: [nowhere]\ngoldenSignals: { latency: { sli: latency } }',
        'kind: sli\nservice: depot\nname: loading\nunit: seconds',
        'kind: slo\nname: depot-trucks\nservice: depot\nsli: trucks\nobjective: 0.9\nindicator: { kind: ratio }\nbudgeting: { method: occurrences }\nwindow: { rolling: 30d }',
        'kind: slo\nname: depot-all\nservice: depot\nobjective: 0.999\nindicator: { kind: composite, of: [{ slo: depot-trucks }, { slo: depot-none }] }\nbudgeting: { method: ratio-timeslices }\nwindow: { rolling: 30d }\nescalationPolicy: days',
      ].join('\n---\n'),
    );
    const warnings = ({ err }: { err: string }) =>
      // The hours of a gap begin when it is looked for.
      err
        .replaceAll(/from \S+ to/g, 'from now to')
        .trim()
        .split('\n')
        .sort();
    const foreseen = warnings(await bellwether('apply', '-f', warned, '--dry-run'));
    expect(foreseen.length).toBeGreaterThan(9);
    expect(warnings(await bellwether('apply', '-f', warned))).toEqual(foreseen);
  });
});
