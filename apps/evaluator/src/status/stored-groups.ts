import { OTHER_GROUP, type SloStatus } from '@bellwether/contracts';
import {
  type Grouping,
  groupingKey,
  groupsInTheMaking,
  indicatorKey,
  type SloLedger,
  type SloPlan,
  type SloSource,
  statusOfGroups,
} from '@bellwether/slo';
import type { SeriesRow } from '../store/series-row.js';
import type { SeriesStore } from '../store/series-store.js';
import { noSuchGroup } from './no-such-group.js';
import { storedSource } from './stored-source.js';

/** Where the groups of an SLO are stored: the row that they hang on, and a row for each group that has anything. */
export interface StoredGroups {
  root: SeriesRow;
  rows: ReadonlyMap<string, SeriesRow>;
}

/** The stored groups of an SLO; null when nothing of them is stored yet, or it has none. */
export async function storedGroups(
  store: SeriesStore,
  plan: SloPlan,
  unit: string | undefined,
): Promise<StoredGroups | null> {
  if (plan.grouping === null) return null;
  const { service, sli } = plan.definition;
  const key = groupingKey(indicatorKey(plan.indicator, unit), plan.grouping);
  const root = await store.find(`${service}/${sli}`, key);
  if (root === null) return null;
  const rows = new Map(await store.groupsOf(root.id));
  if (root.first !== null) rows.set(OTHER_GROUP, root);
  return { root, rows };
}

/** The row of one group. @throws CommandRefused 404 when there is no such group */
export function rowOfGroup(slo: string, stored: StoredGroups | null, group: string): SeriesRow {
  const row = stored?.rows.get(group);
  if (row === undefined) throw noSuchGroup(slo, group);
  return row;
}

/** What the status of a grouped SLO says of its groups, from what is stored. */
export async function statusOfStoredGroups(
  store: SeriesStore,
  plan: SloPlan & { grouping: Grouping },
  stored: StoredGroups | null,
  whole: SloSource,
  ledger: SloLedger,
  now: number,
): Promise<Pick<SloStatus, 'grouping' | 'groups'>> {
  if (stored === null || stored.root.backfilled !== null) {
    return groupsInTheMaking(plan.grouping, {
      done: stored?.root.backfilled ?? 0,
      of: stored?.root.backfillOf ?? 0,
    });
  }
  const sources = await Promise.all(
    [...stored.rows].map(async ([value, row]) => {
      const group = { label: plan.grouping.label, value };
      return (await storedSource(store, row, plan, { now, cadence: undefined, group })).source;
    }),
  );
  return statusOfGroups(plan, whole, sources, ledger, now);
}
