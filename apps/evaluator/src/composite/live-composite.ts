import {
  type ComponentCounts,
  type ComponentShare,
  CompositeSlices,
  type Counts,
  componentShares,
  componentsOf,
  componentsState,
  compositeCounts,
  type Due,
  HOUR_MINUTES,
  longestSlice,
  minuteOf,
  type SloSource,
} from '@bellwether/slo';
import type { Evidence, SeriesRow } from '../store/series-row.js';
import type { SeriesStore } from '../store/series-store.js';
import { type MeasuredLeaf, type Resolved } from './resolve.js';
import { StoredLeaf } from './stored-leaf.js';

/** Hours that are judged at a time. */
const HOURS = 240;
/** Minutes before the window that are judged too: a budget that is frozen looks back from when data went absent. */
const SPARE = 4 * 1440;

/**
 * A composite in memory, made of what its components have stored, wherever they are held. Nothing of it is stored: the
 * components' buckets have it, exactly, and it is made of them again in a moment.
 */
export class LiveComposite {
  readonly #slices: CompositeSlices;
  readonly #source: SloSource;
  /** The slices of each leaf that had to have data, as they were judged last. */
  readonly #due = new Map<string, Due | null>();
  readonly #reach: number;

  private constructor(
    readonly resolved: Resolved,
    private readonly store: SeriesStore,
    private readonly leaves: ReadonlyMap<string, StoredLeaf>,
  ) {
    this.#slices = new CompositeSlices(resolved.tree.plan);
    this.#source = this.#slices.source(componentsState([...leaves.values()], resolved.tree.plan.corrections));
    this.#reach = longestSlice(resolved.tree);
  }

  /** Opens a composite; null while the buckets of a component are being made. */
  static async open(store: SeriesStore, resolved: Resolved, now: number): Promise<LiveComposite | null> {
    const leaves = new Map<string, StoredLeaf>();
    for (const leaf of resolved.leaves) {
      const opened = await StoredLeaf.open(store, leaf);
      if (opened === null) return null;
      leaves.set(leaf.slo, opened);
    }
    const live = new LiveComposite(resolved, store, leaves);
    live.#remember(now);
    const { window } = resolved.tree.plan;
    const measured = live.measured;
    if (measured === null) return live;
    const low = Math.max(measured.low, Math.min(minuteOf(now), measured.high) - window.longest - SPARE);
    for (let from = low; from <= measured.high; from += HOURS * HOUR_MINUTES) {
      await live.#judge(from, Math.min(measured.high, from + HOURS * HOUR_MINUTES - 1));
    }
    return live;
  }

  /** Numbers of the series that it is made of. */
  get ids(): number[] {
    return [...this.leaves.values()].flatMap(({ ids }) => ids);
  }

  get source(): SloSource {
    return this.#source;
  }

  /** Bytes of buckets in memory. */
  get bytes(): number {
    let { bytes } = this.#slices;
    for (const { source } of this.leaves.values()) bytes += source.events.bytes;
    return bytes;
  }

  /**
   * Takes what its components stored since.
   * @param rows of all series that are followed, as they are stored now, by number
   * @returns whether it counts anything else; 'moved' when it is to be opened anew
   */
  async follow(rows: ReadonlyMap<number, SeriesRow>, now: number): Promise<boolean | 'moved'> {
    const changed = new Set<number>();
    for (const leaf of this.leaves.values()) {
      const hours = await leaf.follow(this.store, rows);
      if (hours === 'moved') return 'moved';
      for (const hour of hours) changed.add(hour);
    }
    for (const [from, to] of runs([...changed])) {
      await this.#judge(from * HOUR_MINUTES, (to + 1) * HOUR_MINUTES - 1);
    }
    const passed = await this.#passTime(now);
    return changed.size > 0 || passed;
  }

  /** What each component had to do with a stretch of minutes, both ends inclusive, the worst first. */
  async shares(low: number, high: number): Promise<ComponentShare[]> {
    return componentShares(this.resolved.tree.plan, await this.#components(low, high), low, high);
  }

  /** What it counts in a stretch of minutes, both ends inclusive, whether in its window or before. */
  async judged(low: number, high: number): Promise<Counts> {
    return compositeCounts(this.resolved.tree.plan, await this.#components(low, high));
  }

  /** The latest measurement of a component, and the latest with something bad in it. */
  get tips(): { tip: Evidence | null; badTip: Evidence | null } {
    const rows = [...this.leaves.values()].map((leaf) => leaf.rows.events);
    return { tip: latest(rows.map(({ tip }) => tip)), badTip: latest(rows.map(({ badTip }) => badTip)) };
  }

  /** First and last minute that any component counted something in; null when none did. */
  get measured(): { low: number; high: number } | null {
    const rows = [...this.leaves.values()].map((leaf) => leaf.rows.events);
    const firsts = rows.flatMap(({ first }) => (first === null ? [] : [first]));
    const newests = rows.flatMap(({ newest }) => (newest === null ? [] : [newest]));
    if (firsts.length === 0) return null;
    return { low: minuteOf(Math.min(...firsts)), high: minuteOf(Math.max(...newests)) };
  }

  /** Judges slices that are due since, or are not any more, because of the passage of time. */
  async #passTime(now: number): Promise<boolean> {
    const before = new Map(this.#due);
    this.#remember(now);
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const [slo, due] of this.#due) {
      const was = before.get(slo) ?? null;
      if (due === null || (was !== null && was.first === due.first && was.last === due.last)) continue;
      low = Math.min(low, was === null || was.first !== due.first ? due.first : Math.min(was.last, due.last));
      high = Math.max(high, due.last, was?.last ?? due.last);
    }
    if (high < low) return false;
    await this.#judge(low, high);
    return true;
  }

  #remember(now: number): void {
    for (const [slo, leaf] of this.leaves) this.#due.set(slo, leaf.dueAt(now));
  }

  /** Judges what a change in a stretch of minutes may have touched. */
  async #judge(low: number, high: number): Promise<void> {
    const [from, to] = [low - this.#reach, high + this.#reach];
    this.#slices.judge(await this.#components(from, to), from, to);
  }

  async #components(low: number, high: number): Promise<ComponentCounts[]> {
    const counts = new Map<string, Counts>();
    for (const [slo, leaf] of this.leaves) {
      counts.set(slo, await leaf.counts(this.store, low - this.#reach, high + this.#reach));
    }
    return componentsOf<MeasuredLeaf>(this.resolved.tree, ({ slo }) => ({
      counts: counts.get(slo) as Counts,
      due: this.#due.get(slo) ?? null,
    }));
  }
}

/** Whole numbers as runs without a gap, ascending. */
function runs(numbers: number[]): [from: number, to: number][] {
  const found: [number, number][] = [];
  for (const number of numbers.sort((a, b) => a - b)) {
    const last = found.at(-1);
    if (last !== undefined && number <= last[1] + 1) last[1] = number;
    else found.push([number, number]);
  }
  return found;
}

function latest(evidence: readonly (Evidence | null)[]): Evidence | null {
  return evidence.reduce(
    (best, each) => (each !== null && (best === null || each.recordedAt > best.recordedAt) ? each : best),
    null,
  );
}
