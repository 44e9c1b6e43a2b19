import type { SloPlan } from './slo-plan.js';

/** Steady traffic for some whole minutes: requests a minute, and the share of them that is bad. */
export interface Stretch {
  minutes: number;
  rate: number;
  bad: number;
}

/** From when to when something held; null: it still does at the end. */
export interface Interval {
  fired: number;
  resolved: number | null;
}

/** Linear between its corners: how many there were up to a time. Seconds. */
class Running {
  readonly #corners: [at: number, sum: number][] = [[0, 0]];

  add(seconds: number, perSecond: number): void {
    const [at, sum] = this.#corners.at(-1) as [number, number];
    this.#corners.push([at + seconds, sum + perSecond * seconds]);
  }

  get corners(): number[] {
    return this.#corners.map(([at]) => at);
  }

  at(time: number): number {
    if (time <= 0) return 0;
    const next = this.#corners.findIndex(([at]) => at >= time);
    if (next === -1) return (this.#corners.at(-1) as [number, number])[1];
    const [[from, low], [to, high]] = [this.#corners[next - 1], this.#corners[next]] as [number, number][] &
      [[number, number], [number, number]];
    return low + ((time - from) / (to - from)) * (high - low);
  }

  over(window: number, time: number): number {
    return this.at(time) - this.at(time - window);
  }
}

/**
 * When each alert of a plan holds, worked out by closed formulas and without a clock. Traffic is steady in stretches, so
 * what a window holds of bad and of all events is linear between the times at which a stretch begins or leaves the
 * window, and so is `bad - threshold · budget · all`: each time at which it passes 0 is the root of a line. Before the
 * first stretch there is nothing, so that a young window is of the history there is.
 */
export class TimingOracle {
  readonly #bad = new Running();
  readonly #all = new Running();

  constructor(
    readonly plan: SloPlan,
    traffic: readonly Stretch[],
  ) {
    for (const { minutes, rate, bad } of traffic) {
      this.#bad.add(minutes * 60, (rate / 60) * bad);
      this.#all.add(minutes * 60, rate / 60);
    }
  }

  /** By how much the conditions of an alert are met at a time: each must be above 0. */
  margins(pair: SloPlan['pairs'][number], time: number): number[] {
    const allowed = pair.threshold * this.plan.budget;
    const { minTotal, minBad } = this.plan.definition.alerting;
    const long = pair.longMinutes * 60;
    const burn = (window: number): number =>
      this.#bad.over(window, time) - allowed * this.#all.over(window, time);
    return [
      burn(long),
      burn(pair.shortMinutes * 60),
      ...(minTotal === undefined ? [] : [this.#all.over(long, time) - minTotal]),
      ...(minBad === undefined ? [] : [this.#bad.over(long, time) - minBad]),
    ];
  }

  /** By `severity tier`: seconds after `origin` (seconds after the start of the first stretch). */
  intervals(origin: number): Record<string, Interval[]> {
    const found: Record<string, Interval[]> = {};
    for (const pair of this.plan.pairs) {
      const holding = this.#holding(pair);
      if (holding.length === 0) continue;
      found[`${pair.severity} ${pair.tier}`] = holding.map(({ fired, resolved }) => ({
        fired: fired - origin,
        resolved: resolved === null ? null : resolved - origin,
      }));
    }
    return found;
  }

  #holding(pair: SloPlan['pairs'][number]): Interval[] {
    const end = this.#all.corners.at(-1) as number;
    const corners = [0, pair.shortMinutes * 60, pair.longMinutes * 60]
      .flatMap((window) => this.#all.corners.map((corner) => corner + window))
      .filter((time) => time <= end);
    const times = [...new Set(corners)].sort((a, b) => a - b);
    const roots = times.slice(1).flatMap((to, i) => {
      const from = times[i] as number;
      const [before, after] = [this.margins(pair, from), this.margins(pair, to)];
      return before.flatMap((low, k) => {
        const high = after[k] as number;
        return low * high < 0 ? [from + ((to - from) * low) / (low - high)] : [];
      });
    });
    const all = [...times, ...roots].sort((a, b) => a - b);
    const intervals: Interval[] = [];
    for (const [i, to] of all.entries()) {
      const from = all[i - 1];
      if (from === undefined || to - from < 1e-9) continue;
      if (!this.margins(pair, (from + to) / 2).every((margin) => margin > 1e-6)) continue;
      const last = intervals.at(-1);
      if (last?.resolved === from) last.resolved = to;
      else intervals.push({ fired: from, resolved: to });
    }
    return intervals.map(({ fired, resolved }) => ({ fired, resolved: resolved === end ? null : resolved }));
  }
}
