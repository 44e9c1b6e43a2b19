import type { PrometheusSource } from '@bellwether/contracts';

const CLOSED_BY: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };
const QUERIES = ['good', 'bad', 'total', 'query'] as const;
export type QueryName = (typeof QUERIES)[number];

/** What can be told of a query without parsing PromQL. */
interface QueryText {
  /** The query without strings and comments: what is left of `a{b="rate("}` has no rate in it. */
  code: string;
  /** Why Prometheus will refuse it; null when that is not known. */
  fault: string | null;
}

function read(query: string): QueryText {
  let code = '';
  let fault: string | null = null;
  const open: string[] = [];
  for (let i = 0; i < query.length; i++) {
    const char = query[i] as string;
    if (char === '#') {
      const end = query.indexOf('\n', i);
      i = (end === -1 ? query.length : end) - 1;
    } else if (char === '"' || char === "'" || char === '`') {
      const end = endOfString(query, i);
      if (end === -1) return { code, fault: fault ?? `has a ${char} that is not closed` };
      i = end;
    } else {
      code += char;
      if (char in CLOSED_BY) open.push(char);
      else if (Object.values(CLOSED_BY).includes(char)) {
        const last = open.pop();
        if (last === undefined) fault ??= `has a ${char} that is not opened`;
        else if (CLOSED_BY[last] !== char) fault ??= `has a ${last} that is closed by a ${char}`;
      }
    }
  }
  const last = open.at(-1);
  return { code, fault: fault ?? (last === undefined ? null : `has a ${last} that is not closed`) };
}

/** Where a string ends that begins at `start`; -1 when it does not. */
function endOfString(query: string, start: number): number {
  const quote = query[start];
  for (let i = start + 1; i < query.length; i++) {
    if (query[i] === '\\' && quote !== '`') i++;
    else if (query[i] === quote) return i;
  }
  return -1;
}

/** Of these functions answers are numbers of events, or of something else, whatever they are made of. */
const NO_RATE =
  /\b(increase|i?delta|\w+_over_time|histogram_quantile)\s*\(|\b(count|group|quantile)\s*(\(|by\b|without\b)|\bbool\b/;

/**
 * Whether a query of events answers with events per second: it is of `rate` or `irate`, and not of an `increase`. What
 * is multiplied or divided may be of any unit, and is not taken for a rate.
 */
export function isRate(query: string): boolean {
  const { code } = read(query);
  return /\bi?rate\s*\(/.test(code) && !NO_RATE.test(code) && !/[*/]/.test(code);
}

/** Whether a query answers with the events of a period. */
function isIncrease(query: string): boolean {
  const { code } = read(query);
  return /\bincrease\s*\(/.test(code) && !/\bi?rate\s*\(|[*/]/.test(code);
}

/** The queries of a source that count: good or bad events, and all. */
const counting = ({ good, bad, total }: PrometheusSource): [string, string] => [
  good ?? bad ?? '',
  total ?? '',
];

/** Whether two queries count events, both by the second or both by the period. */
export const countsAlike = (one: string, other: string): boolean =>
  [isRate, isIncrease].some((isSo) => isSo(one) && isSo(other));

/** A source as it is imported, where nothing says what its queries answer: rates are events per second. */
export function asItCounts(source: PrometheusSource): PrometheusSource {
  return counting(source).every(isRate) ? { ...source, per: 'second' } : source;
}

/** Whether a query takes a rate or an increase over `{{.window}}`, which needs two scrapes in it to be anything. */
export const needsScrapes = (source: PrometheusSource): boolean =>
  QUERIES.some((name) =>
    /\b(i?rate|increase|i?delta)\s*\([^()]*\[\s*\{\{\s*\.window\s*\}\}/.test(read(source[name] ?? '').code),
  );

/** The queries of a source that Prometheus will refuse, and why: brackets or quotes that do not close. */
export function queryFaults(source: PrometheusSource): { name: QueryName; path: string; message: string }[] {
  return QUERIES.flatMap((name) => {
    const query = source[name];
    const fault = query === undefined ? null : read(query).fault;
    return fault === null ? [] : [{ name, path: `source.prometheus.${name}`, message: fault }];
  });
}

/** What a person should know of the queries of a source before they rely on its numbers. */
export function queryWarnings(source: PrometheusSource): string[] {
  return [
    ...queryFaults(source).map(({ path, message }) => `${path}: ${message}: Prometheus will refuse it`),
    ...countWarnings(source).map((message) => `source.prometheus: ${message}`),
  ];
}

/** What is counted otherwise than it seems. */
export function countWarnings(source: PrometheusSource): string[] {
  const queries = counting(source);
  if (queries.some(isRate) && queries.some(isIncrease))
    return [
      'one query is a rate, of a second, and the other an increase, of a period: their ratio is none; use increase(…) in both, or rate(…) in both and per: second',
    ];
  return source.per === undefined && queries.every(isRate)
    ? [
        'the queries are rates, which are recorded as if they were numbers of events: say per: second, or use increase(…)',
      ]
    : [];
}
