import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Backtest } from '@bellwether/contracts';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  type AlertOf,
  backtest,
  bellwether,
  commandsOf,
  type Firing,
  firingsOf,
  judge,
  type Point,
  reckon,
  rowsOf,
  scoreOf,
  words,
} from './backtest-data.fixture.js';

/** Other people's measurements, where this machine has them beside the checkout. */
const DATA = process.env.BELLWETHER_DATA_SETS ?? path.resolve(import.meta.dirname, '../../../../shared/data');
const withData = existsSync(path.join(DATA, 'nezha/front_service_2022-08-22.csv')) ? describe : describe.skip;
const GUIDE = readFileSync(path.resolve(import.meta.dirname, '../../../docs/backtest.md'), 'utf8');
const MINUTE = 60_000;

let folder: string;
let before: string;
beforeAll(() => {
  before = process.cwd();
  folder = mkdtempSync(path.join(os.tmpdir(), 'guide-'));
  process.chdir(folder);
  for (const set of ['nezha', 'petshop', 'probes']) symlinkSync(path.join(DATA, set), set);
  for (const [, text = '', name = ''] of GUIDE.matchAll(/```(?:yaml|js)\n((?:#|\/\/) (\S+)\n[\s\S]*?)```/g))
    writeFileSync(name, text);
  writeFileSync('site.yaml', JSON.stringify(SITE));
});
/** An SLO whose alert looks at half an hour, whatever the guide has. */
const SITE = {
  ...{ kind: 'slo', name: 'site', service: 'any', sli: 'any', objective: 0.99, missingData: 'good' },
  ...{ indicator: { kind: 'ratio' }, budgeting: { method: 'occurrences' }, window: { rolling: '30d' } },
  alerting: { windows: [{ severity: 'page', tier: 'fast', long: '30m', short: '5m', burn: 14.4 }] },
};
afterAll(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true, force: true });
});

test('the guide shows commands, and the files that they need', () => {
  expect(commandsOf(GUIDE).length).toBeGreaterThanOrEqual(14);
  const used = commandsOf(GUIDE).flatMap(({ command }) => command.match(/\S+\.(yaml|mjs)/g) ?? []);
  expect(new Set(used).size).toBeGreaterThanOrEqual(9);
  for (const name of used) expect([name, existsSync(name)]).toEqual([name, true]);
});

