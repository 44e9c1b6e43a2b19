import { partitionJournal, type SloStatus } from '@bellwether/contracts';
import {
  alertKey,
  type ComponentShare,
  conditionOf,
  decidePolicy,
  decideSlo,
  evolveLedger,
  minuteOf,
  type PairReading,
  type Reading,
  readSlo,
  statusOf,
} from '@bellwether/slo';
import { evidenceOf, tipOf, toldOf } from '../evaluation/evidence.js';
import type { Told } from '../evaluation/transitions.js';
import type { PartitionContext } from '../partition/partition-context.js';
import { partitionOf } from '../partition/partition-of.js';
import { policyOf } from '../registry/slo-policy.js';
import { LiveComposite } from './live-composite.js';
import {
  componentsOfStatus,
  correctedSince,
  isSame,
  knownNow,
  type Resolved,
  resolveComposite,
} from './resolve.js';

/** What others stored is looked for this often, milliseconds of real time. */
const LOOK_MS = 1_000;
/** The same while this instance itself stores something. */
const THROTTLE_MS = 200;
/** The passage of time is looked at this often, milliseconds by the clock. */
const TIME_MS = 15_000;

/** A composite that is watched. */
class WatchedComposite {
  /** Null while the buckets of its components are being made, and when their series changed. */
  live: LiveComposite | null = null;
  /** Where the journals of its components ended when it was first looked at: nothing is decided before that is counted. */
  targets: Map<number, number> | null = null;
  evaluatedAt = Number.NEGATIVE_INFINITY;
  /** It counts something else since. */
  changed = false;

  /** @param corrected the SLO, itself or a component, by whose corrections it counts something else since it was evaluated */
  constructor(
    readonly resolved: Resolved,
    public corrected: string | null = null,
  ) {}

  /** Whether it can be evaluated, and something changed or time has passed. */
  isDue(now: number): boolean {
    if (this.live === null || this.targets?.size !== 0) return false;
    const since = now - this.evaluatedAt;
    return this.changed || since < 0 || since >= TIME_MS;
  }
}

/**
 * The composites of a partition, evaluated when the buckets of a component changed, wherever that is held, and when time
 * passes.
 */
export class CompositeWatches {
  readonly #partition: number;
  readonly #context: PartitionContext;
  readonly #watches = new Map<string, WatchedComposite>();
  #lookedAt = Number.NEGATIVE_INFINITY;
  #pulse = -1;
  #known = -1;

  constructor(partition: number, context: PartitionContext) {
    this.#partition = partition;
    this.#context = context;
  }

