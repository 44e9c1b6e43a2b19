import { OTHER_GROUP, type SloGrouping, type SloGroupStatus, type SloStatus } from '@bellwether/contracts';
import type { Grouping } from './grouping.js';
import type { SloSource } from './indicator-buckets.js';
import type { SloLedger } from './ledger.js';
import { readSlo } from './reading.js';
import type { SloPlan } from './slo-plan.js';
import { statusOf } from './status.js';

/** What the status of a grouped SLO says besides. */
export interface GroupsOfStatus {
  grouping: SloGrouping;
  groups: SloGroupStatus[];
}

/**
 * What is known of the groups of an SLO as of `now`.
 * @param whole what the SLO over everything is read from, moved to `now`
 * @param groups what its groups are read from
 * @throws PageMissing as {@link readSlo} does
 */
export function statusOfGroups(
  plan: SloPlan,
  whole: SloSource,
  groups: readonly SloSource[],
  ledger: SloLedger,
  now: number,
): GroupsOfStatus {
  // The group of all others is there when there was ever anything in it.
  const known = groups.filter(({ events }) => events.first !== null);
  const statuses = known.map((source) => groupStatusOf(plan, source, ledger, now));
  const overflowing = statuses.some(({ value }) => value === OTHER_GROUP);
  return {
    grouping: {
      label: plan.grouping?.label ?? '',
      cap: plan.grouping?.cap ?? 0,
      values: statuses.length - (overflowing ? 1 : 0),
      overflowing,
      unlabelled: unlabelled(plan, whole, known),
      backfill: null,
    },
    groups: worstFirst(statuses),
  };
}

/** What the status says while the buckets of its groups are being made from the journal. */
export function groupsInTheMaking(
  { label, cap }: Grouping,
  backfill: { done: number; of: number },
): GroupsOfStatus {
  return { grouping: { label, cap, values: 0, overflowing: false, unlabelled: null, backfill }, groups: [] };
}

/** What the status of the whole says of a group. */
function groupStatusOf(plan: SloPlan, source: SloSource, ledger: SloLedger, now: number): SloGroupStatus {
  const reading = readSlo(plan, source, now);
  const { state, frozen, sli, good, total, compliant, budget, burn, alerts, watermark, history, coverage } =
    statusOf(reading, ledger);
  return {
    value: source.group?.value ?? '',
    state,
    frozen,
    sli,
    good,
    total,
    compliant,
    budget,
    burn,
    alerts,
    watermark,
    history,
    settled: reading.settled,
    coverage,
  };
}

/** Of the window, what is in no group: counts are integers, so that it is exact. Slices do not add up. */
function unlabelled(
  plan: SloPlan,
  whole: SloSource,
  groups: readonly SloSource[],
): { good: number; total: number } | null {
  if (plan.rule !== null) return null;
  const rest = whole.tallies.window(plan.window.key).copy();
  for (const { tallies } of groups) rest.minus(tallies.window(plan.window.key));
  return { good: rest.goodCount, total: rest.totalCount };
}

const WORST: readonly SloStatus['state'][] = ['breached', 'at-risk', 'ok', 'no-data'];

/** Groups in the order in which a person wants to see them: by state, then by what is left of the budget, then by name. */
export function worstFirst(groups: readonly SloGroupStatus[]): SloGroupStatus[] {
  const left = ({ budget }: SloGroupStatus): number => budget.remaining ?? Number.POSITIVE_INFINITY;
  return [...groups].sort(
    (a, b) =>
      WORST.indexOf(a.state) - WORST.indexOf(b.state) ||
      (left(a) === left(b) ? 0 : left(a) - left(b)) ||
      (a.value < b.value ? -1 : 1),
  );
}
