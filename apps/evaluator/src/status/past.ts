import { cadenceOf, LogStreams, type MeasurementRecorded, type Sli } from '@bellwether/contracts';
import type { EventLog } from '@bellwether/event-log';
import {
  CompositeSlices,
  type Counts,
  classifier,
  componentNames,
  componentsOf,
  componentsState,
  compositeCounts,
  dueSlices,
  GroupedBuckets,
  IndicatorBuckets,
  longestSlice,
  MINUTE,
  minuteOf,
  needsOf,
  type SloPlan,
  type SloSource,
} from '@bellwether/slo';
import { type KnownSlos, resolveComposite, slisOf } from '../composite/resolve.js';
import { evolveSlo, type SloEntry } from '../registry/slo-entry.js';
import type { CountedMinutes } from '../store/stored-minutes.js';
import type { Counted } from './counted.js';
import { noSuchGroup } from './no-such-group.js';
import { planEntry } from './planned.js';
import { TalliedMinutes } from './tallied-minutes.js';

const PAGE = 1_000;
/** Minutes before a window that are counted too: a budget that is frozen looks back from when data went absent. */
const SPARE = 4 * 1440;

/** Whether slices without data count. */
const countsMissing = ({ rule, definition }: SloPlan): boolean =>
  rule !== null && definition.missingData !== 'freeze';

/** An SLO as it was defined at some time, and what its SLI was. */
export interface PastSlo {
  entry: SloEntry;
  sli: Sli | undefined;
}

/** What the log held at some time: definitions, and measurements, which are counted anew. */
export class Past {
  constructor(
    private readonly log: EventLog,
    private readonly asOf: Date,
  ) {}

