import type { PointColumns } from '@bellwether/contracts';
import { type Classifier, classifier } from '../classifier.js';
import { pointsByValue, sightingsOf } from '../grouped-buckets.js';
import { type Grouping, GroupMembers } from '../grouping.js';
import type { SloPlan } from '../slo-plan.js';
import { minuteOf } from '../time-grid.js';
import { GatheredMinutes } from './gathered-minutes.js';
import { type BacktestSpan, recordedSpan } from './span.js';

/** A group whose value gave its place up to another one. */
export interface Departure {
  value: string;
  /** Minute of the event time that whoever took it came with. */
  minute: number;
}

/** The measurements that a backtest is made of: of the whole SLI, and of the groups that the SLO is parted into. */
export class Recording {
  /** What is kept of, epoch milliseconds. */
  readonly span: BacktestSpan;
  readonly whole: GatheredMinutes;
  /** By value of the label, those of all other values among them. */
  readonly groups = new Map<string, GatheredMinutes>();
  /** In the order of the log. */
  readonly departures: Departure[] = [];
  readonly #classify: Classifier;
  readonly #sketched: boolean;
  readonly #grouping: Grouping | null;
  readonly #members: GroupMembers | null;
  #unfit = 0;

  /**
   * @param span of the backtest; more is kept, see {@link recordedSpan}
   * @param sliUnit unit of the SLI's definition; undefined while it has none
   */
  constructor(plan: SloPlan, span: BacktestSpan, sliUnit?: string) {
    this.span = recordedSpan(plan, span);
    this.#classify = classifier(plan.indicator, sliUnit);
    this.#sketched = plan.indicator.kind === 'percentile';
    this.#grouping = plan.grouping;
    this.#members = plan.grouping && new GroupMembers(plan.grouping);
    this.whole = new GatheredMinutes(this.span, this.#sketched);
  }

  /** Points that the indicator has no reading for. */
  get unfit(): number {
    return this.#unfit;
  }

  /** Bytes that it takes. */
  get bytes(): number {
    let { bytes } = this.whole;
    for (const group of this.groups.values()) bytes += group.bytes;
    return bytes;
  }

  /**
   * Takes the points of a message. The order of messages decides which values are groups, where more of them come than
   * the SLO's cap allows, and nothing else.
   */
  take(columns: readonly PointColumns[]): void {
    for (const each of columns) {
      this.#unfit += this.#classify(each, (at, measure, count) => this.whole.observe(at, measure, count));
    }
    if (this.#grouping !== null) this.#takeGroups(columns, this.#grouping);
  }

  #takeGroups(columns: readonly PointColumns[], { label }: Grouping): void {
    const points = pointsByValue(columns, label, this.#classify);
    const members = this.#members as GroupMembers;
    const sightings = sightingsOf(points);
    const { joined, left } = members.see(sightings);
    if (left.length > 0) {
      const newcomers = sightings.filter(({ value }) => joined.includes(value));
      const minute = minuteOf(Math.min(...newcomers.map(({ oldest }) => oldest)));
      this.departures.push(...left.map((value) => ({ value, minute })));
    }
    for (const [value, all] of points) {
      const group = this.#group(members.groupOf(value));
      for (const { at, measure, count } of all) group.observe(at, measure, count);
    }
  }

  #group(value: string): GatheredMinutes {
    let group = this.groups.get(value);
    if (group === undefined) {
      group = new GatheredMinutes(this.span, this.#sketched);
      this.groups.set(value, group);
    }
    return group;
  }
}
