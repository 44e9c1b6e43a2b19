import { PageMissing } from './pages.js';
import { Sketch } from './sketch.js';
import { decodeSketch, encodeSketch } from './sketch-codec.js';
import { HOUR_MINUTES, hourOf } from './time-grid.js';

/** Hours up to the newest measurement whose sketches stay in memory once they are stored. */
const HOT_HOURS = 2;

/** An hour of sketches: the minute's, as it is stored, or at work since it was changed. */
interface Hour {
  minutes: Map<number, Uint8Array | Sketch>;
  dirty: boolean;
}

/**
 * The sketches of the minutes of one SLI. In memory are those of the last two hours, and of the hours that a late
 * measurement or a new definition needs, in their stored form: two or three bytes for each bin (1 % of value) that
 * something was observed in, 200 to 500 bytes a minute for a latency, at most 29 KB for one whose values fill the whole
 * range of 1e-9 to 1e12 both ways. One that is being changed takes about twenty times that until it is stored.
 */
export class Sketches {
  readonly #hours = new Map<number, Hour>();
  readonly #paged: boolean;

  /** @param paged whether older ones live elsewhere; else all are kept in memory */
  constructor(paged: boolean) {
    this.#paged = paged;
  }

  /** Counts a value. @param known whether the hour has stored sketches. @throws PageMissing when they are not in memory */
  observe(minute: number, value: number, count: number, known: boolean): void {
    this.#own(minute, known).observe(value, count);
  }

  /** Counts everything that another sketch counted. @param known,@throws as of {@link observe} */
  merge(minute: number, observed: Sketch, known: boolean): void {
    this.#own(minute, known).merge(observed);
  }

  /** Adds a minute's sketch to `sketch`. @param known whether the minute was measured. @throws PageMissing */
  mergeInto(sketch: Sketch, minute: number, known: boolean): void {
    const found = known ? this.#of(minute) : null;
    if (found !== null) sketch.merge(found);
  }

  /** Takes a minute's sketch, which was added before, from `sketch`; as {@link mergeInto}. */
  takeFrom(sketch: Sketch, minute: number, known: boolean): void {
    const found = known ? this.#of(minute) : null;
    if (found !== null) sketch.subtract(found);
  }

  #of(minute: number): Sketch | null {
    const hour = hourOf(minute);
    const own = this.#hours.get(hour);
    if (own === undefined) throw new PageMissing(hour);
    const found = own.minutes.get(minute - hour * HOUR_MINUTES);
    if (found === undefined) return null;
    return found instanceof Sketch ? found : decodeSketch(found);
  }

  /** Whether the hour's sketches are in memory. */
  has(hour: number): boolean {
    return !this.#paged || this.#hours.has(hour);
  }

  /** Brings an hour's stored sketches in; one that is in memory already is left as it is. */
  provide(hour: number, minutes: ReadonlyMap<number, Uint8Array>): void {
    if (this.#hours.has(hour)) return;
    this.#hours.set(hour, { minutes: new Map(minutes), dirty: false });
  }

  /** The hours that changed since the last call, in their stored form. */
  takeDirty(): { hour: number; minutes: ReadonlyMap<number, Uint8Array> }[] {
    const changed: { hour: number; minutes: ReadonlyMap<number, Uint8Array> }[] = [];
    for (const [hour, own] of this.#hours) {
      if (!own.dirty) continue;
      own.dirty = false;
      const stored = new Map<number, Uint8Array>();
      for (const [place, sketch] of own.minutes) {
        stored.set(place, sketch instanceof Sketch ? encodeSketch(sketch) : sketch);
      }
      own.minutes = stored;
      changed.push({ hour, minutes: stored });
    }
    return changed.sort((a, b) => a.hour - b.hour);
  }

  /** Drops the hours that are stored, but those up to the newest one, and those to keep. */
  release(newest: number, keep: ReadonlySet<number> = new Set()): void {
    if (!this.#paged) return;
    for (const [hour, own] of this.#hours) {
      if (!own.dirty && hour <= newest - HOT_HOURS && !keep.has(hour)) this.#hours.delete(hour);
    }
  }

  /** Forgets the hours before one: of a span in which nothing late can come. */
  forget(before: number): void {
    for (const hour of this.#hours.keys()) if (hour < before) this.#hours.delete(hour);
  }

  #own(minute: number, known: boolean): Sketch {
    const hour = hourOf(minute);
    let own = this.#hours.get(hour);
    if (own === undefined) {
      if (known && this.#paged) throw new PageMissing(hour);
      own = { minutes: new Map(), dirty: true };
      this.#hours.set(hour, own);
    }
    const place = minute - hour * HOUR_MINUTES;
    let sketch = own.minutes.get(place);
    if (!(sketch instanceof Sketch)) {
      sketch = sketch === undefined ? new Sketch() : decodeSketch(sketch);
      own.minutes.set(place, sketch);
    }
    own.dirty = true;
    return sketch;
  }

  /** Bytes of stored sketches in memory. */
  get bytes(): number {
    let bytes = 0;
    for (const { minutes } of this.#hours.values()) {
      for (const sketch of minutes.values()) {
        bytes += sketch instanceof Sketch ? sketch.bins.length * 50 : sketch.byteLength;
      }
    }
    return bytes;
  }
}
