import type { SloStatus } from '@bellwether/contracts';
import { groupingKey, groupsInTheMaking, readSlo, statusOf, statusOfGroups } from '@bellwether/slo';
import type { Registry } from '../registry/registry.js';
import { policyOf } from '../registry/slo-policy.js';
import { noSuchGroup } from '../status/no-such-group.js';
import type { Buckets } from './buckets.js';
import { demandKey } from './live-series.js';
import type { WatchedSlo } from './watch.js';

/** Whose status is asked for, and when (epoch milliseconds). */
interface Asked {
  slo: string;
  /** Value of the label that the SLO is grouped by; undefined for the whole. */
  group: string | undefined;
  now: number;
}

/**
 * Status of an SLO, or of one group of it, from the live buckets; null when its groups are not known (yet), or when it was
 * corrected a moment ago and what is watched is not that yet.
 * @throws CommandRefused 404 when there is no such group
 */
export async function liveStatus(
  watched: WatchedSlo,
  buckets: Buckets,
  registry: Registry,
  { slo, group, now }: Asked,
): Promise<SloStatus | null> {
  const entry = registry.slos.get(slo);
  if (entry === undefined || (group !== undefined && !watched.knowsGroups)) return null;
  const { plan, whole, groups } = watched;
  if (plan.corrections.key !== entry.corrections.key) return null;
  if (group !== undefined) {
    const live = watched.group(group);
    if (live === undefined || live.newest === null) throw noSuchGroup(slo, group);
    await buckets.page([live], now);
    return { ...statusOf(readSlo(plan, live.buckets.source(plan), now), entry.ledger), backfill: null };
  }
  await buckets.page([whole, ...groups], now);
  const source = whole.buckets.source(plan);
  const policy = policyOf(entry, registry.services);
  const status = { ...statusOf(readSlo(plan, source, now), entry.ledger), policy, backfill: null };
  if (plan.grouping === null) return status;
  if (!watched.knowsGroups)
    return { ...status, ...groupsInTheMaking(plan.grouping, progress(watched, buckets)) };
  const sources = groups.map((live) => live.buckets.source(plan));
  return { ...status, ...statusOfGroups(plan, source, sources, entry.ledger, now) };
}

/** How far the groups of an SLO are made. */
function progress({ plan, whole }: WatchedSlo, buckets: Buckets): { done: number; of: number } {
  const { sli, indicator } = whole.row;
  const key = plan.grouping === null ? indicator : groupingKey(indicator, plan.grouping);
  const row = buckets.of(demandKey({ sli, key }))?.row;
  return { done: row?.backfilled ?? 0, of: row?.backfillOf ?? 0 };
}