  /** An SLO as it was defined; null when there was none. */
  async slo(name: string): Promise<PastSlo | null> {
    let entry: SloEntry | undefined;
    for (const event of await this.#read(LogStreams.slo(name))) entry = evolveSlo(entry, event);
    if (entry === undefined || entry.retired) return null;
    const { service, sli } = entry.definition;
    const defined = (await this.#read(LogStreams.sli(service, sli))).at(-1);
    return { entry, sli: defined?.data as Sli | undefined };
  }

  /**
   * What a measured SLO counted, and what its groups did.
   * @param of.since event time before which nothing is of interest, epoch milliseconds
   * @param of.groups which of them: the one named, or none; all when absent
   */
  async counted(
    plan: SloPlan,
    sli: Sli | undefined,
    of: { since?: number; groups?: { only: string } | 'none' } = {},
  ): Promise<{ buckets: IndicatorBuckets; parts: GroupedBuckets | null }> {
    const { since = this.#oldest(plan), groups } = of;
    // Where absent data counts, it does so from the first measurement on, however long ago that was.
    const oldest = countsMissing(plan) ? Number.NEGATIVE_INFINITY : since;
    const needs = needsOf([plan]);
    const buckets = new IndicatorBuckets({ needs, cadence: cadenceOf(sli) });
    const classify = classifier(plan.indicator, sli?.unit);
    const { grouping, definition } = plan;
    const only = typeof groups === 'object' ? groups.only : undefined;
    const parts =
      grouping === null || groups === 'none'
        ? null
        : new GroupedBuckets({ needs, grouping, classify, oldest, only });
    const stream = LogStreams.measurement(definition.service, definition.sli);
    for (let from = 1; ; ) {
      const page = await this.log.readStream(stream, { from, limit: PAGE, recordedUntil: this.asOf });
      for (const event of page) {
        const { columns } = event.data as MeasurementRecorded;
        parts?.take(columns);
        for (const each of columns) {
          classify(each, (at, measure, count) => {
            if (at >= oldest) buckets.observe(at, measure, count);
          });
        }
      }
      if (page.length < PAGE) break;
      from = (page.at(-1)?.version ?? 0) + 1;
    }
    buckets.judge();
    parts?.judge();
    return { buckets, parts };
  }

  /** What a composite counted since `oldest`, from what its components were and did; and what it did in any minutes. */
  async composite(
    plan: SloPlan,
    oldest = this.#oldest(plan),
  ): Promise<{ source: SloSource; minutes: CountedMinutes | null; slis: string[] }> {
    const known = await this.#components(plan);
    const resolved = resolveComposite(known, plan.definition.name);
    const measured = new Map<string, { slo: string; plan: SloPlan; source: SloSource }>();
    for (const { slo, plan: own } of resolved?.leaves ?? []) {
      const { buckets } = await this.counted(own, known.slis.get(slo), { since: oldest, groups: 'none' });
      measured.set(slo, { slo, plan: own, source: buckets.source(own) });
    }
    const slices = new CompositeSlices(plan);
    let minutes: CountedMinutes | null = null;
    if (resolved !== null) {
      const components = componentsOf(resolved.tree, ({ slo, plan: own }) => {
        const { source } = measured.get(slo) as { source: SloSource };
        const hasDue = countsMissing(own);
        return {
          counts: (low, high) => source.tallies.sum(low, high),
          due: hasDue ? dueSlices(own, source, this.asOf.getTime()) : null,
        };
      });
      slices.judge(components, minuteOf(oldest), minuteOf(this.asOf.getTime()));
      const events = [...measured.values()].map(({ source }) => source.events);
      minutes = new TalliedMinutes(events, compositeCounts(plan, components), longestSlice(resolved.tree));
    }
    const source = slices.source(componentsState([...measured.values()], plan.corrections));
    return { source, minutes, slis: slisOf(resolved) };
  }

  /**
   * What an SLO counted in any minutes since `oldest`, of one group where it is asked for.
   * @throws CommandRefused 404 when there was no such group
   */
  async minutes(
    plan: SloPlan,
    sli: Sli | undefined,
    oldest: number,
    group: string | undefined,
  ): Promise<Counted> {
    const read = async () => {
      if (plan.indicator.kind === 'composite') return await this.composite(plan, oldest);
      const groups = group === undefined ? 'none' : { only: group };
      const { buckets, parts } = await this.counted(plan, sli, { since: oldest, groups });
      const own = group === undefined ? buckets : parts?.groups.get(group);
      if (own === undefined) throw noSuchGroup(plan.definition.name, group as string);
      const source = own.source(plan);
      const counts: Counts = (low, high) => source.tallies.sum(low, high);
      return { source, minutes: new TalliedMinutes([source.events], counts, plan.slice) };
    };
    const { source, minutes } = await read();
    return {
      stored: minutes,
      due: plan.rule === null ? null : dueSlices(plan, source, this.asOf.getTime()),
      cadence: source.heartbeat.regularity.cadence,
      building: false,
    };
  }

  /** All SLOs that a composite was made of, and the composite. */
  async #components(root: SloPlan): Promise<KnownSlos & { slis: Map<string, Sli | undefined> }> {
    const plans = new Map([
      [root.definition.name, { plan: root, unit: undefined, cadence: undefined }],
    ]) as Map<string, ReturnType<KnownSlos['planned']>>;
    const slis = new Map<string, Sli | undefined>();
    const wanted = componentNames(root.definition);
    for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
      if (plans.has(name)) continue;
      const past = await this.slo(name);
      const planned = past && planEntry(past.entry, past.sli?.unit);
      const plan = planned?.ok ? planned.plan : null;
      plans.set(name, plan && { plan, unit: past?.sli?.unit, cadence: cadenceOf(past?.sli) });
      slis.set(name, past?.sli);
      if (plan) wanted.push(...componentNames(plan.definition));
    }
    return { slis, planned: (slo) => plans.get(slo) ?? null };
  }

  /** Event time before which nothing is of interest, epoch milliseconds. */
  #oldest({ window }: SloPlan): number {
    return this.asOf.getTime() - (window.longest + SPARE) * MINUTE;
  }

  async #read(stream: string) {
    return await this.log.readStream(stream, { recordedUntil: this.asOf });
  }
}
