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

/** How many slices of `slice` minutes lie in stretches as a whole, of those that begin from `first` to `last`. */
export function wholeSlices(
  stretches: readonly Minutes[],
  first: number,
  last: number,
  slice: number,
): number {
  let count = 0;
  for (const { from, to } of stretches) {
    const low = Math.max(first, Math.ceil(from / slice) * slice);
    const high = Math.min(last, Math.floor(to / slice) * slice - slice);
    if (high >= low) count += (high - low) / slice + 1;
  }
  return count;
}
