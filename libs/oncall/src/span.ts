import type { Instant } from './wall-clock.js';

/** A half-open span of time, [from, to). */
export interface Span {
  from: Instant;
  to: Instant;
}

/** The union of spans, in order, touching ones joined, empty ones left out. */
export function merge(spans: readonly Span[]): Span[] {
  const merged: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.from - b.from)) {
    if (span.from >= span.to) continue;
    const last = merged.at(-1);
    if (last && span.from <= last.to) last.to = Math.max(last.to, span.to);
    else merged.push({ ...span });
  }
  return merged;
}

/** What two merged lists of spans have in common. */
export function intersect(a: readonly Span[], b: readonly Span[]): Span[] {
  const found: Span[] = [];
  let j = 0;
  for (const span of a) {
    while (j < b.length && b[j]!.to <= span.from) j += 1;
    for (let k = j; k < b.length && b[k]!.from < span.to; k += 1) {
      found.push({ from: Math.max(span.from, b[k]!.from), to: Math.min(span.to, b[k]!.to) });
    }
  }
  return found;
}

/** What of the merged `spans` the merged `covers` leave over. */
export function subtract(spans: readonly Span[], covers: readonly Span[]): Span[] {
  return spans.flatMap((span) => {
    const left: Span[] = [];
    let at = span.from;
    for (const cover of covers) {
      if (cover.to <= at || cover.from >= span.to) continue;
      if (cover.from > at) left.push({ from: at, to: cover.from });
      at = Math.max(at, cover.to);
    }
    if (at < span.to) left.push({ from: at, to: span.to });
    return left;
  });
}
