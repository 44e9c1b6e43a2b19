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
}

/** The rows of an SLO; null while its buckets are being made. */
export async function rowsOf(store: SeriesStore, leaf: MeasuredLeaf): Promise<LeafRows | null> {
  const events = await store.find(leaf.sli, leaf.indicator);
  if (events === null || events.backfilled !== null) return null;
  const { rule } = leaf.plan;
  if (rule === null) return { events, counted: events };
  const counted = (await storedSlices(store, events, needsOf([leaf.plan]))).get(rule.key);
  return counted === undefined ? null : { events, counted };
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
    this.source = { events, heartbeat: new Heartbeat(events, leaf.cadence, leaf.plan.slice) };
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
    return [this.rows.events.id, this.rows.counted.id];
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
    if (events === undefined || counted === undefined || events.backfilled !== null) return 'moved';
    const measured = changedSince(events.recent, this.rows.events.revision);
    const changed = changedSince(counted.recent, this.rows.counted.revision);
    if (measured === null || changed === null) return 'moved';
    if (measured.length > 0) {
      const pages = await store.pages(measured.map((hour) => ({ id: events.id, hour })));
      for (const hour of measured.sort((a, b) => a - b)) {
        const cells = pages.get(`${events.id}/${hour}`);
        if (cells !== undefined) this.events.follow(hour, cells, events);
      }
    }
    this.rows = { events, counted };
    return changed;
  }

  /** What it counted in a stretch of minutes, both ends inclusive. */
  async counts(store: SeriesStore, low: number, high: number): Promise<Counts> {
    const hours = await store.hours(this.rows.counted.id, hourOf(low), hourOf(high));
    return (from, to) => sumOf(hours, from, to);
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
