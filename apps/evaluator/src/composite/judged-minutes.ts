import { HOUR_MINUTES, MinuteSpan, type Stretch, Tally } from '@bellwether/slo';
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
    for (const part of parts(this.#within(stretch))) {
      span.putCounts(part, await this.live.judged(part.low, part.high));
    }
    return span;
  }

  async sum(stretch: Stretch): Promise<Tally> {
    const tally = new Tally();
    for (const { low, high } of parts(this.#within(stretch))) {
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
