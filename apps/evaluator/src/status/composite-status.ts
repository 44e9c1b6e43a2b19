import type { SloStatus } from '@bellwether/contracts';
import {
  CompositeSlices,
  componentsState,
  dueSlices,
  readSlo,
  type SloPlan,
  statusOf,
} from '@bellwether/slo';
import { JudgedMinutes } from '../composite/judged-minutes.js';
import { LiveComposite } from '../composite/live-composite.js';
import { componentsOfStatus, knownNow, resolveComposite, slisOf } from '../composite/resolve.js';
import type { Evaluator } from '../evaluator.js';
import type { SloEntry } from '../registry/slo-entry.js';
import { policyOf } from '../registry/slo-policy.js';
import type { Counted } from './counted.js';

/** Status of a composite whose partition another instance holds, or whose components' buckets are still being made. */
export async function compositeStatus(
  { store, registry, clock }: Evaluator,
  plan: SloPlan,
  entry: SloEntry,
): Promise<SloStatus> {
  const now = clock.now().getTime();
  const resolved = resolveComposite(knownNow(registry), plan.definition.name);
  const live = resolved && (await LiveComposite.open(store, resolved, now));
  const source = live?.source ?? new CompositeSlices(plan).source(componentsState([]));
  return {
    ...statusOf(readSlo(plan, source, now), entry.ledger),
    policy: policyOf(entry, registry.services),
    backfill: live === null ? await store.backfillOf(slisOf(resolved)) : null,
    ...(resolved && { components: componentsOfStatus(resolved.tree) }),
  };
}

/** What a composite counted over any stretch of time. */
export async function countedComposite(
  { store, registry, clock }: Evaluator,
  plan: SloPlan,
): Promise<Counted> {
  const now = clock.now().getTime();
  const resolved = resolveComposite(knownNow(registry), plan.definition.name);
  const live = resolved && (await LiveComposite.open(store, resolved, now));
  if (live === null) return { stored: null, due: null, cadence: null, building: true };
  const { source } = live;
  const due = plan.rule === null ? null : dueSlices(plan, source, now);
  const { cadence } = source.heartbeat.regularity;
  return { stored: new JudgedMinutes(live), due, cadence, building: false };
}
