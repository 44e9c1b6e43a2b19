import {
  type Backtest,
  BacktestLimits,
  formatDuration,
  KNOWN_UNITS,
  measurementUnit,
} from '@bellwether/contracts';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type Candidate, type CandidateOptions, chooseCandidates, resolved } from '../backtest/candidates.js';
import type { CsvOptions } from '../backtest/csv-mapping.js';
import { type CsvPoints, readPoints } from '../backtest/csv-points.js';
import { instantOf } from '../backtest/instant.js';
import { type Label, type LabelOptions, labelsOf, readLabels } from '../backtest/labels.js';
import { runLocally } from '../backtest/local.js';
import { ProgressBar } from '../backtest/progress-bar.js';
import { runRemotely } from '../backtest/remote.js';
import { comparison, notesOf, oneTable } from '../backtest/tables.js';
import { CliError, ExitCode } from '../errors.js';
import {
  collect,
  length,
  lengthText,
  number,
  type OpenSession,
  present,
  type Session,
  whole,
} from './command.js';

interface BacktestOptions extends CandidateOptions, CsvOptions, LabelOptions {
  from?: string;
  to?: string;
  last?: number;
  csv?: string;
  unit?: string;
  cadence?: string;
  labels?: string;
  grace: number;
  points: number;
  minPrecision?: number;
  minRecall?: number;
}

const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;
const GRACE = length(BacktestLimits.defaultGrace);

/** `backtest`: what would have fired, on the recorded measurements or on a file. */
export function backtestCommand(program: Command, open: OpenSession): void {
  program
    .command('backtest')
    .description('what would have fired, had a definition been in force')
    .option('-f, --file <path>', 'definitions to try, as for apply; may be repeated', collect)
    .option(
      '--slo <name>',
      'which SLO of the files, or without -f one that is defined; may be repeated',
      collect,
    )
    .option('--against <file or name>', 'a definition to compare with, side by side')
    .option('--from <time>', 'from when (RFC 3339); 30 days before --to without it, of a file all of it')
    .option('--to <time>', 'until when (RFC 3339); now without it, of a file all of it')
    .option('--last <duration>', 'in place of --from, such as 7d', length)
    .option('--points <number>', 'points of the budget at most', whole, 120)
    .optionsGroup('Known incidents:')
    .option('--labels <path>', 'incidents that should be found: CSV (start,end,name,service) or JSON')
    .option('--label-start <column>', 'in place of start')
    .option('--label-end <column>', 'in place of end')
    .option('--label-name <column>', 'in place of name')
    .option('--label-service <column>', 'in place of service: only incidents of the SLO’s service count')
    .option('--incident-length <duration>', 'how long incidents without an end last', length)
    .addOption(
      new Option('--grace <duration>', 'how long after its end an alert still finds an incident')
        .argParser(length)
        .default(GRACE, BacktestLimits.defaultGrace),
    )
    .option('--min-precision <ratio>', 'exit with 1 below it, such as 0.9', ratio)
    .option('--min-recall <ratio>', 'exit with 1 below it', ratio)
    .optionsGroup('Measurements of a file, without a server:')
    .option(
      '--csv <path>',
      'CSV with a line of names: at, and good or bad with total, or value and count; - is standard input',
    )
    .option('--at <column>', 'the time: RFC 3339, or the epoch in seconds or milliseconds')
    .option('--good <column>', 'good events')
    .option('--bad <column>', 'bad events, in place of --good')
    .option('--total <column>', 'all events')
    .option('--value <column>', 'a measured value, such as a latency or a percentage')
    .option('--count <column>', 'how many observations the value stands for')
    .option(
      '--good-when <column=value>',
      'each row is one event, good when this holds; may be repeated',
      collect,
    )
    .option('--where <column=value>', 'only rows for which this holds; may be repeated', collect)
    .option('--unit <unit>', `unit of the values: ${KNOWN_UNITS.join(', ')}, or one of your own`, unitOf)
    .option('--cadence <duration>', 'how often it is measured; the median gap without it', lengthText)
    .addHelpText(
      'after',
      `
Examples:
  bellwether backtest -f slo.yaml --from 2026-10-01T00:00:00Z --labels incidents.csv
  bellwether backtest -f slo.yaml --against checkout-availability --last 30d
  bellwether backtest -f slo.yaml --csv requests.csv --at time --bad errors --total requests

An alert finds an incident when it fires from its start to its end, or within --grace after.
Exit codes: 0 done, 1 refused, not found, or below --min-precision or --min-recall, 2 wrong call or
invalid file, 3 server not reachable.`,
    )
    .action(async (options: BacktestOptions, command: Command) => {
      const session = open(command);
      check(options);
      const candidates = chooseCandidates(options);
      const labels = options.labels === undefined ? undefined : await readLabels(options.labels, options);
      const tried = await tryAll(session, candidates, labels, options);
      report(session, tried);
      judge(tried, options);
    });
}

interface Tried {
  title: string;
  result: Backtest;
}

