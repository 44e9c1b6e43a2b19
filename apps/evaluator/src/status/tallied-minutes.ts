import { type Counts, MinuteSpan, minuteOf, type Series, type Stretch, Tally } from '@bellwether/slo';
import type { CountedMinutes } from '../store/stored-minutes.js';

/** What was counted over any stretch of minutes, summed from buckets in memory. */
export class TalliedMinutes implements CountedMinutes {
  readonly measured: Stretch | null;
  readonly #counts: Counts;
  readonly #slice: number;

  /**
   * @param events all that it is counted from
   * @param slice minutes before the first event that it may be counted at: a slice begins before what was measured in it
   */
  constructor(events: readonly Pick<Series, 'first' | 'newest'>[], counts: Counts, slice: number) {
    const times = events.flatMap(({ first, newest }) =>
      first === null || newest === null ? [] : [first, newest],
    );
    this.measured =
      times.length === 0 ? null : { low: minuteOf(Math.min(...times)), high: minuteOf(Math.max(...times)) };
    this.#counts = counts;
    this.#slice = slice;
  }

  async span(stretch: Stretch): Promise<MinuteSpan> {
    const span = new MinuteSpan(stretch);
    span.putCounts(this.#within(stretch), this.#counts);
    return span;
  }

  async sum(stretch: Stretch): Promise<Tally> {
    const { low, high } = this.#within(stretch);
    return low > high ? new Tally() : this.#counts(low, high);
  }

  #within({ low, high }: Stretch): Stretch {
    const { measured } = this;
    if (measured === null) return { low: 0, high: -1 };
    return { low: Math.max(low, measured.low - this.#slice), high: Math.min(high, measured.high) };
  }
}
