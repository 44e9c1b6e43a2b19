import type { SloGroup } from '@bellwether/contracts';
import {
  Corrections,
  decidePolicy,
  decideSlo,
  evolveLedger,
  groupingKey,
  readSlo,
  retireGroups,
} from '@bellwether/slo';
import type { AbsenceAlert } from '../evaluation/absence.js';
import { evidenceOf, tipOf, toldOf } from '../evaluation/evidence.js';
import type { Told, TransitionLog } from '../evaluation/transitions.js';
import type { Registry } from '../registry/registry.js';
import type { Buckets } from './buckets.js';
import { type Demand, demandKey, type LiveSeries } from './live-series.js';
import type { PartitionContext } from './partition-context.js';
import { type Watch, WatchedSlo } from './watch.js';

/** The SLOs of a partition, evaluated when measurements come and when time passes. */
export class Watches {
  readonly #transitions: TransitionLog;
  readonly #absence: AbsenceAlert;
  readonly #registry: Registry;
  readonly #slos = new Map<string, WatchedSlo>();

  constructor({
    transitions,
    absence,
    registry,
  }: Pick<PartitionContext, 'transitions' | 'absence' | 'registry'>) {
    this.#transitions = transitions;
    this.#absence = absence;
    this.#registry = registry;
  }

  get(slo: string): WatchedSlo | undefined {
    return this.#slos.get(slo);
  }

  /** Watches what is asked for. A series in the making decides nothing: it has a part of the measurements only. */
  adopt(demands: ReadonlyMap<string, Demand>, buckets: Buckets): void {
    const before = new Map(this.#slos);
    this.#slos.clear();
    const complete = (key: string): LiveSeries | null => {
      const live = buckets.of(key);
      return live === undefined || live.building ? null : live;
    };
    for (const [key, demand] of demands) {
      const whole = demand.grouping === null ? complete(key)?.root : undefined;
      if (whole === undefined) continue;
      for (const plan of demand.plans) {
        const { name } = plan.definition;
        const grouped =
          plan.grouping &&
          complete(demandKey({ sli: demand.sli, key: groupingKey(demand.key, plan.grouping) }));
        const known = before.get(name);
        if (known?.is(plan, whole, grouped)) this.#slos.set(name, known);
        else this.#slos.set(name, new WatchedSlo(plan, whole, grouped, known?.isCorrectedBy(plan)));
      }
    }
  }

  clear(): void {
    this.#slos.clear();
  }

  isDue(now: number): boolean {
    for (const slo of this.#slos.values()) if (slo.due(now).length > 0) return true;
    return false;
  }

  /** Evaluates what is due and appends what follows from it. @returns how many SLOs and groups were evaluated */
  async evaluateDue(buckets: Buckets, now: Date): Promise<number> {
    const due = [...this.#slos].flatMap(([slo, watched]) => {
      const watches = watched.due(now.getTime());
      return watches.length === 0 ? [] : [{ slo, watched, watches }];
    });
    if (due.length === 0) return 0;
    const parts = due.flatMap(({ watches }) => watches.map((watch) => watch.live));
    await buckets.page(new Set(parts), now.getTime());
    await Promise.all(due.map(({ slo, watched, watches }) => this.#evaluate(slo, watched, watches, now)));
    await this.watchSilence(new Set(due.map(({ watched }) => watched.whole.row.sli)), buckets, now);
    return parts.length;
  }

  /** Fires or resolves the absent-data alerts of SLIs. */
  async watchSilence(slis: Iterable<string>, buckets: Buckets, now: Date): Promise<void> {
    for (const sli of slis) {
      const series = buckets.ofSli(sli).filter(({ demand }) => demand.grouping === null);
      if (series.some((live) => live.building)) continue;
      const newest = series.reduce<LiveSeries | undefined>(
        (best, live) => ((live.root.newest ?? -1) > (best?.root.newest ?? -1) ? live : best),
        series[0],
      );
      const listened = {
        heartbeat: newest?.root.buckets.heartbeat() ?? null,
        evidence: newest?.row.tip ?? null,
        readSince: this.#readSince(series),
        slos: series.flatMap(({ demand }) => demand.plans.map(({ definition }) => definition)),
        corrections: correctionsOf(series),
      };
      await this.#absence.settle(sli, listened, now);
    }
  }

  /** Since when the first of those that read these series does, epoch milliseconds. */
  #readSince(series: readonly LiveSeries[]): number {
    const { slos, rules } = this.#registry;
    const readers = series.flatMap(({ demand }) => [
      ...demand.plans.map(({ definition }) => slos.get(definition.name)),
      ...demand.thresholds.map(({ definition }) => rules.get(definition.name)),
    ]);
    return Math.min(...readers.flatMap((reader) => (reader === undefined ? [] : [reader.readsSince])));
  }

  /** The whole and its groups are decided together: all of it goes to the stream of the SLO. */
  async #evaluate(slo: string, watched: WatchedSlo, watches: readonly Watch[], now: Date): Promise<void> {
    const { plan, isCorrected } = watched;
    const readings = watches.map((watch) => {
      watch.begin(now.getTime());
      const { live } = watch;
      return { live, reading: readSlo(plan, live.buckets.source(plan), now.getTime()) };
    });
    await this.#transitions.settle(slo, (entry, policy) => {
      // A definition that changed meanwhile is evaluated when it has been taken into account.
      if (entry.definition !== plan.definition || entry.corrections.key !== plan.corrections.key)
        return { told: [], at: now };
      const told: Told[] = [];
      let { ledger } = entry;
      for (const { live, reading } of readings) {
        const evidence = evidenceOf(live.row, reading, ledger);
        for (const transition of decideSlo(reading, ledger, tipOf(live.row, evidence))) {
          ledger = evolveLedger(ledger, transition);
          told.push(toldOf(transition, live.row, reading, evidence));
        }
        if (reading.source.group !== undefined) continue;
        for (const transition of decidePolicy(reading, policy, entry.policy))
          told.push(toldOf(transition, live.row, reading, evidence));
      }
      const isGone = (group: SloGroup): boolean => watched.knowsGroups && !watched.has(group);
      for (const transition of retireGroups(ledger, now.getTime(), isGone)) {
        told.push({ transition, evidence: null });
      }
      return { told, at: now, cause: isCorrected ? entry.corrected.last : null };
    });
    watched.settled();
  }
}

/** Each set of corrections that an SLO on these series has. */
function correctionsOf(series: readonly LiveSeries[]): Corrections[] {
  const all = series.flatMap(({ demand }) => demand.plans.map(({ corrections }) => corrections));
  const distinct = new Map(all.map((corrections) => [corrections.key, corrections]));
  return distinct.size === 0 ? [Corrections.NONE] : [...distinct.values()];
}
