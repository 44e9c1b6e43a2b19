/** One measured line of the report: ours against the reference of the same run. */
export interface Result {
  what: string;
  ours: string;
  reference: string;
  /** The number that the goal is about. */
  ratio: number;
  goal: string;
  met: boolean;
}

/** The middle of three or more runs: one run next to a busy neighbour says little. */
export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** The value below which `share` of the values lie (nearest rank). */
export function quantile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] as number;
}

/** Seconds that `work` takes. */
export async function seconds(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}

/**
 * Runs ours and the reference in turn, `rounds` times after one warm-up of each, and compares the medians of their
 * rates. In turn, so that a slow minute of the machine meets both.
 */
export async function compare(
  rounds: number,
  amount: number,
  ours: (round: number) => Promise<void>,
  reference: (round: number) => Promise<void>,
): Promise<{ ours: number; reference: number; ratio: number }> {
  const rates = { ours: [] as number[], reference: [] as number[] };
  for (let round = 0; round <= rounds; round++) {
    const o = amount / (await seconds(() => ours(round)));
    const r = amount / (await seconds(() => reference(round)));
    if (round === 0) continue;
    rates.ours.push(o);
    rates.reference.push(r);
  }
  const result = { ours: median(rates.ours), reference: median(rates.reference) };
  return { ...result, ratio: result.ours / result.reference };
}

export const perSecond = (rate: number): string => `${Math.round(rate).toLocaleString('en')}/s`;
