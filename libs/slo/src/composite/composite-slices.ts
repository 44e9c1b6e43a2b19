import { Heartbeat } from '../cadence.js';
import type { SloSource } from '../indicator-buckets.js';
import { Series } from '../series.js';
import type { SloPlan } from '../slo-plan.js';
import { sliceOf } from '../window.js';
import type { ComponentsState } from './components-state.js';
import { type ComponentCounts, judgeComposite } from './composite.js';

/**
 * What a composite counts, in memory alone: its components' buckets have it, and it is judged anew where one of those
 * changed. Judging the same twice, or in another order, changes nothing.
 */
export class CompositeSlices {
  readonly #series: Series;
  readonly #heartbeat: Heartbeat;

  constructor(readonly plan: SloPlan) {
    this.#series = new Series({ windows: [...plan.windows, ...plan.eventWindows] });
    this.#heartbeat = new Heartbeat(this.#series, undefined, plan.slice, plan.corrections);
  }

  /** Judges the slices that touch [low, high] (minutes) anew. */
  judge(components: readonly ComponentCounts[], low: number, high: number): void {
    const { plan } = this;
    for (let start = sliceOf(low, plan.slice); start <= high; start += plan.slice) {
      const verdict = judgeComposite(plan, components, start);
      // What was there and is not any more counts nothing.
      if (!verdict.isEmpty || this.#series.has(start)) this.#series.put(start, verdict);
    }
    this.#series.forget();
  }

  /** What the composite is read from. */
  source(components: ComponentsState): SloSource {
    const series = this.#series;
    return {
      heartbeat: this.#heartbeat,
      tallies: series,
      traffic: series,
      events: series,
      uncorrected: series,
      summed: [series],
      components,
    };
  }

  /** Bytes of buckets in memory. */
  get bytes(): number {
    return this.#series.bytes;
  }
}
