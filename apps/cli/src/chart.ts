import pc from 'picocolors';

const BARS = '▁▂▃▄▅▆▇█';

/**
 * Numbers as a line of small bars, the lowest one at `floor` and the highest at `ceiling`, or at what lies beyond them.
 * What is not known is a blank. `alarming` numbers are red where colours are on.
 */
export function sparkline(
  values: readonly (number | null | undefined)[],
  { floor, ceiling, alarming = () => false }: SparklineScale,
): string {
  const known = values.filter((value) => value !== null && value !== undefined);
  const least = Math.min(floor, ...known);
  const most = Math.max(ceiling, ...known);
  return values
    .map((value) => {
      if (value === null || value === undefined) return ' ';
      const share = most === least ? 0 : (value - least) / (most - least);
      const bar = BARS[Math.min(BARS.length - 1, Math.floor(share * BARS.length))] as string;
      return alarming(value) ? pc.red(bar) : bar;
    })
    .join('');
}

export interface SparklineScale {
  floor: number;
  ceiling: number;
  alarming?: (value: number) => boolean;
}
