import type { CorrectionEffect, SloGroup } from '@bellwether/contracts';
import type { BucketNeeds } from './bucket-needs.js';
import { Heartbeat } from './cadence.js';
import type { ComponentsState } from './composite/components-state.js';
import type { Minutes } from './corrections/corrected-minutes.js';
import { CorrectedTallies } from './corrections/corrected-tallies.js';
import { Corrections } from './corrections/corrections.js';
import { Series } from './series.js';
import { Sketch } from './sketch.js';
import { Sketches } from './sketches.js';
import type { SliceContent, SliceRule } from './slice-rule.js';
import type { SloPlan } from './slo-plan.js';
import type { Tallies } from './tallies.js';
import { Tally } from './tally.js';
import { HOUR_MINUTES, hourOf, MINUTE, minuteOf } from './time-grid.js';
import { sliceOf } from './window.js';
import { type SketchSource, WindowSketch } from './window-sketch.js';

/** Slices judged by a rule, as the windows over them look at them: each at its first minute. */
export interface JudgedSlices {
  rule: SliceRule;
  series: Series;
}

/** What an SLO is read from. */
export interface SloSource {
  /** How regularly the SLI is measured, in slices of the SLO. */
  heartbeat: Heartbeat;
  /** What the SLO's windows sum: events by the minute, or judged slices, with its corrections. */
  tallies: Tallies;
  /** Events by the minute with its corrections, for traffic floors. */
  traffic: Tallies;
  /** What was measured, whatever is made of it: events by the minute. */
  events: Series;
  /** The part of the SLO that this is of; absent for the whole. */
  group?: SloGroup | undefined;
  /** Of a composite, what its components say of the data; absent where it is measured itself. */
  components?: ComponentsState | undefined;
  /** What the tallies are without corrections. */
  uncorrected: Series;
  /** All series that the tallies are summed from. */
  summed: readonly Series[];
}

/** What the points of one minute come to, as a {@link PointSink} takes them. */
export interface GatheredMinute {
  /** When the first and the last of them were, epoch milliseconds. */
  first: number;
  newest: number;
  /** Of a percentile how many values there were, in both parts. */
  tally: Tally;
  /** The values, where a percentile needs them. */
  sketch: Sketch | null;
}

const NOTHING = new Tally();

/** Hours of buckets that are stored elsewhere. */
export interface MissingHours {
  events: number[];
  sketches: number[];
  /** By rule. */
  slices: Map<string, number[]>;
}

/**
 * The buckets of one indicator over one SLI, or over one group of it: events by the minute, the sketches of their values
 * where a percentile needs them, and the slices that SLOs judge by. A late measurement judges its slice anew; the slice
 * that flips changes what was counted of it.
 */
export class IndicatorBuckets {
  readonly events: Series;
  readonly sketches: Sketches | null;
  /** By rule. */
  readonly slices: ReadonlyMap<string, JudgedSlices>;
  /** The part of the SLI that is counted; undefined for all of it. */
  readonly group: SloGroup | undefined;
  readonly #windowSketches: ReadonlyMap<string, WindowSketch>;
  readonly #sketchSource: SketchSource | null;
  readonly #heartbeats = new Map<string, Heartbeat>();
  readonly #touched = new Set<number>();
  readonly #cadence: number | undefined;

