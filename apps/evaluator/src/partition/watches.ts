import { decidePolicy, decideSlo, fires, readSlo, type SloPlan } from '@bellwether/slo';
import type { AbsenceAlert } from '../evaluation/absence.js';
import type { TransitionLog } from '../evaluation/transitions.js';
import type { Buckets } from './buckets.js';
import type { Demand, LiveSeries } from './live-series.js';

/** Measurements are evaluated at once, then at most this often, milliseconds. */
const THROTTLE_MS = 200;
/** The passage of time is looked at this often, milliseconds. */
const TIME_MS = 15_000;

/** An SLO that is watched. */
export interface Watch {
  plan: SloPlan;
  live: LiveSeries;
  /** When it was last evaluated, by the clock. */
  evaluatedAt: number;
  /** The same in real time: what the throttle is measured by, since it is there to bound work. */
  workedAt: number;
  /** Measured since. */
  measured: boolean;
}

/** The SLOs of a partition, evaluated when measurements come and when time passes. */
export class Watches {
  readonly #transitions: TransitionLog;
  readonly #absence: AbsenceAlert;
  readonly #watches = new Map<string, Watch>();

  constructor(transitions: TransitionLog, absence: AbsenceAlert) {
    this.#transitions = transitions;
    this.#absence = absence;
  }

  get(slo: string): Watch | undefined {
    return this.#watches.get(slo);
  }

  /** Watches what is asked for. A series in the making decides nothing: it has a part of the measurements only. */
  adopt(demands: ReadonlyMap<string, Demand>, buckets: Buckets): void {
    const before = new Map(this.#watches);
    this.#watches.clear();
    for (const [key, demand] of demands) {
      const live = buckets.of(key);
      if (live === undefined || live.building) continue;
      for (const plan of demand.plans) {
        const { name } = plan.definition;
        const known = before.get(name);
        const same = known?.plan.definition === plan.definition && known.live === live;
        this.#watches.set(
          name,
          same ? known : { plan, live, evaluatedAt: -Infinity, workedAt: -Infinity, measured: false },
        );
      }
    }
  }

  clear(): void {
    this.#watches.clear();
  }

  /** Measurements came in. */
  measured(series: ReadonlySet<LiveSeries>): void {
    for (const watch of this.#watches.values()) if (series.has(watch.live)) watch.measured = true;
  }

  isDue(now: number): boolean {
    for (const watch of this.#watches.values()) if (isDue(watch, now)) return true;
    return false;
  }

  /** Evaluates what is due and appends what follows from it. @returns how many SLOs were evaluated */
  async evaluateDue(buckets: Buckets, now: Date): Promise<number> {
    const due = [...this.#watches].filter(([, watch]) => isDue(watch, now.getTime()));
    if (due.length === 0) return 0;
    const series = new Set(due.map(([, watch]) => watch.live));
    await buckets.page(series, now.getTime());
    await Promise.all(due.map(([slo, watch]) => this.#evaluate(slo, watch, now)));
    await this.watchSilence(new Set([...series].map((live) => live.demand.sli)), buckets, now);
    return due.length;
  }

  /** Fires or resolves the absent-data alerts of SLIs. */
  async watchSilence(slis: Iterable<string>, buckets: Buckets, now: Date): Promise<void> {
    for (const sli of slis) {
      const series = buckets.ofSli(sli);
      if (series.some((live) => live.building)) continue;
      const newest = series.reduce<LiveSeries | null>(
        (best, live) => ((newestOf(live) ?? -1) > (newestOf(best) ?? -1) ? live : best),
        null,
      );
      await this.#absence.settle(sli, newest?.buckets.heartbeat() ?? null, newest?.row.tip ?? null, now);
    }
  }

  async #evaluate(slo: string, watch: Watch, now: Date): Promise<void> {
    watch.evaluatedAt = now.getTime();
    watch.workedAt = performance.now();
    watch.measured = false;
    const { live, plan } = watch;
    const reading = readSlo(plan, live.buckets.source(plan), now.getTime());
    await this.#transitions.settle(slo, (entry, policy) => {
      // A definition that changed meanwhile is evaluated when it has been taken into account.
      if (entry.definition !== plan.definition) return { transitions: [], evidence: null, at: now };
      const { tip, badTip } = live.row;
      // What tips a firing is the latest measurement with something bad in it.
      const evidence = fires(reading, entry.ledger) ? (badTip ?? tip) : tip;
      const named = evidence && {
        journal: evidence.journal,
        position: evidence.position,
        eventId: evidence.eventId,
        lastPosition: tip?.position ?? evidence.position,
      };
      const transitions = [
        ...decideSlo(reading, entry.ledger, named),
        ...decidePolicy(reading, policy, entry.policy),
      ];
      return { transitions, evidence, at: now };
    });
  }
}

const newestOf = (live: LiveSeries | null): number | null => live?.buckets.events.newest ?? null;

function isDue(watch: Watch, now: number): boolean {
  const since = now - watch.evaluatedAt;
  // A clock that was set back must not keep an SLO from being evaluated.
  if (since < 0 || since >= TIME_MS) return true;
  return watch.measured && performance.now() - watch.workedAt >= THROTTLE_MS;
}
