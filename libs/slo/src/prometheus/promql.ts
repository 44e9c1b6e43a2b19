import { formatDuration } from '@bellwether/contracts';
import { MINUTE } from '../time-grid.js';

/** A number as PromQL has it. */
export const number = (value: number): string => String(Number(value.toPrecision(12)));

/** A look-back of so many minutes. */
export const lookBack = (minutes: number): string => formatDuration(minutes * MINUTE);

/** The series of an SLO that a rule recorded. SLO names need no quoting: they are DNS labels. */
export const recorded = (series: string, slo: string, matchers = ''): string =>
  `${series}{slo="${slo}"${matchers}}`;

/**
 * A recorded series over a look-back of so many minutes: a second less, in which there are exactly as many records as are
 * due. Up to Prometheus 2 both ends belong to a range, and a record on the first would be of the time before.
 */
export const recordedOver = (series: string, slo: string, minutes: number): string =>
  `${recorded(series, slo)}[${rangeOf(minutes * 60 - 1)}]`;

/** `1d23h59m59s`: a range may have several units. */
function rangeOf(seconds: number): string {
  const units = [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
    ['s', 1],
  ] as const;
  let rest = seconds;
  return units
    .map(([unit, size]) => {
      const count = Math.floor(rest / size);
      rest -= count * size;
      return count === 0 ? '' : `${count}${unit}`;
    })
    .join('');
}

/** A query as an operand. On lines of its own, since it may end in a comment. */
export function operand(query: string): string {
  return /[#\n]/.test(query) ? `(\n${query}\n)` : `(${query})`;
}

/** An aggregation over everything, or for each value of a label. */
export const aggregate = (operator: string, by: string | null): string =>
  by === null ? operator : `${operator} by (${by}) `;

/**
 * All series of a query as one, as an SLO counts them, or as one for each value of a label. A query that is a sum over
 * everything is one already.
 */
export const sumOf = (query: string, by: string | null = null): string =>
  by === null && isSum(query) ? query : `${aggregate('sum', by)}${operand(query)}`;

/** Whether the whole query is one `sum( … )`. */
function isSum(query: string): boolean {
  const opened = /^sum\s*\(/.exec(query);
  if (opened === null || query.includes('#')) return false;
  let depth = 0;
  let quote: string | null = null;
  for (let i = opened[0].length - 1; i < query.length; i++) {
    const char = query[i] as string;
    if (quote !== null) {
      if (char === '\\' && quote !== '`') i++;
      else if (char === quote) quote = null;
    } else if (char === '"' || char === "'" || char === '`') quote = char;
    else if (char === '(') depth++;
    else if (char === ')' && --depth === 0) return i === query.length - 1;
  }
  return false;
}

/** Text that Prometheus is not to take for a template, in an annotation or a label of an alert. */
export const literal = (text: string): string => text.replaceAll('{{', '{{ "{{" }}');
