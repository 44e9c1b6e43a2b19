import { CliError, ExitCode } from '../errors.js';
import { columnOf } from './table-file.js';

/** Which columns of a file are what: the options as they were given. */
export interface CsvOptions {
  at?: string;
  good?: string;
  bad?: string;
  total?: string;
  value?: string;
  count?: string;
  /** `column=value`: each row is one event, good when any holds. */
  goodWhen?: string[];
  /** `column=value`: only rows for which one holds for each of the columns named. */
  where?: string[];
}

/** A test of cells: a row passes when the cell of each column is one of its values. */
export type Filter = ReadonlyMap<number, ReadonlySet<string>>;

/** What is read from a row, by places of cells. */
export type Reading =
  | { kind: 'counts'; good: number | null; bad: number | null; total: number }
  | { kind: 'values'; value: number; count: number | null }
  | { kind: 'state'; good: Filter };

export interface Mapping {
  at: number;
  reading: Reading;
  where: Filter;
  /** Labels that are read, by place. */
  labels: { label: string; place: number }[];
}

/**
 * What a file's columns are: as the options say, and else by their names `at`, `good` or `bad` with `total`, `value` and
 * `count`.
 * @param labels that definitions are grouped by: columns of that name are read as labels
 * @throws CliError (usage)
 */
export function mappingOf(
  file: string,
  columns: readonly string[],
  options: CsvOptions,
  labels: readonly string[],
): Mapping {
  const placed = (name: string | undefined, option: string): number | null =>
    name === undefined ? null : columnOf(file, columns, name, option);
  const named = (name: string): number | null => (columns.includes(name) ? columns.indexOf(name) : null);
  const at = placed(options.at, '--at') ?? named('at');
  if (at === null)
    throw new CliError(`${file} has no column "at"; say which one has the time, with --at`, ExitCode.usage, [
      `its columns are ${columns.join(', ')}`,
    ]);
  const given = {
    good: placed(options.good, '--good'),
    bad: placed(options.bad, '--bad'),
    total: placed(options.total, '--total'),
    value: placed(options.value, '--value'),
    count: placed(options.count, '--count'),
  };
  const where = filterOf(file, columns, options.where ?? [], '--where');
  return {
    at,
    where,
    labels: labels.flatMap((label) => {
      const place = named(label);
      return place === null ? [] : [{ label, place }];
    }),
    reading: readingOf(file, columns, options, given, named),
  };
}

function readingOf(
  file: string,
  columns: readonly string[],
  { goodWhen }: CsvOptions,
  given: Record<'good' | 'bad' | 'total' | 'value' | 'count', number | null>,
  named: (name: string) => number | null,
): Reading {
  const counts = [given.good, given.bad, given.total].some((place) => place !== null);
  const kinds = [goodWhen !== undefined, given.value !== null, counts].filter(Boolean).length;
  if (kinds > 1)
    throw new CliError('take one of --good or --bad with --total, --value, or --good-when', ExitCode.usage);
  if (goodWhen !== undefined)
    return { kind: 'state', good: filterOf(file, columns, goodWhen, '--good-when') };
  if (given.value !== null)
    return { kind: 'values', value: given.value, count: given.count ?? named('count') };
  const total = given.total ?? named('total');
  const good = given.good ?? (given.bad === null ? named('good') : null);
  const bad = given.bad ?? (good === null ? named('bad') : null);
  if (given.good !== null && given.bad !== null)
    throw new CliError(
      '--good and --bad exclude each other: the other one follows from --total',
      ExitCode.usage,
    );
  if (total !== null && (good !== null || bad !== null)) return { kind: 'counts', good, bad, total };
  const value = counts ? null : named('value');
  if (value !== null) return { kind: 'values', value, count: given.count ?? named('count') };
  throw new CliError(
    `say which columns of ${file} have the measurements: --good or --bad with --total, --value, or --good-when`,
    ExitCode.usage,
    [`its columns are ${columns.join(', ')}`],
  );
}

/** `column=value` as often as given; several values of a column are alternatives. */
function filterOf(
  file: string,
  columns: readonly string[],
  given: readonly string[],
  option: string,
): Filter {
  const filter = new Map<number, Set<string>>();
  for (const text of given) {
    const cut = text.indexOf('=');
    if (cut <= 0) throw new CliError(`${option} ${text} is not of the form column=value`, ExitCode.usage);
    const place = columnOf(file, columns, text.slice(0, cut), option);
    filter.set(place, (filter.get(place) ?? new Set()).add(text.slice(cut + 1)));
  }
  return filter;
}

/** Whether a row passes a filter. */
export function passes(filter: Filter, cells: readonly string[]): boolean {
  for (const [place, values] of filter) if (!values.has(cells[place] ?? '')) return false;
  return true;
}
