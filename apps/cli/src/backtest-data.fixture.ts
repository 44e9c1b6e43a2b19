import { readFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import type { Backtest } from '@bellwether/contracts';
import { run } from './program.js';

const MINUTE = 60_000;
const GRACE = 5 * MINUTE;

/** The command as it is typed, in this process; files are those of the folder it is in. */
export async function bellwether(argv: string[]): Promise<string> {
  const out: string[] = [];
  await run(argv, {
    env: {},
    output: { out: (t) => void out.push(t), err: (t) => void out.push(t), interactive: false },
    now: () => new Date('2026-11-22T10:00:00Z'),
    cwd: '/',
  });
  return `${stripVTControlCharacters(out.join('\n'))}\n`;
}

export const backtest = async (argv: string): Promise<Backtest> =>
  JSON.parse(await bellwether(['backtest', ...words(argv), '-o', 'json']));

/** A command line in words, as a shell has them. */
export const words = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? '',
  );

/** The commands of a guide, and what it says that they print. */
export function commandsOf(guide: string): { command: string; prints: string }[] {
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

export const rowsOf = (file: string): Record<string, string>[] => {
  const [head = '', ...lines] = readFileSync(file, 'utf8').trim().split(/\r?\n/);
  const names = head.split(',');
  return lines.map((line) =>
    Object.fromEntries(line.split(',').map((cell, i) => [names[i] as string, cell])),
  );
};

/** What a row says was measured. */
export interface Point {
  at: number;
  good: number;
  total: number;
}
/** When an alert fired and resolved. */
export type Firing = [fired: string, resolved: string | null];

export interface AlertOf {
  objective: number;
  /** Look-backs in minutes. */
  long: number;
  short: number;
  burn: number;
  minBad?: number;
  absentIsGood?: boolean;
}

/**
 * When an alert fires and resolves, reckoned minute by minute from all that was measured: no windows, no buckets.
 * Without data in a look-back it stays as it is.
 */
export function reckon(points: readonly Point[], alert: AlertOf): Firing[] {
  const { objective, long, short, burn, minBad = 0, absentIsGood = false } = alert;
  const minuteOf = ({ at }: Point): number => Math.floor(at / MINUTE);
  const first = points.reduce((least, point) => Math.min(least, minuteOf(point)), Infinity);
  const length = points.reduce((most, point) => Math.max(most, minuteOf(point)), first) - first + 1;
  // What was bad, and all, before each minute.
  const bad = new Float64Array(length + 1);
  const all = new Float64Array(length + 1);
  for (const point of points) {
    bad[minuteOf(point) - first + 1]! += point.total - point.good;
    all[minuteOf(point) - first + 1]! += point.total;
  }
  for (let i = 1; i <= length; i++) {
    bad[i]! += bad[i - 1]!;
    all[i]! += all[i - 1]!;
  }
  const since = (sums: Float64Array, end: number, minutes: number): number =>
    sums[end]! - sums[Math.max(0, end - minutes)]!;
  const rate = (end: number, minutes: number): number | null => {
    const total = since(all, end, minutes);
    if (total === 0) return absentIsGood ? 0 : null;
    return since(bad, end, minutes) / total / (1 - objective);
  };
  const found: Firing[] = [];
  let firing = false;
  for (let end = 1; end <= length; end++) {
    const rates = [rate(end, long), rate(end, short)];
    const now = () => new Date((first + end) * MINUTE).toISOString();
    const isLow = rates.some((each) => each !== null && each <= burn + 1e-9);
    const isHigh = rates.every((each) => each !== null && each > burn + 1e-9);
    const isEnough = since(bad, end, long) >= minBad;
    if (!firing && isHigh && isEnough) {
      found.push([now(), null]);
      firing = true;
    } else if (firing && (isLow || (isHigh && !isEnough))) {
      found.at(-1)![1] = now();
      firing = false;
    }
  }
  return found;
}

/** How good alerts are, counted from when they fired and the known incidents alone. */
export function judge(
  pages: readonly Firing[],
  incidents: readonly { from: number; to: number }[],
  tickets: readonly Firing[] = [],
): { incidents: number; found: number; falseAlarms: number; precision: number; recall: number } {
  const alerts = [pages, tickets].flatMap((firings, rank) =>
    firings.map(([fired, resolved]) => {
      const from = Date.parse(fired);
      const finds = incidents.flatMap((incident, i) =>
        from >= incident.from && from <= incident.to + GRACE ? [i] : [],
      );
      return { rank, from, to: resolved === null ? Infinity : Date.parse(resolved), finds };
    }),
  );
  const found = new Set(alerts.flatMap(({ finds }) => finds)).size;
  /** What an alert is about: what it finds, else what those find that are firing when it fires. A page follows no ticket. */
  const about = ({ finds, from, rank }: (typeof alerts)[number]): number[] =>
    finds.length > 0
      ? finds
      : alerts
          .filter((other) => other.rank <= rank && other.from <= from && other.to >= from)
          .flatMap((o) => o.finds);
  // Each incident with all that some alert is about as well.
  const alarmOf = incidents.map((_, i) => i);
  for (const matter of alerts.map(about))
    for (const i of matter) {
      const [to, was] = [alarmOf[matter[0]!]!, alarmOf[i]!];
      for (const [k, alarm] of alarmOf.entries()) if (alarm === was) alarmOf[k] = to;
    }
  const rightAlarms = new Set(alerts.flatMap(about).map((i) => alarmOf[i])).size;
  let falseAlarms = 0;
  let end = Number.NEGATIVE_INFINITY;
  const vain = alerts.filter((alert) => about(alert).length === 0);
  for (const { from, to } of vain.sort((one, other) => one.from - other.from)) {
    // Those that overlap would have been one incident.
    if (from > end) falseAlarms++;
    end = Math.max(end, to);
  }
  return {
    incidents: incidents.length,
    found,
    falseAlarms,
    precision: rightAlarms / (rightAlarms + falseAlarms),
    recall: found / incidents.length,
  };
}

export const firingsOf = ({ alerts }: Backtest): Firing[] =>
  alerts.map(({ firedAt, resolvedAt }) => [firedAt, resolvedAt]);

/** The score of a backtest as {@link judge} counts it. */
export function scoreOf({ score }: Backtest): ReturnType<typeof judge> | null {
  if (score === null || score === undefined) return null;
  const { truePositives, falsePositives, falseNegatives, precision, recall } = score;
  return {
    incidents: truePositives + falseNegatives,
    found: truePositives,
    falseAlarms: falsePositives,
    precision: precision as number,
    recall: recall as number,
  };
}