/** @throws CliError (usage) */
function check(options: BacktestOptions): void {
  if (options.from !== undefined && options.last !== undefined)
    throw new CliError('--from and --last exclude each other', ExitCode.usage);
  if ((options.minPrecision ?? options.minRecall) !== undefined && options.labels === undefined)
    throw new CliError('--min-precision and --min-recall need incidents: --labels <path>', ExitCode.usage);
  if (options.csv !== undefined) return;
  const ofFiles = [
    'at',
    'good',
    'bad',
    'total',
    'value',
    'count',
    'goodWhen',
    'where',
    'unit',
    'cadence',
  ] as const;
  const stray = ofFiles.find((name) => options[name] !== undefined);
  if (stray !== undefined)
    throw new CliError(
      `--${stray.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} is about a file: name it with --csv`,
      ExitCode.usage,
    );
}

async function tryAll(
  session: Session,
  candidates: readonly Candidate[],
  labels: readonly Label[] | undefined,
  options: BacktestOptions,
): Promise<Tried[]> {
  const bar = new ProgressBar(session.output);
  try {
    return options.csv === undefined
      ? await onTheServer(session, candidates, labels, options, bar)
      : await onAFile(session, candidates, labels, options, bar);
  } finally {
    bar.end();
  }
}

async function onTheServer(
  session: Session,
  candidates: readonly Candidate[],
  labels: readonly Label[] | undefined,
  options: BacktestOptions,
  bar: ProgressBar,
): Promise<Tried[]> {
  const to = time(options.to, '--to') ?? session.now().getTime();
  const from = time(options.from, '--from') ?? to - (options.last ?? 30 * DAY);
  const tried: Tried[] = [];
  for (const candidate of candidates) {
    const { title, name } = candidate;
    const incidents = labels && labelsOf(labels, (await resolved(candidate, session)).definition.service);
    const body = {
      slo: candidate.definition ?? name,
      from: new Date(from).toISOString(),
      to: new Date(to).toISOString(),
      points: options.points,
      grace: formatDuration(options.grace),
      ...(incidents && { incidents }),
    };
    const result = await runRemotely(session, body, (progress) => bar.show(title, progress));
    tried.push({ title, result });
  }
  return tried;
}

async function onAFile(
  session: Session,
  candidates: readonly Candidate[],
  labels: readonly Label[] | undefined,
  options: BacktestOptions,
  bar: ProgressBar,
): Promise<Tried[]> {
  const all = [];
  for (const candidate of candidates) all.push({ ...candidate, ...(await resolved(candidate, session)) });
  const groups = all.flatMap(({ definition }) => definition.groupBy?.label ?? []);
  const points: CsvPoints = await readPoints(options.csv as string, options, [...new Set(groups)]);
  if (points.blank > 0)
    session.output.err(`note: ${points.blank} cells without a number: nothing was measured then`);
  const to = time(options.to, '--to');
  // The whole minutes that anything was measured in.
  const end = to ?? (points.last === null ? null : Math.floor(points.last / MINUTE + 1) * MINUTE);
  const from = options.last === undefined || end === null ? time(options.from, '--from') : end - options.last;
  return all.map(({ title, definition, sli }) => {
    const own = {
      unit: options.unit ?? sli?.unit,
      ...((options.cadence ?? sli?.cadence) === undefined
        ? {}
        : { cadence: options.cadence ?? sli?.cadence }),
    };
    const incidents = labels && labelsOf(labels, definition.service);
    const { grace, points: most } = options;
    const result = runLocally(
      { definition, sli: own, points, from, to, most, incidents, grace },
      (progress) => bar.show(title, progress),
    );
    return { title, result };
  });
}

function report(session: Session, tried: readonly Tried[]): void {
  const [only, ...more] = tried as [Tried, ...Tried[]];
  const notes = tried.map(({ title, result }) => notesOf(title, result));
  if (more.length === 0) {
    present(session, only.result, (result) => oneTable(only.title, result, notes.flat()));
    return;
  }
  const backtests = tried.map(({ title, result }) => ({ title, ...result }));
  present(session, { backtests }, () => {
    const each = tried.map(({ title, result }, i) => oneTable(title, result, notes[i] ?? []));
    return [...each, comparison(tried)].join('\n\n');
  });
}

/** Fails when the first definition, which is the one that is proposed, is not good enough. */
function judge([first]: readonly Tried[], { minPrecision, minRecall }: BacktestOptions): void {
  const score = first?.result.score;
  const faults = [
    ['precision', score?.precision, minPrecision],
    ['recall', score?.recall, minRecall],
  ] as const;
  const missed = faults.filter(([, is, least]) => least !== undefined && (is ?? 0) < least);
  if (missed.length === 0) return;
  throw new CliError(
    missed
      .map(
        ([what, is, least]) =>
          `${what} is ${typeof is === 'number' ? Number(is.toFixed(3)) : 'not known'}, below ${least}`,
      )
      .join('; '),
    ExitCode.failed,
  );
}

/** @throws CliError (usage) */
function time(text: string | undefined, option: string): number | null {
  if (text === undefined) return null;
  const at = instantOf(text);
  if (at === null)
    throw new CliError(`${option} "${text}" is not a time such as 2026-11-22T10:00:00Z`, ExitCode.usage);
  return at;
}

/** @throws CliError (usage) */
function ratio(text: string): number {
  const value = number(text);
  if (value < 0 || value > 1) throw new CliError(`"${text}" is not a ratio from 0 to 1`, ExitCode.usage);
  return value;
}

function unitOf(text: string): string {
  const parsed = measurementUnit.safeParse(text);
  if (!parsed.success) throw new InvalidArgumentError(`It ${parsed.error.issues[0]?.message}.`);
  return parsed.data;
}
