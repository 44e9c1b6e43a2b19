import type { RuleMeasured } from '@bellwether/contracts';

/** What a threshold rule measured, and what it compared that with: `p95 of latency over 5m is 1.4 s (fires above 1 s)`. */
export function ruleMeasuredText(measured: RuleMeasured): string {
  const { aggregate, sli, window, op, value, threshold, clear, unit } = measured;
  const shown = (of: number) => `${number(of)}${UNITS[unit] ?? ` ${unit}`}`;
  const hysteresis = clear === threshold ? '' : `, resolves at ${shown(clear)}`;
  const is = value === null ? 'not measured' : shown(value);
  const held = measured.for.startsWith('0') ? '' : ` for ${measured.for}`;
  return `${aggregate} of ${sli} over ${window} is ${is} (fires ${WORDS[op] ?? op} ${shown(threshold)}${held}${hysteresis})`;
}

/** To three decimals, and of less than one to three digits: more than a sentence needs, and never nothing. */
const number = (value: number): string =>
  String(Number(Math.abs(value) < 1 ? value.toPrecision(3) : value.toFixed(3)));

const WORDS: Record<string, string> = { gt: 'above', gte: 'from', lt: 'below', lte: 'up to' };
/** Units that are written otherwise, or not at all. */
const UNITS: Record<string, string> = { count: '', none: '', ratio: '', percent: ' %', '1/s': ' a second' };
