import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { Backtest } from '@bellwether/contracts';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { run } from './program.js';

/** Other people's measurements, where this machine has them beside the checkout. */
const DATA = process.env.BELLWETHER_DATA_SETS ?? path.resolve(import.meta.dirname, '../../../../shared/data');
const withData = existsSync(path.join(DATA, 'nezha/front_service_2022-08-22.csv')) ? describe : describe.skip;
const GUIDE = readFileSync(path.resolve(import.meta.dirname, '../../../docs/backtest.md'), 'utf8');
const MINUTE = 60_000;

/** The command as it is typed, in this process; files are those of the folder it is in. */
async function bellwether(argv: string[]): Promise<string> {
  const out: string[] = [];
  await run(argv, {
    env: {},
    output: { out: (t) => void out.push(t), err: (t) => void out.push(t), interactive: false },
    now: () => new Date('2026-11-22T10:00:00Z'),
    cwd: '/',
  });
  return `${stripVTControlCharacters(out.join('\n'))}\n`;
}

const json = async (argv: string): Promise<Backtest> =>
  JSON.parse(await bellwether([...words(argv), '-o', 'json']));

/** A command line in words, as a shell has them. */
const words = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? '',
  );

/** The commands of the guide, and what it says that they print. */
function commandsOf(guide: string): { command: string; prints: string }[] {
  return [...guide.matchAll(/```console\n([\s\S]*?)```/g)].flatMap(([, block = '']) =>
    block
      .split(/^(?=\$ )/m)
      .filter((text) => text.startsWith('$ '))
      .map((text) => {
        const lines = text.slice(2).split('\n');
        const last = lines.findIndex((line) => !line.endsWith('\\'));
        const command = lines
          .slice(0, last + 1)
          .join('\n')
          .replaceAll('\\\n', ' ')
          .replaceAll(/ {2,}/g, ' ');
        return {
          command,
          prints: lines
            .slice(last + 1)
            .join('\n')
            .trimEnd(),
        };
      }),
  );
}

let folder: string;
let before: string;
beforeAll(() => {
  before = process.cwd();
  folder = mkdtempSync(path.join(os.tmpdir(), 'guide-'));
  process.chdir(folder);
  for (const set of ['nezha', 'petshop', 'probes']) symlinkSync(path.join(DATA, set), set);
  for (const [, text = '', name = ''] of GUIDE.matchAll(/```(?:yaml|js)\n((?:#|\/\/) (\S+)\n[\s\S]*?)```/g))
    writeFileSync(name, text);
});
afterAll(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true, force: true });
});

test('the guide shows commands, and the files that they need', () => {
  expect(commandsOf(GUIDE).length).toBeGreaterThanOrEqual(6);
  for (const name of ['slo.yaml', 'short.yaml', 'latency.yaml', 'incidents.mjs'])
    expect(existsSync(name)).toBe(true);
});

/** When an alert fires and resolves, reckoned minute by minute from all that was measured: no windows, no buckets. */
function reckon(
  points: { at: number; good: number; total: number }[],
  {
    objective,
    long,
    short,
    burn,
    absentIsGood,
  }: Record<'objective' | 'long' | 'short' | 'burn', number> & { absentIsGood: boolean },
): [fired: string, resolved: string | null][] {
  const minutes = new Map<number, { good: number; total: number }>();
  for (const { at, good, total } of points) {
    const minute = Math.floor(at / MINUTE);
    const known = minutes.get(minute) ?? { good: 0, total: 0 };
    minutes.set(minute, { good: known.good + good, total: known.total + total });
  }
  const rate = (end: number, length: number): number | null => {
    let [bad, total] = [0, 0];
    for (let minute = end - length; minute < end; minute++) {
      const own = minutes.get(minute);
      bad += (own?.total ?? 0) - (own?.good ?? 0);
      total += own?.total ?? 0;
    }
    if (total === 0) return absentIsGood ? 0 : null;
    return bad / total / (1 - objective);
  };
  const found: [string, string | null][] = [];
  let firing = false;
  const all = [...minutes.keys()];
  for (let end = Math.min(...all) + 1; end <= Math.max(...all) + 1; end++) {
    const rates = [rate(end, long), rate(end, short)];
    const now = new Date(end * MINUTE).toISOString();
    if (!firing && rates.every((each) => each !== null && each > burn + 1e-9)) {
      found.push([now, null]);
      firing = true;
    } else if (firing && rates.some((each) => each !== null && each <= burn + 1e-9)) {
      (found.at(-1) as [string, string | null])[1] = now;
      firing = false;
    }
  }
  return found;
}

