/** Size of each unit in the base of its dimension. `count` and `none` say nothing and fit everything. */
const SIZES: Record<string, readonly [dimension: string, size: number]> = {
  s: ['time', 1],
  ms: ['time', 1e-3],
  us: ['time', 1e-6],
  ns: ['time', 1e-9],
  ratio: ['share', 1],
  percent: ['share', 0.01],
  bytes: ['bytes', 1],
};

/** Units whose measurements a ratio has a reading for. */
export const RATIO_UNITS: ReadonlySet<string> = new Set(['count', 'none', 'percent', 'ratio']);

/**
 * What a number in unit `from` is multiplied with to be one in unit `to`: s to ms is 1000. 1 when either says nothing.
 * Null when they measure different things: comparing seconds with bytes is a mistake in a definition.
 */
export function unitScale(from: string | undefined, to: string | undefined): number | null {
  const source = SIZES[from ?? 'none'];
  const target = SIZES[to ?? 'none'];
  if (source === undefined || target === undefined) return 1;
  if (source[0] !== target[0]) return null;
  return source[1] / target[1];
}
