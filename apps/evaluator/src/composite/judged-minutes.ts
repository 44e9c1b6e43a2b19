import { Cells, HOUR_MINUTES, hourOf, MinuteSpan, type Stretch, Tally } from '@bellwether/slo';
import type { CountedMinutes } from '../store/stored-minutes.js';
import type { LiveComposite } from './live-composite.js';

/** Minutes that are judged at a time: ten days. */
const AT_A_TIME = 240 * HOUR_MINUTES;

/** What a composite counted over any stretch of time, judged anew from what its components have stored. */
export class JudgedMinutes implements CountedMinutes {
  readonly measured: Stretch | null;

  constructor(private readonly live: LiveComposite) {
    this.measured = live.measured;
  }

  async span(stretch: Stretch): Promise<MinuteSpan> {
    const span = new MinuteSpan(stretch);
    for await (const { low, high } of parts(this.#within(stretch))) {
      const counts = await this.live.judged(low, high);
      for (let hour = hourOf(low); hour <= hourOf(high); hour++) {
        const cells = new Cells(HOUR_MINUTES);
        const start = hour * HOUR_MINUTES;
        for (let i = Math.max(0, low - start); i < Math.min(HOUR_MINUTES, high - start + 1); i++) {
          const { good, goodFraction, total, totalFraction } = counts(start + i, start + i);
          if (total > 0 || totalFraction > 0) cells.add(i, good, goodFraction, total, totalFraction);
        }
        span.put(hour, cells);
      }
    }
    return span;
  }

  async sum(stretch: Stretch): Promise<Tally> {
    const tally = new Tally();
    for await (const { low, high } of parts(this.#within(stretch))) {
      tally.plus((await this.live.judged(low, high))(low, high));
    }
    return tally;
  }

  #within({ low, high }: Stretch): Stretch {
    const { measured } = this;
    if (measured === null) return { low: 0, high: -1 };
    // A slice begins before what was measured in it.
    return {
      low: Math.max(low, measured.low - this.live.resolved.tree.plan.slice),
      high: Math.min(high, measured.high),
    };
  }
}

function* parts({ low, high }: Stretch): Generator<Stretch> {
  for (let from = low; from <= high; from += AT_A_TIME) {
    yield { low: from, high: Math.min(high, from + AT_A_TIME - 1) };
  }
}
