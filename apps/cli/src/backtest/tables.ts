import type { Backtest, BacktestAlert, BacktestScore } from '@bellwether/contracts';
import pc from 'picocolors';
import { sparkline } from '../chart.js';
import { correctionLine } from '../commands/correction.js';
import { type Column, fields, percent, table } from '../output.js';

/** Alerts of one backtest that are printed; programs get them all. */
const LISTED = 40;
/** Missed incidents that are named. */
const NAMED = 10;

/** One backtest, for people. */
export function oneTable(title: string, result: Backtest, notes: readonly string[]): string {
  const parts = [
    [
      `${pc.bold(title)}  ${result.from} to ${result.to}`,
      budgetLine(result),
      ...notes.map((note) => `${pc.yellow('note')}: ${note}`),
    ].join('\n'),
    alertTable(result),
  ];
  if (result.score) parts.push(scoreFields(result.score));
  return parts.join('\n\n');
}

/** What a reader of numbers should know of them. */
export function notesOf(title: string, { recorded, status, from, warnings }: Backtest): string[] {
  const notes = warnings.map((warning) => `${title}: ${warning}`);
  if (recorded.unfit > 0)
    notes.push(
      `${title}: ${recorded.unfit === 1 ? '1 point is' : `${recorded.unfit} points are`} left out: the indicator has no reading for ${recorded.unfit === 1 ? 'it' : 'them'}`,
    );
  if (recorded.points === 0) notes.push(`${title}: nothing was measured in that time`);
  else if (recorded.historyAtFrom === 0)
    notes.push(`${title}: ${emptyUntil(from, recorded.firstAt)}: windows are young at first`);
  const corrected = correctionLine(status);
  if (corrected !== null) notes.push(`${title}: corrections at the end: ${corrected}`);
  if (status.frozen) notes.push(`${title}: frozen at the end: ${status.frozen.reason}`);
  return notes;
}

/** Up to when there was nothing to fill windows with: a span may begin long before its data do, and after a long silence. */
function emptyUntil(from: string, firstAt: string | null): string {
  return firstAt !== null && Date.parse(firstAt) < Date.parse(from)
    ? `nothing was measured in the window before ${from}`
    : `nothing was measured before ${firstAt ?? from}`;
}

function budgetLine({ points, status }: Backtest): string {
  const lows = points.map((point) => point.budgetRemainingMin ?? point.budgetRemaining);
  const known = lows.filter((low) => low !== null);
  const lowest = known.length === 0 ? null : Math.min(...known);
  const line = sparkline(every(lows, 60), { floor: 0, ceiling: 1, alarming: (value) => value < 0 });
  return `Budget left  ${line}  lowest ${percent(lowest, 1)}, ${percent(status.budget.remaining, 1)} at the end`;
}

/** The lowest of each of at most so many stretches. */
function every(values: readonly (number | null)[], most: number): (number | null)[] {
  const size = Math.ceil(values.length / most);
  return Array.from({ length: Math.ceil(values.length / size) }, (_, i) => {
    const known = values.slice(i * size, (i + 1) * size).filter((value) => value !== null);
    return known.length === 0 ? null : Math.min(...known);
  });
}

function alertTable({ alerts, score, to }: Backtest): string {
  if (alerts.length === 0) return 'no alert would have fired';
  const grouped = alerts.some(({ group }) => group !== undefined);
  const columns: Column<BacktestAlert>[] = [
    { head: 'ALERT', cell: ({ severity, tier }) => `${severity} ${tier}` },
    ...(grouped ? [{ head: 'GROUP', cell: ({ group }: BacktestAlert) => group?.value }] : []),
    { head: 'FIRED', cell: ({ firedAt }) => firedAt },
    { head: 'RESOLVED', cell: ({ resolvedAt }) => resolvedAt ?? 'still firing' },
    { head: 'LASTED', cell: (alert) => lengthOf(lasted(alert, to)) },
    { head: 'SPENT', cell: ({ budgetSpent }) => percent(budgetSpent, 1) },
    { head: 'LEFT', cell: ({ budgetRemaining }) => percent(budgetRemaining, 1) },
    ...(score ? [{ head: 'INCIDENT', cell: (alert: BacktestAlert) => found(alert, score) }] : []),
  ];
  const more = alerts.length - LISTED;
  return [table(columns, alerts.slice(0, LISTED)), ...(more > 0 ? [`and ${more} more`] : [])].join('\n');
}

function found({ incidents = [], joins = [] }: BacktestAlert, score: BacktestScore): string {
  const names = (of: readonly number[]) =>
    of.map((i) => score.incidents[i]?.name ?? score.incidents[i]?.from ?? '').join(', ');
  if (incidents.length > 0) return names(incidents);
  return joins.length > 0 ? `with ${names(joins)}` : pc.red('none');
}

