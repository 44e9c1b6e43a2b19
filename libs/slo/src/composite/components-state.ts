import { type BudgetFreeze, freezeOf, type Heartbeat } from '../cadence.js';
import { Corrections } from '../corrections/corrections.js';
import type { Series } from '../series.js';
import type { SloPlan } from '../slo-plan.js';

/** How well the SLOs are measured that a composite is made of. */
export interface ComponentsState {
  /** Why resolution is held at `now`: absent data of a component; null while there is none. */
  freezeAt(now: number): BudgetFreeze | null;
  /** Whether corrections exclude all minutes between two, both inclusive, of every one of them. */
  excludes(low: number, high: number): boolean;
  /** The least of any. */
  readonly coverage: number | null;
  /** Up to when all of those that were ever measured are measured, epoch milliseconds. */
  readonly watermark: number | null;
}

/** A measured SLO of a composite, as far as absent data goes. */
export interface MeasuredComponent {
  slo: string;
  plan: SloPlan;
  /** Its events, and how regularly they come. */
  source: { events: Series; heartbeat: Heartbeat };
}

/**
 * The state of the measured SLOs of a composite: the first one that lacks data freezes it, as long as that one's own
 * `missingData` does not say what absent data counts as. Each of them holds the budget: one that goes silent does not let go
 * of what another one holds.
 * @param corrections of the composite: what is excluded of it is asked of none of them
 */
export function componentsState(
  measured: readonly MeasuredComponent[],
  corrections: Corrections = Corrections.NONE,
): ComponentsState {
  const masks = new Map(measured.map(({ slo, plan }) => [slo, plan.corrections.and(corrections)]));
  const least = (values: readonly (number | null)[]): number | null => {
    const known = values.filter((value) => value !== null);
    return known.length === 0 ? null : Math.min(...known);
  };
  return {
    freezeAt(now) {
      let first: BudgetFreeze | null = null;
      const held: number[] = [];
      for (const { slo, plan, source } of measured) {
        if (plan.definition.missingData !== 'freeze') continue;
        const freeze = freezeOf(source.events, source.heartbeat.regularity, now, masks.get(slo));
        if (freeze === null) continue;
        held.push(...freeze.held);
        if (first !== null && first.since <= freeze.since) continue;
        first = { ...freeze, reason: `${slo}: ${freeze.reason}` };
      }
      return first && { ...first, held };
    },
    excludes(low, high) {
      return measured.length > 0 && [...masks.values()].every((mask) => mask.excludes(low, high));
    },
    get coverage() {
      return least(measured.map(({ source }) => source.heartbeat.regularity.coverage));
    },
    get watermark() {
      return least(measured.map(({ source }) => source.events.newest));
    },
  };
}
