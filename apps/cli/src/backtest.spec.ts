import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type Backtest, sloDefinition } from '@bellwether/contracts';
import { planSlo, Recording, runBacktest } from '@bellwether/slo';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { notesOf } from './backtest/tables.js';
import { FakeServer } from './fake-server.fixture.js';

const MINUTE = 60_000;
const START = Date.parse('2026-11-20T00:00:00.000Z');
const iso = (minute: number): string => new Date(START + minute * MINUTE).toISOString();
/** A day and a half of minutes; everything fails in these. */
const FAULTS = [
  [1800, 1810],
  [2000, 2004],
] as const;
const LENGTH = 2160;

const DEFINITION = {
  name: 'checkout-availability',
  service: 'checkout',
  sli: 'availability',
  objective: 0.99,
  indicator: { kind: 'ratio' },
  budgeting: { method: 'occurrences' },
  window: { rolling: '1d' },
  alerting: { windows: [{ severity: 'page', tier: 'fast', long: '10m', short: '2m', burn: 10 }] },
};
const slo = (overrides: object = {}) => JSON.stringify({ kind: 'slo', ...DEFINITION, ...overrides });

let server: FakeServer;
let folder: string;
const at = (name: string): string => path.join(folder, name);
const file = (name: string, text: string): string => {
  writeFileSync(at(name), text);
  return at(name);
};
beforeAll(async () => {
  server = await FakeServer.start();
  folder = mkdtempSync(path.join(os.tmpdir(), 'backtest-'));
  const rows = Array.from({ length: LENGTH }, (_, i) => {
    const fails = FAULTS.some(([from, to]) => i >= from && i < to);
    return `${iso(i)},${fails ? 0 : 10},10,${i % 2 === 0 ? 'eu' : 'us'}`;
  });
  file('data.csv', `at,good,total,region\n${rows.join('\n')}\n`);
  file('labels.csv', `start,end,name\n${iso(1800)},${iso(1810)},the bank\n${iso(100)},${iso(110)},nothing\n`);
  file('a.yaml', slo());
  file('b.yaml', slo({ alerting: { windows: [{ ...DEFINITION.alerting.windows[0], burn: 50 }] } }));
  file('two.yaml', `${slo()}\n---\n${slo({ name: 'lax', objective: 0.5, alerting: { preset: 'none' } })}\n`);
  file('three.yaml', ['x', 'y', 'z'].map((name) => slo({ name })).join('\n---\n'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await server.stop();
});
beforeEach(() => server.reset());

test('minutes that corrections take are told of: a budget without an end looks like nothing happened', () => {
  const status = { corrections: 1, correctedMinutes: { exclude: 120, good: 0 } } as Backtest['status'];
  const recorded = { points: 1, unfit: 0, historyAtFrom: 1 } as Backtest['recorded'];
  expect(notesOf('a', { recorded, status, from: iso(0), warnings: [] } as unknown as Backtest)).toEqual([
    'a: corrections at the end: 1 in the window, 2 h excluded',
  ]);
});

test('where windows are young at first it is told when the data begin, not when the span does', () => {
  const notes = (firstAt: string) => {
    const recorded = { points: 1, unfit: 0, firstAt, historyAtFrom: 0 } as Backtest['recorded'];
    return notesOf('a', {
      recorded,
      status: { corrections: 0 },
      from: iso(0),
      warnings: [],
    } as unknown as Backtest);
  };
  expect(notes(iso(90))).toEqual([`a: nothing was measured before ${iso(90)}: windows are young at first`]);
  // What was measured then has left the window.
  expect(notes(iso(-9000))).toEqual([
    `a: nothing was measured in the window before ${iso(0)}: windows are young at first`,
  ]);
});

const run = (...argv: string[]) => server.run('backtest', ...argv);
const onFile = (...argv: string[]) => run('--csv', at('data.csv'), ...argv);
const json = async (...argv: string[]) => JSON.parse((await onFile(...argv, '-o', 'json')).out) as Backtest;

describe('on a file', () => {
  test('it is what the same points give to the domain, without a server', async () => {
    const planned = planSlo(sloDefinition.parse(DEFINITION));
    if (!planned.ok) throw new Error('must be good');
    const span = { from: START, to: START + LENGTH * MINUTE };
    const recording = new Recording(planned.plan, span);
    const minutes = Array.from({ length: LENGTH }, (_, i) => i);
    const good = minutes.map((i) => (FAULTS.some(([from, to]) => i >= from && i < to) ? 0 : 10));
    recording.take([
      { kind: 'counts', at: minutes.map((i) => START + i * MINUTE), good, total: minutes.map(() => 10) },
    ]);
    const expected = runBacktest(planned.plan, recording, { span, points: 120 });
    expect(await json('-f', at('a.yaml'))).toEqual({ ...JSON.parse(JSON.stringify(expected)), warnings: [] });
    expect(server.requests).toEqual([]);
  });

  test('people see the budget, the alerts and the score', async () => {
    const { code, out, err } = await onFile('-f', at('a.yaml'), '--labels', at('labels.csv'));
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('checkout-availability  2026-11-20T00:00:00.000Z to 2026-11-21T12:00:00.000Z');
    // Two bad minutes of ten are above 10 %: it fires at the end of the second.
    expect(out).toMatch(/page fast +2026-11-21T06:02:00.000Z +2026-11-21T06:1\d:00.000Z .* the bank/);
    expect(out).toMatch(/page fast +2026-11-21T09:22:00.000Z .* none/);
    expect(out).toMatch(/Precision +50 % +1 of 2 alarms false/);
    expect(out).toMatch(/Recall +50 % +1 of 2 incidents found/);
    expect(out).toMatch(/Delay +mean 2 min, p50 2 min, p90 2 min, max 2 min/);
    expect(out).toMatch(/Missed +nothing \(2026-11-20T01:40:00.000Z\)/);
    expect(out).toContain('nothing was measured before 2026-11-20T00:00:00.000Z');
  });

  test('a part of it is warmed up with what was before', async () => {
    const { recorded, from, to } = await json('-f', at('a.yaml'), '--last', '6h');
    expect([from, to]).toEqual(['2026-11-21T06:00:00.000Z', '2026-11-21T12:00:00.000Z']);
    expect(recorded.historyAtFrom).toBe(86_400);
    const cut = await json('-f', at('a.yaml'), '--from', iso(1900), '--to', iso(2100));
    expect(cut.alerts.map(({ firedAt }) => firedAt)).toEqual([iso(2002)]);
  });

  test('the file bounds what is asked for, and that is said', async () => {
    const far = await json(
      '-f',
      at('a.yaml'),
      '--from',
      '1500-01-01T00:00:00Z',
      '--to',
      '9999-01-01T00:00:00Z',
    );
    const whole = await json('-f', at('a.yaml'));
    expect([far.from, far.to, far.alerts]).toEqual([whole.from, whole.to, whole.alerts]);
    expect(far.warnings).toEqual([
      expect.stringContaining(`from: taken as ${whole.from}`),
      expect.stringContaining(`to: taken as ${whole.to}`),
      ...whole.warnings,
    ]);
  });

  test('two definitions are shown side by side: of two files, of one, or of those that are asked for', async () => {
    const { out } = await onFile('-f', at('a.yaml'), '--against', at('b.yaml'), '--labels', at('labels.csv'));
    const comparison = out.slice(out.lastIndexOf('a.yaml'));
    expect(comparison).toMatch(/^a.yaml +\S*b.yaml/);
    expect(comparison).toMatch(/pages fired +2 +1\n/);
    expect(comparison).toMatch(/precision +50 % +100 %\n/);
    expect(comparison).toMatch(/recall +50 % +50 %\n/);
    expect(comparison).toMatch(/delay, p50 +2 min +6 min\n/);
    const two = await json('-f', at('two.yaml'));
    expect(two).toMatchObject({
      backtests: [{ title: 'checkout-availability' }, { title: 'lax', alerts: [] }],
    });
    expect(await json('-f', at('three.yaml'), '--slo', 'z', '--slo', 'x')).toMatchObject({
      backtests: [{ title: 'z' }, { title: 'x' }],
    });
    expect(await json('-f', at('three.yaml'), '--slo', 'y')).toMatchObject({ slo: 'y' });
  });

  test('groups are read from the column of their label', async () => {
    const grouped = file('grouped.yaml', slo({ groupBy: { label: 'region', alerts: 'groups' } }));
    const { alerts, status } = await json('-f', grouped);
    expect(status.groups?.map(({ value }) => value).sort()).toEqual(['eu', 'us']);
    expect(new Set(alerts.map(({ group }) => group?.value))).toEqual(new Set(['eu', 'us']));
    expect((await onFile('-f', grouped)).out).toMatch(/ALERT +GROUP +FIRED/);
  });

  test('the unit is that of the SLI in the file, or as it is said', async () => {
    const percent = file('percent.csv', 'at,value\n1795341600,50\n1795341660,100\n');
    const sli = JSON.stringify({ kind: 'sli', service: 'checkout', name: 'availability', unit: 'percent' });
    const withSli = file('sli.yaml', `${slo()}\n---\n${sli}\n`);
    for (const argv of [
      ['-f', withSli],
      ['-f', at('a.yaml'), '--unit', 'percent'],
    ]) {
      const { out } = await run('--csv', percent, ...argv, '-o', 'json');
      expect(JSON.parse(out).status).toMatchObject({ good: 1.5, total: 2 });
    }
    const { code, err } = await run('--csv', percent, '-f', at('a.yaml'));
    expect([code, err]).toEqual([2, expect.stringContaining('--unit percent')]);
  });

  test('fails a pipeline where the proposed definition is not good enough', async () => {
    const labels = ['--labels', at('labels.csv')];
    const { code, out, err } = await onFile('-f', at('a.yaml'), ...labels, '--min-precision', '0.9');
    expect([code, err]).toEqual([1, 'error: precision is 0.5, below 0.9']);
    expect(out).toContain('Precision');
    expect((await onFile('-f', at('a.yaml'), ...labels, '--min-recall', '0.5')).code).toBe(0);
  });

  test('a definition can be one that is in force', async () => {
    server.answer = ({ url }) =>
      url === '/v1/slos/checkout-availability'
        ? { status: 200, body: sloDefinition.parse(DEFINITION) }
        : { status: 404, body: {} };
    expect(await json('--slo', 'checkout-availability')).toMatchObject({ slo: 'checkout-availability' });
    expect(server.requests.map(({ url }) => url)).toEqual([
      '/v1/slos/checkout-availability',
      '/v1/slis/checkout/availability',
    ]);
  });
});

describe('on the recorded measurements', () => {
  const result = { ...({} as Backtest) };
  beforeAll(async () => {
    Object.assign(result, await json('-f', at('a.yaml')));
  });
  const stream = (events: [string, object][]) => ({
    status: 200,
    type: 'text/event-stream',
    body: events.map(([event, data]) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`).join(''),
  });

  test('the server is asked, for the last 30 days unless it is said', async () => {
    server.answer = () => stream([['result', result]]);
    const { code, out } = await run('-f', at('a.yaml'), '-o', 'json', '--labels', at('labels.csv'));
    expect([code, JSON.parse(out)]).toEqual([0, result]);
    expect(server.requests).toMatchObject([
      {
        method: 'POST',
        url: '/v1/backtests',
        headers: { accept: 'text/event-stream' },
        body: {
          slo: DEFINITION,
          from: '2026-10-23T10:00:00.000Z',
          to: '2026-11-22T10:00:00.000Z',
          grace: '5m',
          incidents: [{ name: 'the bank' }, { name: 'nothing' }],
        },
      },
    ]);
  });

  test('a proposed definition is compared with the one in force', async () => {
    server.answer = () => stream([['result', result]]);
    await run('-f', at('b.yaml'), '--against', 'checkout-availability', '--last', '7d');
    expect(server.requests.map(({ body }) => (body as { slo: unknown }).slo)).toEqual([
      expect.objectContaining({ name: 'checkout-availability' }),
      'checkout-availability',
    ]);
  });

  test('whoever looks on sees how far it is, and then nothing of it', async () => {
    server.interactive = true;
    server.answer = () =>
      stream([
        ['progress', { phase: 'reading', done: 1, of: 4 }],
        ['progress', { phase: 'evaluating', done: 50, of: 100 }],
        ['result', result],
      ]);
    await run('-f', at('a.yaml'));
    expect(server.lines).toEqual([
      expect.stringMatching(/^checkout-availability: reading +█{8}░{22} +25 %$/),
      expect.stringMatching(/^checkout-availability: evaluating █{15}░{15} +50 %$/),
      '',
    ]);
    server.reset();
    await run('-f', at('a.yaml'));
    expect(server.lines).toEqual([]);
  });

  test('what is refused is told with its exit code', async () => {
    const problem = {
      title: 'Refused by a rule',
      status: 422,
      detail: 'no',
      errors: [{ path: 'slo.sli', message: 'is not measured' }],
    };
    server.answer = () => ({ status: 422, body: problem });
    expect(await run('-f', at('a.yaml'))).toMatchObject({
      code: 1,
      err: expect.stringContaining('slo.sli: is not measured'),
    });
    server.answer = () => stream([['problem', { ...problem, status: 503 }]]);
    expect(await run('-f', at('a.yaml'))).toMatchObject({
      code: 1,
      err: expect.stringContaining('(503): no'),
    });
    server.answer = () => stream([['progress', { phase: 'reading', done: 1, of: 2 }]]);
    expect(await run('-f', at('a.yaml'))).toMatchObject({
      code: 3,
      err: expect.stringContaining('connection was lost'),
    });
    expect((await server.run('--url', 'http://127.0.0.1:1', 'backtest', '--slo', 'x')).code).toBe(3);
  });
});

test.each([
  [[], 'say what to try'],
  [['-f', 'three.yaml'], 'has 3 SLOs: say which with --slo'],
  [['-f', 'a.yaml', '--slo', 'other'], 'has no SLO other'],
  [['-f', 'a.yaml', '--against', 'three.yaml'], 'none of which is checkout-availability'],
  [
    ['-f', 'three.yaml', '--slo', 'x', '--slo', 'y', '--slo', 'z', '--against', 'two.yaml'],
    'none of which is x',
  ],
  [['-f', 'none.yaml'], 'does not exist'],
  [['-f', 'a.yaml', '--from', 'soon'], '--from "soon" is not a time'],
  [['-f', 'a.yaml', '--from', '2026-11-20T00:00:00Z', '--last', '1d'], 'exclude each other'],
  [['-f', 'a.yaml', '--min-recall', '0.5'], 'need incidents'],
  [['-f', 'a.yaml', '--labels', 'labels.csv', '--min-recall', '50'], 'is not a ratio'],
  [['-f', 'a.yaml', '--good-when', 'a=b'], '--good-when is about a file'],
  [['-f', 'a.yaml', '--csv', 'data.csv', '--to', '2026-11-19T00:00:00Z'], 'the span is empty'],
  [['-f', 'a.yaml', '--csv', 'data.csv', '--where', 'region=moon'], 'no row of the file has a measurement'],
  [['-f', 'a.yaml', '--csv', 'data.csv', '--unit', ''], 'must not be empty'],
])('the call %j is refused', async (argv, told) => {
  const files = argv.map((word) => (/[.](yaml|csv)$/.test(word) ? at(word) : word));
  const { code, err } = await run(...files);
  expect([code, err]).toEqual([2, expect.stringContaining(told)]);
  expect(server.requests).toEqual([]);
});