withData(`with the data sets of ${DATA} (skipped where they are not)`, () => {
  test('every command of the guide prints what it says', async () => {
    for (const { command, prints } of commandsOf(GUIDE)) {
      const [first = '', ...filters] = command.split(' | ');
      let printed: string;
      if (first.startsWith('npx bellwether ')) {
        printed = await bellwether(words(first.slice('npx bellwether '.length)));
        for (const filter of filters)
          printed = execFileSync('sh', ['-c', filter], { input: printed, encoding: 'utf8' });
      } else {
        printed = execFileSync('sh', ['-c', command], {
          encoding: 'utf8',
          env: { ...process.env, PATH: `${path.dirname(process.execPath)}:${process.env.PATH}` },
        });
      }
      expect([command, printed.trimEnd()]).toEqual([command, prints]);
    }
  });

  const NEZHA =
    '--csv nezha/front_service_2022-08-22.csv --at TimeStamp --labels incidents.csv --incident-length 3m';
  const nezha = () => rowsOf('nezha/front_service_2022-08-22.csv');
  const nezhaSuccess = () =>
    nezha().map((row) => ({
      at: Number(row.TimeStamp) * 1000,
      good: Number(row['SuccessRate(%)']) / 100,
      total: 1,
    }));
  const nezhaFaults = () =>
    rowsOf('incidents.csv').map(({ start }) => ({
      from: Number(start) * 1000,
      to: Number(start) * 1000 + 3 * MINUTE,
    }));

  test('Nezha: alerts are those of a reckoning from the rows alone, and so is what they are worth', async () => {
    const short = await backtest(`${NEZHA} -f short.yaml --value SuccessRate(%) --unit percent`);
    const pages = reckon(nezhaSuccess(), { objective: 0.99, long: 5, short: 2, burn: 1.5 });
    expect(firingsOf(short)).toEqual(pages);
    expect(scoreOf(short)).toEqual(judge(pages, nezhaFaults()));
    expect(scoreOf(short)).toMatchObject({ incidents: 24, found: 5, falseAlarms: 2 });
    const slow = nezha().map((row) => ({
      at: Number(row.TimeStamp) * 1000,
      good: Number(row['LatencyP95(s)']) <= 1.8 ? 1 : 0,
      total: 1,
    }));
    const latency = await backtest(
      `${NEZHA} -f latency.yaml --slo one-slow-minute --value LatencyP95(s) --unit s`,
    );
    const slowPages = reckon(slow, { objective: 0.95, long: 4, short: 2, burn: 3 });
    expect(firingsOf(latency)).toEqual(slowPages);
    expect(scoreOf(latency)).toEqual(judge(slowPages, nezhaFaults()));
  });

  test('Nezha: what the guide says of what is found and missed is so', async () => {
    const short = await backtest(`${NEZHA} -f short.yaml --value SuccessRate(%) --unit percent`);
    const latency = await backtest(
      `${NEZHA} -f latency.yaml --slo one-slow-minute --value LatencyP95(s) --unit s`,
    );
    const incidents = short.score?.incidents ?? [];
    const missed = incidents.filter(
      ({ detectedAt }, i) => detectedAt === null && latency.score?.incidents[i]?.detectedAt === null,
    );
    expect([incidents.length, missed.length]).toEqual([24, 9]);
    for (const { from, to } of missed) {
      const during = nezha().filter(({ TimeStamp }) => {
        const at = Number(TimeStamp) * 1000;
        return at >= Date.parse(from) && at <= Date.parse(to) + MINUTE;
      });
      expect(during.length).toBeGreaterThanOrEqual(3);
      for (const row of during) {
        expect(Number(row['SuccessRate(%)'])).toBe(100);
        expect(Number(row['LatencyP95(s)'])).toBeLessThan(1.5);
      }
    }
    const calm = nezha().filter(
      ({ TimeStamp }) => Number(TimeStamp) > Date.parse('2022-08-22T08:10:00Z') / 1000,
    );
    expect(calm.length).toBeGreaterThan(15.5 * 60);
    expect(Math.max(...calm.map((row) => Number(row['LatencyP95(s)'])))).toBeLessThanOrEqual(1.8);
  });

  const PETSITE = '--csv petshop/service_sli_5min.csv --where service=PetSite --at unix_ts';
  const PETSITE_LABELS =
    '--labels petshop/issues.csv --label-start first_ts --label-end last_ts --label-name issue';
  const petsite = () =>
    rowsOf('petshop/service_sli_5min.csv')
      .filter(({ service }) => service === 'PetSite')
      .map((row) => ({ ...row, at: Number(row.unix_ts) * 1000 }) as { at: number } & Record<string, string>)
      .sort((a, b) => a.at - b.at);
  const petsiteFaults = (metric?: string) =>
    rowsOf('petshop/issues.csv')
      .map((fault) => ({
        name: fault.issue as string,
        metric: fault.target_metric,
        from: Number(fault.first_ts) * 1000,
        to: Number(fault.last_ts) * 1000,
      }))
      .filter((fault) => metric === undefined || fault.metric === metric);
  const foundIn = ({ score }: Backtest) =>
    score?.incidents.flatMap(({ name, detectedAt }) => (detectedAt === null ? [] : [name]));

  /** Both halves of the recording, as the guide has them: with faults, and without; and both as one. */
  async function petsiteRuns(
    argv: string,
    alert: AlertOf,
    pointOf: (row: Record<string, string>) => Omit<Point, 'at'>,
  ) {
    const pages: Firing[] = [];
    const runs: Backtest[] = [];
    for (const split of ['train', 'noissue']) {
      const labels = split === 'train' ? PETSITE_LABELS : '';
      const result = await backtest(`${argv} ${PETSITE} --where split=${split} ${labels}`);
      const points = petsite().filter((row) => row.split === split);
      const reckoned = reckon(
        points.map((row) => ({ at: row.at, ...pointOf(row) })),
        alert,
      );
      expect(firingsOf(result)).toEqual(reckoned);
      if (labels !== '') expect(scoreOf(result)).toEqual(judge(reckoned, petsiteFaults()));
      pages.push(...reckoned);
      runs.push(result);
    }
    const [faulty, calm] = runs as [Backtest, Backtest];
    return { faulty, calm, worth: judge(pages, petsiteFaults()) };
  }

  test('PetShop: availability finds its four faults, with the two false alarms of the rows', async () => {
    const { faulty, calm, worth } = await petsiteRuns(
      '-f petsite-short.yaml --value availability_pct --count requests --unit percent',
      { objective: 0.99, long: 15, short: 5, burn: 2, absentIsGood: true },
      ({ requests, availability_pct }) => ({
        good: Math.round((Number(requests) * Number(availability_pct)) / 100),
        total: Number(requests),
      }),
    );
    expect(worth).toEqual({ incidents: 8, found: 4, falseAlarms: 2, precision: 4 / 6, recall: 0.5 });
    expect(foundIn(faulty)).toEqual(petsiteFaults('availability').map(({ name }) => name));
    // Nobody labelled them, and they are none the less outages.
    for (const { firedAt } of calm.alerts) {
      const reading = petsite().findLast(({ at }) => at < Date.parse(firedAt));
      expect(Number(reading?.availability_pct)).toBeLessThan(98);
    }
  });

  test.each([
    ['one-slow-reading', 5, { found: 4, falseAlarms: 6, precision: 0.4 }],
    ['two-of-three', 10, { found: 2, falseAlarms: 0, precision: 1 }],
  ] as const)('PetShop: latency, %s', async (slo, burn, expected) => {
    const { faulty, worth } = await petsiteRuns(
      `-f petsite-latency.yaml --slo ${slo} --value latency_p95_s --unit s`,
      { objective: 0.95, long: 15, short: 5, burn, absentIsGood: true },
      ({ latency_p95_s }) => ({ good: Number(latency_p95_s) <= 0.42 ? 1 : 0, total: 1 }),
    );
    expect(worth).toMatchObject(expected);
    const faults = petsiteFaults('latency').map(({ name }) => name);
    for (const name of foundIn(faulty) ?? []) expect(faults).toContain(name);
  });

  const [FROM, TO] = ['2024-12-20T00:00:00Z', '2025-01-20T00:00:00Z'].map((time) => Date.parse(time)) as [
    number,
    number,
  ];
  const SPAN =
    '--good-when state=up --from 2024-12-20T00:00:00Z --to 2025-01-20T00:00:00Z --labels outages.csv';
  const probes = (file: string, site: string) =>
    rowsOf(`probes/${file}.csv`)
      .filter((row) => row.site === site)
      .map(({ commit_time, state }) => ({ at: Date.parse(commit_time as string), state }))
      .sort((a, b) => a.at - b.at);
  const PRESET = [
    { objective: 0.99, long: 60, short: 5, burn: 14.4 },
    { objective: 0.99, long: 360, short: 30, burn: 6 },
    { objective: 0.99, long: 1440, short: 120, burn: 3 },
    { objective: 0.99, long: 4320, short: 360, burn: 1 },
  ];
  const within = (firings: Firing[]) =>
    firings.filter(([fired]) => Date.parse(fired) >= FROM && Date.parse(fired) < TO);
  /** The rows that the span of the guide looks at: its own, and those of the longest look-back of an alert before it. */
  const lookedAt = <T extends { at: number }>(rows: T[]): T[] =>
    rows.filter(({ at }) => at >= FROM - 4 * 1440 * MINUTE && at < TO);
  const pointsOf = (rows: { at: number; state: string | undefined }[]) =>
    rows.map(({ at, state }) => ({ at, good: state === 'up' ? 1 : 0, total: 1 }));
  /** From a row that is down to the next one that is up, in the span of the guide. */
  const outages = (rows: { at: number; state: string | undefined }[]) =>
    rows.flatMap(({ at, state }, i) => {
      if (state === 'up' || rows[i - 1]?.state === 'down' || at < FROM || at >= TO) return [];
      return [{ from: at, to: rows.slice(i).find((row) => row.state === 'up')?.at ?? Infinity }];
    });
  const worthAPage = ({ from, to }: { from: number; to: number }) => to - from >= 15 * MINUTE;

  test('a status page: rows are no checks, and fire every alert of the preset for each outage', async () => {
    const rows = probes('TORO-Server', 'TORO Dynmap');
    const result = await backtest(
      `-f website.yaml --csv probes/TORO-Server.csv --where "site=TORO Dynmap" --at commit_time ${SPAN}`,
    );
    const fired = PRESET.flatMap((alert) =>
      within(reckon(pointsOf(lookedAt(rows)), alert)).map(([at]) => at),
    );
    expect(result.alerts.map(({ firedAt }) => firedAt)).toEqual(fired.sort());
    expect([result.alerts.length, outages(rows).length, outages(rows).filter(worthAPage).length]).toEqual([
      61, 16, 6,
    ]);
    expect(scoreOf(result)).toEqual({ incidents: 6, found: 6, falseAlarms: 10, precision: 0.375, recall: 1 });
  });

  test('a status page: with its checks, and a floor, each outage is found by one page', async () => {
    const rows = probes('TORO-Server', 'TORO Dynmap');
    const checks = rows.flatMap(({ at, state }, i) => {
      const until = rows[i + 1]?.at ?? at + 1;
      return Array.from({ length: Math.ceil((until - at) / (5 * MINUTE)) }, (_, k) => ({
        at: at + k * 5 * MINUTE,
        state,
      }));
    });
    const known = outages(rows).filter(worthAPage);
    const firings = (alert: AlertOf) => within(reckon(pointsOf(lookedAt(checks)), alert));
    const result = await backtest(`-f website-short.yaml --csv checks.csv ${SPAN}`);
    const pages = firings({ objective: 0.99, long: 30, short: 5, burn: 14.4, minBad: 4 });
    expect(firingsOf(result)).toEqual(pages);
    expect(scoreOf(result)).toEqual(judge(pages, known));
    expect(judge(pages, known)).toMatchObject({ incidents: 6, found: 6, falseAlarms: 0 });
    // The preset, as the guide shows it on the left.
    const [fast, slow, ...tickets] = PRESET.map(firings) as [Firing[], Firing[], ...Firing[][]];
    expect(GUIDE).toMatch(new RegExp(`pages fired +${fast.length + slow.length} +${pages.length}\n`));
    expect(GUIDE).toMatch(new RegExp(`tickets fired +${tickets.flat().length} +0\n`));
    const { found, falseAlarms } = judge([...fast, ...slow], known, tickets.flat());
    expect(GUIDE).toMatch(
      new RegExp(`incidents found +${found} of 6 +6 of 6\nfalse alarms +${falseAlarms} +0\n`),
    );
  });

  test.each([
    ['honch-io', 'Honch Ingest', ''],
    ['manticoresoftware', 'Catalog Demo', ''],
    ['manticoresoftware', 'Community Forum', ''],
    ['TORO-Server', 'TORO Minecraft Server', '--from 2024-12-20T00:00:00Z --to 2025-01-20T00:00:00Z'],
  ])(
    'probes of %s, %s: each row is one check, and one that is down is alerted on',
    async (file, site, span) => {
      const result = await backtest(
        `-f site.yaml --csv probes/${file}.csv --where "site=${site}" --at commit_time --good-when state=up ${span}`,
      );
      const rows = probes(file, site);
      const isIn = (at: number) => span === '' || (at >= FROM && at < TO);
      const counted = (of: 'good' | 'total') => result.points.reduce((sum, point) => sum + point[of], 0);
      const seen = rows.filter(({ at }) => isIn(at));
      expect([counted('good'), counted('total')]).toEqual([
        seen.filter(({ state }) => state === 'up').length,
        seen.length,
      ]);
      expect(counted('good')).toBeLessThan(counted('total'));
      const page = { objective: 0.99, long: 30, short: 5, burn: 14.4, absentIsGood: true };
      const firings = reckon(pointsOf(span === '' ? rows : lookedAt(rows)), page).filter(([fired]) =>
        isIn(Date.parse(fired)),
      );
      expect(firings.length).toBeGreaterThan(0);
      expect(firingsOf(result)).toEqual(firings);
    },
  );

  test('probes: the state says what is up, and no status code does', async () => {
    const rows = rowsOf('probes/honch-io.csv').filter(
      ({ site, commit_time = '' }) => site === 'Honch MCP Server' && commit_time >= '2026-08-10',
    );
    for (const [column, value, expected] of [
      ['state', 'up', 13],
      ['http_status', '200', 0],
    ] as const) {
      const { points } = await backtest(
        `-f site.yaml --csv probes/honch-io.csv --where "site=Honch MCP Server" --at commit_time --good-when ${column}=${value} --from 2026-08-10T00:00:00Z`,
      );
      expect(rows.filter((row) => row[column] === value)).toHaveLength(expected);
      expect(points.reduce((sum, point) => sum + point.good, 0)).toBe(expected);
    }
  });
});
