import type { CorrectionEffect } from '@bellwether/contracts';

/** A stretch of minutes since the epoch, `to` exclusive, and what corrections make of it. */
export interface CorrectedSpan {
  from: number;
  to: number;
  effect: CorrectionEffect;
}

/** A stretch of minutes since the epoch, `to` exclusive. */
export type Minutes = Pick<CorrectedSpan, 'from' | 'to'>;

/** A stretch of minutes, and what corrections make of it; null where none holds. */
export interface Part extends Minutes {
  effect: CorrectionEffect | null;
}

/** The union of stretches: ascending, with a gap between any two. */
export function union(stretches: readonly Minutes[]): Minutes[] {
  const merged: Minutes[] = [];
  for (const { from, to } of [...stretches].sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else merged.push({ from, to });
  }
  return merged;
}

/** What is left of stretches without others; both as {@link union} gives them. */
export function without(stretches: readonly Minutes[], others: readonly Minutes[]): Minutes[] {
  const left: Minutes[] = [];
  let next = 0;
  for (const { from, to } of stretches) {
    let start = from;
    while (next < others.length && (others[next] as Minutes).to <= start) next++;
    for (let i = next; i < others.length && (others[i] as Minutes).from < to; i++) {
      const other = others[i] as Minutes;
      if (other.from > start) left.push({ from: start, to: other.from });
      start = Math.max(start, other.to);
    }
    if (start < to) left.push({ from: start, to });
  }
  return left;
}

/** What corrections make of each minute: where several hold, `exclude` wins. Disjoint and ascending. */
export function resolved(spans: readonly CorrectedSpan[]): CorrectedSpan[] {
  const of = (effect: CorrectionEffect): Minutes[] => union(spans.filter((span) => span.effect === effect));
  const excluded = of('exclude');
  return [
    ...excluded.map((span) => ({ ...span, effect: 'exclude' as const })),
    ...without(of('good'), excluded).map((span) => ({ ...span, effect: 'good' as const })),
  ].sort((a, b) => a.from - b.from);
}

/** The slices that lie in stretches as a whole, to be counted between any two of them. */
export class WholeSlices {
  /** First minutes of the first and of the last slice of each stretch that has any, and how many there are before it. */
  readonly #runs: { first: number; last: number; before: number }[] = [];

  /** @param stretches as {@link union} gives them */
  constructor(
    stretches: readonly Minutes[],
    readonly slice: number,
  ) {
    let before = 0;
    for (const { from, to } of stretches) {
      const first = Math.ceil(from / slice) * slice;
      const last = Math.floor(to / slice) * slice - slice;
      if (last < first) continue;
      this.#runs.push({ first, last, before });
      before += (last - first) / slice + 1;
    }
  }

  /** How many begin from `first` to `last`, both on the grid. */
  count(first: number, last: number): number {
    return last < first ? 0 : this.#until(last) - this.#until(first - this.slice);
  }

  /** How many begin up to a minute of the grid. */
  #until(minute: number): number {
    const runs = this.#runs;
    let low = 0;
    let high = runs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((runs[middle] as { first: number }).first > minute) high = middle;
      else low = middle + 1;
    }
    const run = runs[low - 1];
    if (run === undefined) return 0;
    return run.before + (Math.min(minute, run.last) - run.first) / this.slice + 1;
  }
}
