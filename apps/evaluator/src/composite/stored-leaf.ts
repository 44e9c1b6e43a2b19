import {
  type Cells,
  type Counts,
  type Due,
  dueSlices,
  Heartbeat,
  HOUR_MINUTES,
  hourOf,
  type MeasuredComponent,
  needsOf,
  Series,
  Tally,
} from '@bellwether/slo';
import { storedSlices } from '../status/stored-source.js';
import { changedSince } from '../store/recent-hours.js';
import type { SeriesRow } from '../store/series-row.js';
import type { SeriesStore } from '../store/series-store.js';
import type { MeasuredLeaf } from './resolve.js';

/** The rows of what an SLO is measured by. */
export interface LeafRows {
  /** Its events. */
  events: SeriesRow;
  /** What it counts: its events, or slices that are judged of them. */
  counted: SeriesRow;
  /** What corrections take from that; null where it is not corrected. */
  taken: SeriesRow | null;
}

/** The rows of an SLO; null while its buckets, or what corrections take from them, are being made. */
export async function rowsOf(store: SeriesStore, leaf: MeasuredLeaf): Promise<LeafRows | null> {
  const events = await store.find(leaf.sli, leaf.indicator);
  if (events === null || events.backfilled !== null) return null;
  const { rule, taken: correcting } = leaf.plan;
  const slices = await storedSlices(store, events, needsOf([leaf.plan]));
  const counted = rule === null ? events : slices.get(rule.key);
  const taken = correcting === null ? null : slices.get(correcting.key);
  return counted === undefined || taken === undefined ? null : { events, counted, taken };
}

/**
 * A measured SLO of a composite, as it is stored by whoever holds its partition. How regularly it is measured is kept in
 * memory; what it counted is read where it changed.
 */
export class StoredLeaf implements MeasuredComponent {
  readonly source: MeasuredComponent['source'];

  private constructor(
    readonly leaf: MeasuredLeaf,
    public rows: LeafRows,
    private readonly events: Series,
  ) {
    this.source = {
      events,
      heartbeat: new Heartbeat(events, leaf.cadence, leaf.plan.slice, leaf.plan.corrections),
    };
  }

  /** Opens an SLO; null while its buckets are being made. */
  static async open(store: SeriesStore, leaf: MeasuredLeaf): Promise<StoredLeaf | null> {
    const rows = await rowsOf(store, leaf);
    return rows && new StoredLeaf(leaf, rows, await store.open(rows.events, []));
  }

  get slo(): string {
    return this.leaf.slo;
  }

  get plan(): MeasuredComponent['plan'] {
    return this.leaf.plan;
  }

  /** Numbers of its series. */
  get ids(): number[] {
    const { events, counted, taken } = this.rows;
    return [events.id, counted.id, ...(taken === null ? [] : [taken.id])];
  }

  /** Slices that must have data, where absent ones count as something. */
  dueAt(now: number): Due | null {
    const { plan } = this;
    if (plan.rule === null || plan.definition.missingData === 'freeze') return null;
    return dueSlices(plan, this.source, now);
  }

  /**
   * Takes what was stored since.
   * @param rows of all series, as they are stored now, by number
   * @returns hours in which it counted something else; 'moved' when its series are not these any more
   */
  async follow(store: SeriesStore, rows: ReadonlyMap<number, SeriesRow>): Promise<number[] | 'moved'> {
    const events = rows.get(this.rows.events.id);
    const counted = rows.get(this.rows.counted.id);
    const taken = this.rows.taken && rows.get(this.rows.taken.id);
    if (events === undefined || counted === undefined || taken === undefined) return 'moved';
    if (events.backfilled !== null) return 'moved';
    const measured = changedSince(events.recent, this.rows.events.revision);
    const changed = changedSince(counted.recent, this.rows.counted.revision);
    const corrected = taken && changedSince(taken.recent, this.rows.taken?.revision ?? 0);
    if (measured === null || changed === null || (taken !== null && corrected === null)) return 'moved';
    if (measured.length > 0) {
      const pages = await store.pages.cells(measured.map((hour) => ({ id: events.id, hour })));
      for (const hour of measured.sort((a, b) => a - b)) {
        const cells = pages.get(`${events.id}/${hour}`);
        if (cells !== undefined) this.events.follow(hour, cells, events);
      }
    }
    this.rows = { events, counted, taken };
    return [...new Set([...changed, ...(corrected ?? [])])];
  }

  /** What it counted in a stretch of minutes, both ends inclusive. */
  async counts(store: SeriesStore, low: number, high: number): Promise<Counts> {
    const { counted, taken } = this.rows;
    const ids = taken === null ? [counted.id] : [counted.id, taken.id];
    const found = await store.hoursOf(ids, hourOf(low), hourOf(high));
    const hours = found.get(counted.id) as Map<number, Cells>;
    const less = taken && (found.get(taken.id) as Map<number, Cells>);
    if (less === null) return (from, to) => sumOf(hours, from, to);
    return (from, to) => sumOf(hours, from, to).minus(sumOf(less, from, to));
  }
}

function sumOf(hours: ReadonlyMap<number, Cells>, low: number, high: number): Tally {
  const tally = new Tally();
  for (let hour = hourOf(low); hour <= hourOf(high); hour++) {
    const cells = hours.get(hour);
    if (cells === undefined) continue;
    const start = hour * HOUR_MINUTES;
    const last = Math.min(HOUR_MINUTES - 1, high - start);
    for (let i = Math.max(0, low - start); i <= last; i++) cells.addTo(tally, i);
  }
  return tally;
}
