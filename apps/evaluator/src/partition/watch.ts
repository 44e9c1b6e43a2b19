import { OTHER_GROUP, type SloGroup } from '@bellwether/contracts';
import type { SloPlan } from '@bellwether/slo';
import type { LiveBuckets } from './live-buckets.js';
import type { LiveSeries } from './live-series.js';

/** Measurements are evaluated at once, then at most this often, milliseconds. */
const THROTTLE_MS = 200;
/** The passage of time is looked at this often, milliseconds. */
const TIME_MS = 15_000;

/** What is watched of an SLO: the whole, or one group. */
export class Watch {
  /** When it was last evaluated, by the clock. */
  #evaluatedAt = Number.NEGATIVE_INFINITY;
  /** The same in real time: what the throttle is measured by, since it is there to bound work. */
  #workedAt = Number.NEGATIVE_INFINITY;
  /** Messages that were counted by then. */
  #counted = 0;

  constructor(readonly live: LiveBuckets) {}

  isDue(now: number): boolean {
    const since = now - this.#evaluatedAt;
    // A clock that was set back must not keep an SLO from being evaluated.
    if (since < 0 || since >= TIME_MS) return true;
    return this.live.counted !== this.#counted && performance.now() - this.#workedAt >= THROTTLE_MS;
  }

  /** It is being evaluated. */
  begin(now: number): void {
    this.#evaluatedAt = now;
    this.#workedAt = performance.now();
    this.#counted = this.live.counted;
  }
}

const NONE: readonly Watch[] = [];

/** An SLO that is watched, with its groups. */
export class WatchedSlo {
  readonly #whole: Watch;
  readonly #grouped: LiveSeries | null;
  /** By value of the label. */
  readonly #groups = new Map<string, Watch>();

  /** What it counts was corrected since the last evaluation: what the next one finds comes from that. */
  #isCorrected: boolean;

  /**
   * @param grouped the series of its groups; null while they are in the making, and where there are none
   * @param isCorrected whether its corrections are others than when it was last evaluated
   */
  constructor(
    readonly plan: SloPlan,
    whole: LiveBuckets,
    grouped: LiveSeries | null,
    isCorrected = false,
  ) {
    this.#isCorrected = isCorrected;
    this.#whole = new Watch(whole);
    this.#grouped = grouped;
  }

  /** Whether it is the same that another definition, other corrections and other buckets would make. */
  is(plan: SloPlan, whole: LiveBuckets, grouped: LiveSeries | null): boolean {
    return (
      this.plan.definition === plan.definition &&
      this.plan.corrections.key === plan.corrections.key &&
      this.#whole.live === whole &&
      this.#grouped === grouped
    );
  }

  /** Whether a plan corrects what this one counts, by the same definition, and that was not evaluated yet. */
  isCorrectedBy({ definition, corrections }: SloPlan): boolean {
    return (
      this.plan.definition === definition &&
      (this.#isCorrected || this.plan.corrections.key !== corrections.key)
    );
  }

  get isCorrected(): boolean {
    return this.#isCorrected;
  }

  /** What follows from its evaluation is in the log. */
  settled(): void {
    this.#isCorrected = false;
  }

  get whole(): LiveBuckets {
    return this.#whole.live;
  }

  /** Whether its groups are known; those of an SLO without any are. */
  get knowsGroups(): boolean {
    return this.plan.grouping === null || this.#grouped !== null;
  }

  /** The buckets of its groups, those of all other values among them. */
  get groups(): LiveBuckets[] {
    return this.#grouped?.parts ?? [];
  }

  /** Whether alerts of a group are its own: it is grouped by the label, has a group of the value, and lets it alert. */
  has({ label, value }: SloGroup): boolean {
    return this.#groupsAlert && this.plan.grouping?.label === label && this.group(value) !== undefined;
  }

  get #groupsAlert(): boolean {
    return this.plan.definition.groupBy?.alerts !== 'overall';
  }

  /** The buckets of a group, by value of the label. */
  group(value: string): LiveBuckets | undefined {
    return value === OTHER_GROUP ? this.#grouped?.root : this.#grouped?.groups.get(value);
  }

  /** What of it is due. Asked of thousands of SLOs many times a second: most have no groups to look through. */
  due(now: number): readonly Watch[] {
    if (this.#grouped === null && this.#groups.size === 0)
      return this.#whole.isDue(now) ? [this.#whole] : NONE;
    return this.watches.filter((watch) => watch.isDue(now));
  }

  /** What is watched, brought up to the groups that there are now. */
  get watches(): Watch[] {
    // What nobody is told of is read when somebody asks for it.
    const groups = this.#groupsAlert ? this.groups : [];
    if (groups.length !== this.#groups.size || groups.some((live) => this.#of(live)?.live !== live)) {
      const before = new Map(this.#groups);
      this.#groups.clear();
      for (const live of groups) {
        const value = live.buckets.group?.value ?? '';
        const known = before.get(value);
        this.#groups.set(value, known?.live === live ? known : new Watch(live));
      }
    }
    return [this.#whole, ...this.#groups.values()];
  }

  #of(live: LiveBuckets): Watch | undefined {
    return this.#groups.get(live.buckets.group?.value ?? '');
  }
}
