import type { RuleStatus } from '@bellwether/contracts';
import { decideRule, firesAt, type RulePlan, readRule, ruleStatusOf } from '@bellwether/slo';
import { type Pending, pendingSince } from '../store/pending-rules.js';
import type { Buckets } from './buckets.js';
import type { Lease } from './leases.js';
import type { LiveBuckets } from './live-buckets.js';
import type { Demand } from './live-series.js';
import type { PartitionContext } from './partition-context.js';
import { Watch } from './watch.js';

/** A threshold rule that is watched. */
class WatchedRule {
  readonly #watch: Watch;
  /** Since when it holds without having fired yet, epoch milliseconds; null when it does not. */
  pendingSince: number | null = null;
  #evaluatedAt = Number.NEGATIVE_INFINITY;

  constructor(
    public plan: RulePlan,
    readonly live: LiveBuckets,
  ) {
    this.#watch = new Watch(live);
  }

  /** Also at the moment at which it fires: `for` is counted by the clock, not in looks at it. */
  isDue(now: number): boolean {
    if (this.#evaluatedAt === Number.NEGATIVE_INFINITY || this.#watch.isDue(now)) return true;
    if (this.pendingSince === null) return false;
    const at = firesAt(this.plan, this.pendingSince);
    return now >= at && this.#evaluatedAt < at;
  }

  /** It is being evaluated. */
  begin(now: number): void {
    this.#evaluatedAt = now;
    this.#watch.begin(now);
  }

  /** Another definition of what it watches, which is looked at now. */
  redefine(plan: RulePlan): void {
    if (plan.definition !== this.plan.definition) this.#evaluatedAt = Number.NEGATIVE_INFINITY;
    this.plan = plan;
  }
}

/** The threshold rules of a partition, evaluated when measurements come, when time passes, and when one is to fire. */
export class RuleWatches {
  readonly #lease: Lease;
  readonly #context: Pick<PartitionContext, 'registry' | 'rules' | 'pending'>;
  readonly #watches = new Map<string, WatchedRule>();

  constructor(lease: Lease, context: Pick<PartitionContext, 'registry' | 'rules' | 'pending'>) {
    this.#lease = lease;
    this.#context = context;
  }

  /** Watches what is asked for, going on where it was left. A series in the making decides nothing. */
  async adopt(demands: ReadonlyMap<string, Demand>, buckets: Buckets): Promise<void> {
    const before = new Map(this.#watches);
    const fresh = new Map<string, WatchedRule>();
    this.#watches.clear();
    for (const [key, demand] of demands) {
      const live = buckets.of(key);
      if (live === undefined || live.building) continue;
      for (const plan of demand.thresholds) {
        const { name } = plan.definition;
        const known = before.get(name);
        const goesOn = known?.plan.condition === plan.condition && known.live === live.root;
        const watch = goesOn ? known : new WatchedRule(plan, live.root);
        watch.redefine(plan);
        this.#watches.set(name, watch);
        if (!goesOn) fresh.set(name, watch);
      }
    }
    const stored = await this.#context.pending.load([...fresh.keys()]);
    for (const [name, watch] of fresh) watch.pendingSince = this.#standing(name, watch, stored.get(name));
  }

  /** Status of a rule; null when it is not watched (yet). */
  async status(rule: string, buckets: Buckets, now: number): Promise<RuleStatus | null> {
    const watch = this.#watches.get(rule);
    const entry = this.#context.registry.rules.get(rule);
    if (watch === undefined || entry === undefined) return null;
    await buckets.page([watch.live], now);
    const reading = readRule(watch.plan, watch.live.buckets, now);
    return { ...ruleStatusOf(reading, entry.ledger, watch.pendingSince), backfill: null };
  }

  clear(): void {
    this.#watches.clear();
  }

  isDue(now: number): boolean {
    for (const watch of this.#watches.values()) if (watch.isDue(now)) return true;
    return false;
  }

  /** Evaluates what is due and appends what follows from it. @returns the SLIs that were looked at, one for each rule */
  async evaluateDue(buckets: Buckets, now: Date): Promise<string[]> {
    const due = [...this.#watches].filter(([, watch]) => watch.isDue(now.getTime()));
    if (due.length === 0) return [];
    await buckets.page(new Set(due.map(([, watch]) => watch.live)), now.getTime());
    const changes = new Map<string, Pending | null>();
    await Promise.all(
      due.map(async ([rule, watch]) => {
        const before = watch.pendingSince;
        await this.#evaluate(rule, watch, now);
        const { pendingSince: since, plan } = watch;
        if (since !== before) changes.set(rule, since === null ? null : { condition: plan.condition, since });
      }),
    );
    await this.#context.pending.save(this.#lease, changes);
    return due.map(([, watch]) => watch.live.row.sli);
  }

  async #evaluate(rule: string, watch: WatchedRule, now: Date): Promise<void> {
    watch.begin(now.getTime());
    const { live, plan } = watch;
    const reading = readRule(plan, live.buckets, now.getTime());
    watch.pendingSince = await this.#context.rules.settle(rule, (entry) => {
      const { tip, badTip } = live.row;
      const undecided = { pendingSince: watch.pendingSince, transition: null };
      // A definition that changed meanwhile is evaluated when it has been taken into account.
      if (entry.definition !== plan.definition) return { decision: undecided, evidence: null, at: now };
      // What tips a firing is the latest measurement with something bad in it, where that can be told.
      const evidence = entry.ledger.firing ? tip : (badTip ?? tip);
      const named = evidence && {
        journal: evidence.journal,
        position: evidence.position,
        eventId: evidence.eventId,
        lastPosition: tip?.position ?? evidence.position,
      };
      return { decision: decideRule(reading, entry.ledger, watch.pendingSince, named), evidence, at: now };
    });
  }

  #standing(rule: string, { plan }: WatchedRule, stored: Pending | undefined): number | null {
    const entry = this.#context.registry.rules.get(rule);
    return entry === undefined || stored === undefined ? null : pendingSince(entry, plan, stored);
  }
}