const rowsOf = (file: string): Record<string, string>[] => {
  const [head = '', ...lines] = readFileSync(file, 'utf8').trim().split(/\r?\n/);
  const names = head.split(',');
  return lines.map((line) =>
    Object.fromEntries(line.split(',').map((cell, i) => [names[i] as string, cell])),
  );
};
const timesOf = ({ alerts }: Backtest) => alerts.map(({ firedAt, resolvedAt }) => [firedAt, resolvedAt]);
const slo = (name: string, window: string, fields: object): string =>
  JSON.stringify({
    kind: 'slo',
    name,
    service: 'any',
    sli: 'any',
    indicator: { kind: 'ratio' },
    budgeting: { method: 'occurrences' },
    window: { rolling: window },
    ...fields,
  });

withData('with the data sets', () => {
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
    'backtest --csv nezha/front_service_2022-08-22.csv --at TimeStamp --labels incidents.csv --incident-length 3m';
  const nezha = () => rowsOf('nezha/front_service_2022-08-22.csv');

  test('Nezha: alerts are those of a reckoning from the rows alone', async () => {
    const success = nezha().map((row) => ({
      at: Number(row.TimeStamp) * 1000,
      good: Number(row['SuccessRate(%)']) / 100,
      total: 1,
    }));
    const short = await json(`${NEZHA} -f short.yaml --value SuccessRate(%) --unit percent`);
    const page = { objective: 0.99, long: 5, short: 2, burn: 1.5, absentIsGood: false };
    expect(timesOf(short)).toEqual(reckon(success, page));
    const slow = nezha().map((row) => ({
      at: Number(row.TimeStamp) * 1000,
      good: Number(row['LatencyP95(s)']) <= 1.8 ? 1 : 0,
      total: 1,
    }));
    const latency = await json(
      `${NEZHA} -f latency.yaml --slo one-slow-minute --value LatencyP95(s) --unit s`,
    );
    expect(timesOf(latency)).toEqual(
      reckon(slow, { objective: 0.95, long: 4, short: 2, burn: 3, absentIsGood: false }),
    );
  });

  test('Nezha: what the guide says of what is found and missed is so', async () => {
    const short = await json(`${NEZHA} -f short.yaml --value SuccessRate(%) --unit percent`);
    const latency = await json(
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

  test('PetShop: every fault of availability is found, and none of latency', async () => {
    const windows = [{ severity: 'page', tier: 'fast', long: '15m', short: '5m', burn: 2 }];
    writeFileSync(
      'petsite.yaml',
      slo('petsite', '7d', { objective: 0.99, missingData: 'good', alerting: { windows } }),
    );
    const result = await json(
      'backtest -f petsite.yaml --csv petshop/service_sli_5min.csv --where service=PetSite --at unix_ts --value availability_pct --count requests --unit percent --labels petshop/issues.csv --label-start first_ts --label-end last_ts --label-name issue',
    );
    const points = rowsOf('petshop/service_sli_5min.csv')
      .filter(({ service }) => service === 'PetSite')
      .map((row) => {
        const total = Number(row.requests);
        return {
          at: Number(row.unix_ts) * 1000,
          good: Math.round((total * Number(row.availability_pct)) / 100),
          total,
        };
      });
    expect(timesOf(result)).toEqual(
      reckon(points, { objective: 0.99, long: 15, short: 5, burn: 2, absentIsGood: true }),
    );
    const faults = rowsOf('petshop/issues.csv');
    expect(result.score?.incidents.map(({ name, detectedAt }) => [name, detectedAt !== null])).toEqual(
      faults.map((fault) => [fault.issue, fault.target_metric === 'availability']),
    );
  });

  test.each(['honch-io', 'manticoresoftware', 'TORO-Server'])(
    'probes of %s: each row is one check',
    async (name) => {
      const sites = [...new Set(rowsOf(`probes/${name}.csv`).map(({ site }) => site as string))];
      const site = sites[0] as string;
      writeFileSync('website.yaml', slo('website', '400d', { objective: 0.9, alerting: { preset: 'none' } }));
      const result = JSON.parse(
        await bellwether([
          ...['backtest', '-f', 'website.yaml', '--csv', `probes/${name}.csv`, '--where', `site=${site}`],
          ...['--at', 'commit_time', '--good-when', 'state=up', '-o', 'json'],
        ]),
      ) as Backtest;
      const rows = rowsOf(`probes/${name}.csv`).filter((row) => row.site === site);
      const last = Math.max(...rows.map(({ commit_time }) => Date.parse(commit_time as string)));
      const within = rows.filter(
        ({ commit_time }) => Date.parse(commit_time as string) > last - 400 * 1440 * MINUTE,
      );
      expect(result.recorded.points).toBeGreaterThanOrEqual(within.length);
      const counted = result.points.reduce((total, point) => total + point.total, 0);
      expect(counted).toBe(rows.length);
      const up = rows.filter(({ state }) => state === 'up').length;
      expect(result.points.reduce((total, point) => total + point.good, 0)).toBe(up);
    },
  );
});