const lasted = ({ firedAt, resolvedAt }: BacktestAlert, to: string): number =>
  (Date.parse(resolvedAt ?? to) - Date.parse(firedAt)) / 1000;

function scoreFields(score: BacktestScore): string {
  const missed = score.incidents.filter(({ counted, detectedAt }) => counted && detectedAt === null);
  const names = missed.slice(0, NAMED).map(({ name, from, firingBefore }) => {
    const called = name === null ? from : `${name} (${from})`;
    return firingBefore ? `${called}, while an alert was firing` : called;
  });
  const more = missed.length - names.length;
  return [
    fields([
      ['Precision', `${percent(score.precision, 1)}  ${alarms(score)}`],
      ['Recall', `${percent(score.recall, 1)}  ${score.truePositives} of ${incidents(score)} found`],
      ['Delay', delay(score)],
      ['Grace', score.grace],
    ]),
    ...names.map((name, i) => `${i === 0 ? 'Missed     ' : '           '}${name}`),
    ...(more > 0 ? [`           and ${more} more`] : []),
  ].join('\n');
}

const incidents = ({ truePositives, falseNegatives }: BacktestScore): string =>
  `${truePositives + falseNegatives} incidents`;
const alarms = ({ alarms, falsePositives }: BacktestScore): string =>
  `${falsePositives} of ${alarms === 1 ? '1 alarm' : `${alarms} alarms`} false`;

function delay({ detectionDelay }: BacktestScore): string {
  if (detectionDelay === null) return '–';
  const { mean, p50, p90, max } = detectionDelay;
  return `mean ${lengthOf(mean)}, p50 ${lengthOf(p50)}, p90 ${lengthOf(p90)}, max ${lengthOf(max)}`;
}

/** Several definitions over the same measurements, side by side. */
export function comparison(tried: readonly { title: string; result: Backtest }[]): string {
  const row = (what: string, of: (result: Backtest) => unknown) => ({
    what,
    cells: tried.map(({ result }) => of(result)),
  });
  const firing = ({ alerts, to }: Backtest): number =>
    alerts.reduce((sum, alert) => sum + lasted(alert, to), 0);
  const lowest = ({ points }: Backtest): number | null => {
    const lows = points
      .map((point) => point.budgetRemainingMin ?? point.budgetRemaining)
      .filter((low) => low !== null);
    return lows.length === 0 ? null : Math.min(...lows);
  };
  const severities = (['page', 'ticket'] as const).filter((severity) =>
    tried.some(({ result }) => result.alerts.some((alert) => alert.severity === severity)),
  );
  const scored = tried.some(({ result }) => result.score);
  const rows = [
    row('objective', ({ status }) => percent(status.objective)),
    ...severities.map((severity) =>
      row(`${severity}s fired`, ({ alerts }) => alerts.filter((alert) => alert.severity === severity).length),
    ),
    row('alerts lasted', (result) => lengthOf(firing(result))),
    row('budget left, lowest', (result) => percent(lowest(result), 1)),
    row('budget left, at the end', ({ status }) => percent(status.budget.remaining, 1)),
    ...(scored
      ? [
          row('precision', ({ score }) => percent(score?.precision, 1)),
          row('recall', ({ score }) => percent(score?.recall, 1)),
          row(
            'incidents found',
            ({ score }) => score && `${score.truePositives} of ${score.truePositives + score.falseNegatives}`,
          ),
          row('false alarms', ({ score }) => score?.falsePositives),
          row('delay, p50', ({ score }) => score?.detectionDelay && lengthOf(score.detectionDelay.p50)),
          row('delay, p90', ({ score }) => score?.detectionDelay && lengthOf(score.detectionDelay.p90)),
          row('delay, max', ({ score }) => score?.detectionDelay && lengthOf(score.detectionDelay.max)),
        ]
      : []),
  ];
  return table(
    [
      { head: '', cell: ({ what }) => what },
      ...tried.map(({ title }, i) => ({ head: title, cell: ({ cells }: (typeof rows)[number]) => cells[i] })),
    ],
    rows,
  );
}

/** A length of time in its two largest units: "1 h 57 min". */
function lengthOf(seconds: number): string {
  const units = [
    ['d', 86_400],
    ['h', 3_600],
    ['min', 60],
    ['s', 1],
  ] as const;
  const rounded = Math.round(seconds);
  const first = units.findIndex(([, size]) => rounded >= size);
  if (first < 0) return '0 s';
  const parts = units.slice(first, first + 2).map(([unit, size], i) => {
    const rest = i === 0 ? rounded : rounded % (units[first] as (typeof units)[number])[1];
    return [Math.floor(rest / size), unit] as const;
  });
  return parts
    .filter(([n]) => n > 0)
    .map(([n, unit]) => `${n} ${unit}`)
    .join(' ');
}
