import type { SloGroup, SloStatus } from '@bellwether/contracts';
import { type BucketNeeds, needsOf } from '../bucket-needs.js';
import { STALE_AFTER } from '../cadence.js';
import { decideSlo, retireGroups } from '../decide.js';
import { statusOfGroups } from '../group-status.js';
import { type GatheredMinute, IndicatorBuckets, type SloSource } from '../indicator-buckets.js';
import { emptyLedger, evolveLedger, type SloLedger, type SloTransition } from '../ledger.js';
import { type Reading, readSlo } from '../reading.js';
import { settledAfter } from '../series.js';
import type { SloPlan } from '../slo-plan.js';
import { statusOf } from '../status.js';
import { DAY_MINUTES, HOUR_MINUTES, MINUTE, minuteOf } from '../time-grid.js';
import { windowMillis } from '../window-tally.js';
import { RememberedTallies } from './remembered-tallies.js';

/** How often the passage of time is looked at, milliseconds. */
const TICK = 15_000;

/** The buckets of the whole, or of a group, and what is read from them. */
interface Part {
  buckets: IndicatorBuckets;
  source: SloSource;
  tallies: RememberedTallies;
}

/** An SLO on virtual time: measurements go in by the minute, and what is decided of them comes out. */
export class Replay {
  readonly plan: SloPlan;
  ledger: SloLedger = emptyLedger;
  /** Told of each evaluation of the whole and of each group, and what followed from it. */
  onEvaluated: (reading: Reading, transitions: readonly SloTransition[]) => void = () => {};
  readonly #needs: BucketNeeds;
  readonly #cadence: number | undefined;
  readonly #whole: Part;
  /** By value of the label. */
  readonly #groups = new Map<string, Part>();

  /** @param cadence that the SLI's definition gives, milliseconds */
  constructor(plan: SloPlan, cadence?: number) {
    this.plan = plan;
    this.#needs = needsOf([plan]);
    this.#cadence = cadence;
    this.#whole = this.#part();
  }

  /** Counts a minute's points. Minutes come in order of time. @param group of them; absent for the whole */
  deliver(minute: GatheredMinute, group?: string): void {
    const { buckets, tallies } = group === undefined ? this.#whole : this.#group(group);
    buckets.observeMinute(minute);
    buckets.judge();
    tallies.forget();
  }

  /** A group gives its place up: its alerts end, and what was counted of it is forgotten. */
  depart(value: string, now: number): void {
    const part = this.#groups.get(value);
    if (part === undefined) return;
    this.#fold(
      readSlo(this.plan, part.source, now),
      retireGroups(this.ledger, now, (group) => group.value === value),
    );
    this.#groups.delete(value);
  }

  /**
   * Evaluates at the beginning of a minute, and again every 15 s of it where something changes then without a
   * measurement: within a minute windows stand still, and all that can change is that data went stale, or that there is
   * history enough to judge by.
   * @param until nothing is evaluated after it, epoch milliseconds
   */
  evaluateMinute(minute: number, until: number): void {
    const start = minute * MINUTE;
    if (!this.#evaluate(start)) return;
    for (let at = start + TICK; at < start + MINUTE && at <= until; at += TICK) this.#evaluate(at);
  }

  /** What there is to see now without a decision: of the whole, then of each group. */
  read(now: number): [whole: Reading, ...groups: Reading[]] {
    const groups = [...this.#groups.values()].map(({ source }) => readSlo(this.plan, source, now));
    return [readSlo(this.plan, this.#whole.source, now), ...groups];
  }

  /** The status, with the groups of an SLO that has some. @param readings see {@link read} */
  status([whole, ...groups]: readonly [Reading, ...Reading[]]): SloStatus {
    const status = statusOf(whole, this.ledger);
    if (this.plan.grouping === null) return status;
    const sources = groups.map(({ source }) => source);
    return { ...status, ...statusOfGroups(this.plan, whole.source, sources, this.ledger, whole.at) };
  }

  /** Lets go of values that no slice is judged by any more. @param hour the one that virtual time has come to */
  forget(hour: number): void {
    for (const { buckets } of [this.#whole, ...this.#groups.values()]) {
      buckets.sketches?.forget(hour - DAY_MINUTES / HOUR_MINUTES);
    }
  }

  /** The whole is decided first, then each group from what that came to. Whether anything may change within the minute. */
  #evaluate(now: number): boolean {
    let changes = this.#decide(this.#whole, now);
    for (const group of this.#groups.values()) if (this.#decide(group, now)) changes = true;
    return changes;
  }

  #decide({ source }: Part, now: number): boolean {
    const reading = readSlo(this.plan, source, now);
    this.#fold(reading, decideSlo(reading, this.ledger, null));
    return changesWithin(reading);
  }

  #fold(reading: Reading, transitions: readonly SloTransition[]): void {
    for (const transition of transitions) this.ledger = evolveLedger(this.ledger, transition);
    this.onEvaluated(reading, transitions);
  }

  #group(value: string): Part {
    let part = this.#groups.get(value);
    if (part === undefined) {
      part = this.#part({ label: this.plan.grouping?.label ?? '', value });
      this.#groups.set(value, part);
    }
    return part;
  }

  #part(group?: SloGroup): Part {
    // As live: the cadence of the SLI's definition is that of all of it.
    const cadence = group === undefined ? this.#cadence : undefined;
    const buckets = new IndicatorBuckets({ needs: this.#needs, cadence, group });
    const source = buckets.source(this.plan);
    const tallies = new RememberedTallies(source.tallies);
    return { buckets, source: { ...source, tallies }, tallies };
  }
}

/** Whether a reading may be another one within the next minute, though nothing is measured. */
function changesWithin({ plan, source, at, settled, history }: Reading): boolean {
  const { events, heartbeat } = source;
  const { cadence } = heartbeat.regularity;
  if (events.newest !== null && cadence !== null) {
    const staleAt = plan.corrections.after(events.newest, STALE_AFTER * cadence, at + MINUTE);
    if (staleAt >= at && staleAt < at + MINUTE) return true;
  }
  if (settled) return false;
  const enough = settledAfter(windowMillis(plan, minuteOf(at)) / MINUTE) * 60;
  return history > 0 && history + MINUTE / 1000 >= enough;
}
