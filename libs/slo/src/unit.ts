/** Size of each unit in the base of its dimension. `count` and `none` say nothing and fit everything. */
const SIZES: ReadonlyMap<string, readonly [dimension: string, size: number]> = new Map([
  ['s', ['time', 1]],
  ['ms', ['time', 1e-3]],
  ['us', ['time', 1e-6]],
  ['ns', ['time', 1e-9]],
  ['ratio', ['share', 1]],
  ['percent', ['share', 0.01]],
  ['bytes', ['bytes', 1]],
]);

/** Units whose measurements a ratio has a reading for. */
export const RATIO_UNITS: ReadonlySet<string> = new Set(['count', 'none', 'percent', 'ratio']);

/** What a unit says that is converted, written in another way. */
const SPELLINGS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    '%': 'percent',
    second: 's',
    seconds: 's',
    sec: 's',
    millisecond: 'ms',
    milliseconds: 'ms',
    microseconds: 'us',
    µs: 'us',
    nanoseconds: 'ns',
    byte: 'bytes',
    b: 'bytes',
  }),
);

/**
 * What a number in unit `from` is multiplied with to be one in unit `to`: s to ms is 1000. 1 when either says nothing, and
 * for a unit of the definition's own with itself. Null when they measure different things: comparing seconds with bytes is
 * a mistake in a definition.
 */
export function unitScale(from: string | undefined, to: string | undefined): number | null {
  if (saysNothing(from) || saysNothing(to) || from === to) return 1;
  const source = SIZES.get(from as string);
  const target = SIZES.get(to as string);
  if (source === undefined || target === undefined || source[0] !== target[0]) return null;
  return source[1] / target[1];
}

/** The unit that is converted and meant by another spelling of it; undefined for all others. */
export function meantUnit(unit: string): string | undefined {
  return SPELLINGS.get(unit.toLowerCase());
}

const saysNothing = (unit: string | undefined) => unit === undefined || unit === 'count' || unit === 'none';

/** The value of an SLI that is read as all good, where its unit is of shares: 100 in percent, 1 in ratio; null otherwise. */
export function ratioScale(sliUnit: string | undefined): number | null {
  if (sliUnit === 'percent') return 100;
  return sliUnit === 'ratio' ? 1 : null;
}