  /**
   * @param options.cadence of the SLI's definition, milliseconds
   * @param options.paged whether cold hours live elsewhere
   * @param options.stored series that were restored, in place of empty ones
   * @param options.group the part of the SLI that is counted; absent for all of it
   */
  constructor(options: {
    needs: BucketNeeds;
    cadence?: number | undefined;
    paged?: boolean;
    stored?: { events: Series; slices: ReadonlyMap<string, Series> };
    group?: SloGroup | undefined;
  }) {
    const { needs, cadence, paged = false, stored, group } = options;
    this.#cadence = cadence;
    this.group = group;
    this.events = stored?.events ?? new Series({ windows: needs.windows.values(), paged });
    this.sketches = needs.sketched ? new Sketches(paged) : null;
    this.#sketchSource = this.sketches && {
      sketches: this.sketches,
      hasHour: (minute) => this.events.hasHour(minute),
    };
    this.#windowSketches = new Map(
      [...needs.sketchWindows].map(([key, window]) => [key, new WindowSketch(window)]),
    );
    this.slices = new Map(
      [...needs.rules].map(([key, { rule, windows }]) => [
        key,
        { rule, series: stored?.slices.get(key) ?? new Series({ windows: windows.values(), paged }) },
      ]),
    );
  }

  /** What an SLO is read from. @throws RangeError when the buckets were not made for it */
  source(plan: SloPlan): SloSource {
    const { rule, taken, takenTraffic, slice, corrections } = plan;
    const { events } = this;
    const uncorrected = this.#series(rule);
    const less = (series: Series, from: SliceRule | null): Tallies =>
      from === null ? series : new CorrectedTallies(series, this.#series(from));
    return {
      heartbeat: this.heartbeat(slice, corrections),
      tallies: less(uncorrected, taken),
      traffic: less(events, takenTraffic),
      events,
      group: this.group,
      uncorrected,
      summed: taken === null ? [uncorrected] : [uncorrected, this.#series(taken)],
    };
  }

  #series(rule: SliceRule | null): Series {
    if (rule === null) return this.events;
    const judged = this.slices.get(rule.key);
    if (judged === undefined) throw new RangeError(`no slices are judged by ${rule.key}`);
    return judged.series;
  }

  /** How regularly the SLI is measured, in slices of so many minutes, where it is not excluded. */
  heartbeat(slice = 1, corrections = Corrections.NONE): Heartbeat {
    const key = corrections.excludesAny ? `${slice}~${corrections.key}` : `${slice}`;
    let heartbeat = this.#heartbeats.get(key);
    if (heartbeat === undefined) {
      heartbeat = new Heartbeat(this.events, this.#cadence, slice, corrections);
      this.#heartbeats.set(key, heartbeat);
    }
    return heartbeat;
  }

  /**
   * Counts a point as its classifier gives it. Slices know of it after {@link judge}.
   * @throws PageMissing when an hour is not in memory: ask {@link missingFor} first
   */
  observe(at: number, measure: number, count: number): void {
    const minute = minuteOf(at);
    if (this.sketches === null) {
      this.events.observe(at, measure, count);
    } else {
      this.sketches.observe(minute, measure, count, this.events.hasHour(minute));
      for (const window of this.#windowSketches.values()) window.observe(minute, measure, count);
      this.events.observe(at, count, count);
    }
    if (this.slices.size > 0) this.#touched.add(minute);
  }

  /**
   * Counts what was gathered of a minute: the same, bit for bit, as {@link observe} of each of its points.
   * @throws PageMissing
   */
  observeMinute({ first, newest, tally, sketch }: GatheredMinute): void {
    const minute = minuteOf(newest);
    if (this.sketches !== null && sketch !== null) {
      this.sketches.merge(minute, sketch, this.events.hasHour(minute));
    }
    this.events.observeTally(newest, tally);
    this.events.observeTally(first, NOTHING);
    if (this.slices.size > 0) this.#touched.add(minute);
  }

  /** Judges the slices anew that were measured since. @throws PageMissing */
  judge(): void {
    if (this.#touched.size === 0) return;
    for (const { rule, series } of this.slices.values()) {
      for (const start of startsOf(rule, this.#touched)) series.put(start, this.judgeSlice(rule, start));
    }
    this.#touched.clear();
  }

  /** What a rule says of the slice that begins with a minute. @throws PageMissing */
  judgeSlice(rule: SliceRule, start: number): Tally {
    const end = start + rule.slice;
    const parts = rule.corrections?.parts(start, end - 1) ?? [];
    const under = (effect: CorrectionEffect | null): SliceContent =>
      this.#content(
        start,
        parts.filter((part) => part.effect === effect),
      );
    return rule.judge(this.#content(start, [{ from: start, to: end }]), under);
  }

  /** What was measured in minutes of a slice. */
  #content(start: number, minutes: readonly Minutes[]): SliceContent {
    const tally = new Tally();
    for (const { from, to } of minutes) tally.plus(this.events.sum(from, to - 1));
    const sketch = (): Sketch => {
      const merged = new Sketch();
      for (const { from, to } of minutes) {
        for (let minute = from; minute < to; minute++) {
          this.sketches?.mergeInto(merged, minute, this.events.has(minute));
        }
      }
      return merged;
    };
    return { start, tally, sketch };
  }

  /** The hours to provide before measurements of these instants (epoch milliseconds), in any order, are counted and judged. */
  missingFor(instants: Iterable<number>): MissingHours {
    const events = new Set<number>();
    const sketches = new Set<number>();
    const slices = new Map<string, number[]>();
    const minutes = new Set([...instants].map(minuteOf));
    let newest = Number.NEGATIVE_INFINITY;
    for (const minute of minutes) newest = Math.max(newest, minute);
    const need = (minute: number): void => {
      const hour = hourOf(minute);
      if (this.events.isMissing(minute, newest)) events.add(hour);
      if (this.sketches && !this.sketches.has(hour) && this.events.hasHour(minute, newest))
        sketches.add(hour);
    };
    for (const minute of minutes) need(minute);
    for (const [key, { rule, series }] of this.slices) {
      const starts = startsOf(rule, minutes);
      slices.set(key, series.missingFor(starts.map((start) => start * MINUTE)));
      for (const start of starts) {
        for (let minute = start; minute < start + rule.slice; minute += HOUR_MINUTES) need(minute);
        need(start + rule.slice - 1);
      }
    }
    return { events: [...events], sketches: [...sketches], slices };
  }

  // ——— windows over values that were observed one by one ———

  /** Keys of the windows over sketches that are kept. */
  get sketchWindows(): ReadonlySet<string> {
    return new Set(this.#windowSketches.keys());
  }

  /** The sketch over a window, by its key, as of `now` (epoch milliseconds). @throws PageMissing, RangeError */
  sketchOver(key: string, now: number): Sketch {
    const window = this.#windowSketches.get(key);
    if (window === undefined || this.#sketchSource === null)
      throw new RangeError(`no window ${key} is kept over sketches`);
    window.moveTo(minuteOf(now), this.#sketchSource);
    return window.sketch;
  }

  /** The hours of sketches to provide before their windows can be read at `now`. */
  missingSketches(now: number): number[] {
    const source = this.#sketchSource;
    if (source === null) return [];
    const hours = [...this.#windowSketches.values()].flatMap((each) => each.missing(minuteOf(now), source));
    return [...new Set(hours)];
  }

  /** Lets go of sketches that are stored, are not of the last hours, and at no window's far edge. */
  releaseSketches(now: number): void {
    const { newest } = this.events;
    if (this.sketches === null || newest === null) return;
    const edges = [...this.#windowSketches.values()].flatMap((each) => each.edges(minuteOf(now)));
    this.sketches.release(hourOf(minuteOf(newest)), new Set(edges));
  }

  /** Bytes of buckets in memory. */
  get bytes(): number {
    let bytes = this.events.bytes + (this.sketches?.bytes ?? 0);
    for (const { series } of this.slices.values()) bytes += series.bytes;
    return bytes;
  }
}

/** The slices of minutes that a rule judges, by their first minutes, ascending. */
function startsOf({ slice, corrections }: SliceRule, minutes: ReadonlySet<number>): number[] {
  const starts = [...new Set([...minutes].map((minute) => sliceOf(minute, slice)))].sort((a, b) => a - b);
  return corrections === undefined
    ? starts
    : starts.filter((start) => corrections.touches(start, start + slice - 1));
}
