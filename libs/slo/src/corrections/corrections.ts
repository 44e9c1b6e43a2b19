import { createHash } from 'node:crypto';
import type { CorrectionEffect, SloCorrected } from '@bellwether/contracts';
import { DAY_MINUTES, MINUTE, minuteOf } from '../time-grid.js';
import { sliceOf } from '../window.js';
import { type CorrectedSpan, type Part, resolved, union, WholeSlices } from './corrected-minutes.js';
import { type Correction, correctionOf, correctionSpans } from './correction.js';

/** Minutes whose corrections are worked out at a time: recurrences have no end. */
const STRETCH = 64 * DAY_MINUTES;
/** Stretches that are remembered: more than the longest window needs. */
const REMEMBERED = 32;

/** What corrections make of a stretch of time. */
interface Stretch {
  /** Disjoint and ascending, cut to the stretch. */
  spans: CorrectedSpan[];
  /** Of each correction by itself. */
  own: (CorrectedSpan & { correction: Correction })[];
}

/** The slices of a length between two minutes that are excluded, and that are corrected. */
interface Counted {
  low: number;
  high: number;
  excluded: WholeSlices;
  corrected: WholeSlices;
}

/**
 * The corrections of an SLO that are in effect: a mask over minutes. A correction holds for every minute that its span
 * touches, and where two overlap `exclude` wins over `good`. All minutes are since the epoch. Nothing of it depends on the
 * order in which corrections were made, nor on what was withdrawn.
 */
export class Corrections {
  static readonly NONE = new Corrections([]);
  /** Tells sets of corrections apart by what they do: empty for none. */
  readonly key: string;
  readonly #stretches = new Map<number, Stretch>();
  /** By length of slices. */
  readonly #counted = new Map<number, Counted>();

  constructor(readonly list: readonly Correction[]) {
    this.key = keyOf(list);
  }

  get isEmpty(): boolean {
    return this.list.length === 0;
  }

  /** Whether any of them excludes: then it matters to what is taken for absent data. */
  get excludesAny(): boolean {
    return this.list.some(({ effect }) => effect === 'exclude');
  }

  /** Folds an event of the SLO's stream; one that is not about corrections leaves them as they are. */
  evolve(event: { type: string; data: unknown }): Corrections {
    if (event.type !== 'slo.corrected') return this;
    const corrected = event.data as SloCorrected;
    const others = this.list.filter(({ id }) => id !== corrected.id);
    return new Corrections(corrected.change === 'withdrawn' ? others : [...others, correctionOf(corrected)]);
  }

  /** These and others together. */
  and(others: Corrections): Corrections {
    if (others.isEmpty) return this;
    return this.isEmpty ? others : new Corrections([...this.list, ...others.list]);
  }

  /** What holds between two minutes, both inclusive: disjoint, ascending, cut to them. */
  spans(low: number, high: number): CorrectedSpan[] {
    const found: CorrectedSpan[] = [];
    if (this.isEmpty) return found;
    for (const { spans } of this.#over(low, high)) {
      for (let i = firstEndingAfter(spans, low); i < spans.length; i++) {
        const { from, to, effect } = spans[i] as CorrectedSpan;
        if (from > high) break;
        const span = { from: Math.max(from, low), to: Math.min(to, high + 1), effect };
        const last = found.at(-1);
        // Cut where one stretch ends and the next begins.
        if (last !== undefined && last.to === span.from && last.effect === effect) last.to = span.to;
        else found.push(span);
      }
    }
    return found;
  }

  /** Whether anything holds between two minutes, both inclusive. */
  touches(low: number, high: number): boolean {
    if (this.isEmpty) return false;
    for (const { spans } of this.#over(low, high)) {
      const span = spans[firstEndingAfter(spans, low)];
      if (span !== undefined && span.from <= high) return true;
    }
    return false;
  }

  /** What holds for a minute; null where nothing does. */
  at(minute: number): CorrectionEffect | null {
    if (this.isEmpty) return null;
    const { spans } = this.#stretch(Math.floor(minute / STRETCH));
    const span = spans[firstEndingAfter(spans, minute)];
    return span !== undefined && span.from <= minute ? span.effect : null;
  }

  /** The minutes between two, both inclusive, in parts for which the same holds. */
  parts(low: number, high: number): Part[] {
    const parts: Part[] = [];
    let minute = low;
    for (const span of this.spans(low, high)) {
      if (span.from > minute) parts.push({ from: minute, to: span.from, effect: null });
      parts.push(span);
      minute = span.to;
    }
    if (minute <= high) parts.push({ from: minute, to: high + 1, effect: null });
    return parts;
  }

  /** How many minutes between two, both inclusive, are corrected. */
  minutes(low: number, high: number): Record<CorrectionEffect, number> {
    const { excluded, forgiven } = this.wholeSlices(low, high, 1);
    return { exclude: excluded, good: forgiven };
  }