  /** Watches the composites that are defined now. */
  adopt(): void {
    const { registry } = this.#context;
    const wanted = new Set<string>();
    for (const [name, { definition, retired }] of registry.slos) {
      if (retired || definition.indicator.kind !== 'composite') continue;
      if (partitionOf(`${definition.service}/${definition.sli}`) === this.#partition) wanted.add(name);
    }
    for (const name of this.#watches.keys()) if (!wanted.has(name)) this.#watches.delete(name);
    this.#resolve(wanted);
  }

  clear(): void {
    this.#watches.clear();
    this.#lookedAt = Number.NEGATIVE_INFINITY;
  }

  isDue(now: number): boolean {
    if (this.#watches.size === 0) return false;
    const since = performance.now() - this.#lookedAt;
    if (since >= LOOK_MS || (since >= THROTTLE_MS && this.#pulse !== this.#context.pulse.count)) return true;
    for (const watch of this.#watches.values()) if (watch.isDue(now)) return true;
    return false;
  }

  /** Looks at what changed, evaluates what is due, and appends what follows from it. @returns how many were evaluated */
  async evaluateDue(now: Date): Promise<number> {
    if (!this.isDue(now.getTime())) return 0;
    await this.#look(now.getTime());
    let evaluated = 0;
    for (const [slo, watch] of this.#watches) {
      if (watch.live === null || !watch.isDue(now.getTime())) continue;
      watch.evaluatedAt = now.getTime();
      watch.changed = false;
      await this.#evaluate(slo, watch.live, watch.corrected, now);
      watch.corrected = null;
      evaluated++;
    }
    return evaluated;
  }

  /** Status of a composite; null when it is not watched (yet). */
  async status(slo: string, now: number): Promise<SloStatus | null> {
    const { registry } = this.#context;
    if (!this.#watches.has(slo)) return null;
    await this.#look(now);
    const live = this.#watches.get(slo)?.live;
    const entry = registry.slos.get(slo);
    if (live === null || live === undefined || entry === undefined) return null;
    const { plan } = live.resolved.tree;
    if (plan.definition !== entry.definition || plan.corrections.key !== entry.corrections.key) return null;
    return {
      ...statusOf(readSlo(plan, live.source, now), entry.ledger),
      policy: policyOf(entry, registry.services),
      backfill: null,
      components: componentsOfStatus(live.resolved.tree),
    };
  }

  /** Takes definitions of components into account; what is made of the same goes on. */
  #resolve(names: Iterable<string>): void {
    const { registry } = this.#context;
    this.#known = registry.position;
    for (const name of names) {
      const resolved = resolveComposite(knownNow(registry), name);
      const known = this.#watches.get(name);
      if (resolved === null) this.#watches.delete(name);
      else if (known === undefined || !isSame(known.resolved.tree, resolved.tree)) {
        const corrected = known && (correctedSince(known.resolved, resolved) ?? known.corrected);
        this.#watches.set(name, new WatchedComposite(resolved, corrected));
      }
    }
  }

  /** Takes what components stored since. */
  async #look(now: number): Promise<void> {
    const { store, pulse, registry } = this.#context;
    this.#lookedAt = performance.now();
    this.#pulse = pulse.count;
    if (registry.position !== this.#known) this.#resolve([...this.#watches.keys()]);
    const ids = [...this.#watches.values()].flatMap(({ live }) => live?.ids ?? []);
    const rows = await store.rows(ids);
    for (const watch of this.#watches.values()) {
      const followed = watch.live === null ? 'moved' : await watch.live.follow(rows, now);
      if (followed === 'moved') watch.live = await LiveComposite.open(store, watch.resolved, now);
      if (followed !== false) watch.changed = true;
      if (watch.targets?.size !== 0) await this.#lookAtJournals(watch);
    }
  }

  /** Takes note of the components that have counted what their journals held when the composite was first looked at. */
  async #lookAtJournals(watch: WatchedComposite): Promise<void> {
    const { log, store } = this.#context;
    if (watch.targets === null) {
      const partitions = new Set(watch.resolved.leaves.map(({ sli }) => partitionOf(sli)));
      const heads = await log.heads();
      watch.targets = new Map(
        [...partitions].map((partition) => [partition, heads.get(partitionJournal(partition)) ?? 0]),
      );
    }
    const stored = await store.checkpoints();
    for (const [partition, target] of watch.targets) {
      if ((stored.get(partition)?.position ?? 0) >= target) watch.targets.delete(partition);
    }
  }

  async #evaluate(slo: string, live: LiveComposite, corrected: string | null, now: Date): Promise<void> {
    const { registry } = this.#context;
    const { plan } = live.resolved.tree;
    const reading = readSlo(plan, live.source, now.getTime());
    const shares = await this.#shares(live, reading);
    await this.#context.transitions.settle(slo, (entry, policy) => {
      if (entry.definition !== plan.definition || entry.corrections.key !== plan.corrections.key)
        return { told: [], at: now };
      let { ledger } = entry;
      const evidence = evidenceOf(live.tips, reading, ledger);
      const told: Told[] = [];
      for (const transition of decideSlo(
        reading,
        ledger,
        tipOf(live.tips, evidence),
        ({ severity, tier }) => shares.get(alertKey({ severity, tier })) ?? [],
      )) {
        ledger = evolveLedger(ledger, transition);
        told.push(toldOf(transition, live.tips, reading, evidence));
      }
      for (const transition of decidePolicy(reading, policy, entry.policy))
        told.push(toldOf(transition, live.tips, reading, evidence));
      const cause = corrected === null ? null : registry.slos.get(corrected)?.corrected.last;
      return { told, at: now, cause: cause ?? null };
    });
  }

  /** What the components had to do with each pair that is above its threshold and may fire. */
  async #shares(live: LiveComposite, reading: Reading): Promise<Map<string, ComponentShare[]>> {
    const shares = new Map<string, ComponentShare[]>();
    const { alerting, name } = reading.plan.definition;
    const ledger = this.#context.registry.slos.get(name)?.ledger;
    const mayFire = ({ pair, ...rest }: PairReading): boolean =>
      conditionOf({ pair, ...rest }, alerting, reading.plan.budget) === 'above' &&
      ledger?.alerts.get(alertKey(pair))?.state !== 'firing';
    const end = minuteOf(reading.at);
    for (const measured of reading.pairs.filter(mayFire)) {
      const { pair } = measured;
      shares.set(alertKey(pair), await live.shares(end - pair.longMinutes, end));
    }
    return shares;
  }
}