  /** Whether all minutes between two, both inclusive, are excluded. */
  excludes(low: number, high: number): boolean {
    return this.wholeSlices(low, high, 1).excluded === high - low + 1;
  }

  /** The corrections that hold for any minute between two, both inclusive. */
  holding(low: number, high: number): Correction[] {
    const found = new Set<Correction>();
    if (this.isEmpty) return [];
    for (const { own } of this.#over(low, high)) {
      for (const { from, to, correction } of own) if (from <= high && to > low) found.add(correction);
    }
    return this.list.filter((correction) => found.has(correction));
  }

  /**
   * How many slices lie in corrections as a whole, of those that begin from `first` to `last`: `excluded` are all of their
   * minutes, `forgiven` are those of which some are counted as good and all others excluded.
   */
  wholeSlices(first: number, last: number, slice: number): { excluded: number; forgiven: number } {
    const low = Math.ceil(first / slice) * slice;
    const high = sliceOf(last, slice);
    if (this.isEmpty || low > high) return { excluded: 0, forgiven: 0 };
    const counted = this.#countedOver(low, high, slice);
    const excluded = counted.excluded.count(low, high);
    return { excluded, forgiven: counted.corrected.count(low, high) - excluded };
  }

  /** Whether a slice lies in corrections as a whole, and is not excluded as a whole. */
  forgives(start: number, slice: number): boolean {
    return this.wholeSlices(start, start, slice).forgiven === 1;
  }

  /**
   * When so much time has passed since an instant, what is excluded left out; all in milliseconds.
   * @param until what comes later is not looked for: an answer from there on may be too early, but not before it
   */
  after(instant: number, millis: number, until: number): number {
    let at = instant;
    let left = millis;
    if (!this.excludesAny || instant >= until) return at + left;
    for (const { from, to, effect } of this.spans(minuteOf(instant), minuteOf(until))) {
      if (effect !== 'exclude' || to * MINUTE <= at) continue;
      const open = Math.max(0, from * MINUTE - at);
      // It is not over by the time that the clock stands still.
      if (open > left) break;
      left -= open;
      at = to * MINUTE;
    }
    return at + left;
  }

  /** What was counted of slices, of some time beyond what is asked for: windows move. */
  #countedOver(first: number, last: number, slice: number): Counted {
    const known = this.#counted.get(slice);
    if (known !== undefined && first >= known.low && last <= known.high) return known;
    const low = Math.min(first, known?.low ?? first);
    const high = Math.max(last + STRETCH, known?.high ?? last);
    // Slices that reach out are whole or not by what is beyond.
    const spans = this.spans(low - slice, high + slice);
    const excluding = spans.filter(({ effect }) => effect === 'exclude');
    const counted = {
      low,
      high,
      excluded: new WholeSlices(excluding, slice),
      corrected: new WholeSlices(union(spans), slice),
    };
    this.#counted.set(slice, counted);
    return counted;
  }

  *#over(low: number, high: number): Generator<Stretch> {
    const last = Math.floor(high / STRETCH);
    for (let number = Math.floor(low / STRETCH); number <= last; number++) yield this.#stretch(number);
  }

  #stretch(number: number): Stretch {
    const known = this.#stretches.get(number);
    if (known !== undefined) return known;
    const [low, high] = [number * STRETCH, (number + 1) * STRETCH];
    const own = this.list.flatMap((correction) =>
      correctionSpans(correction, low * MINUTE, high * MINUTE).map(({ from, to }) => ({
        from: Math.max(low, Math.floor(from / MINUTE)),
        to: Math.min(high, Math.ceil(to / MINUTE)),
        effect: correction.effect,
        correction,
      })),
    );
    const stretch = { own, spans: resolved(own) };
    const [oldest] = this.#stretches.keys();
    if (this.#stretches.size >= REMEMBERED && oldest !== undefined) this.#stretches.delete(oldest);
    this.#stretches.set(number, stretch);
    return stretch;
  }
}

/** Place of the first span that ends after a minute; their number when there is none. */
function firstEndingAfter(spans: readonly CorrectedSpan[], minute: number): number {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((spans[middle] as CorrectedSpan).to > minute) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The same for all sets that correct the same: neither ids nor reasons, nor an order. */
function keyOf(list: readonly Correction[]): string {
  if (list.length === 0) return '';
  const says = list.map(({ effect, from, to, recurrence: r }) =>
    JSON.stringify([effect, from ?? null, to ?? null, r ? [r.rrule, r.start, r.duration, r.timeZone] : null]),
  );
  return createHash('sha256')
    .update([...new Set(says)].sort().join('\n'))
    .digest('hex')
    .slice(0, 32);
}
