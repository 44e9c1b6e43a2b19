import { CommandRefused } from '@bellwether/contracts';
import { planSlo, type SloPlan } from '@bellwether/slo';
import type { SloEntry } from '../registry/slo-entry.js';

/** An SLO as it is defined now. */
export interface Planned {
  plan: SloPlan;
  entry: SloEntry;
  /** Of its SLI. */
  unit: string | undefined;
}

/** `<service>/<sli>` of an SLO. */
export const sliOf = ({ definition }: SloEntry): string => `${definition.service}/${definition.sli}`;

/** What is to be evaluated of an SLO, whose SLI may have another unit since. @param unit of its SLI */
export function planEntry({ definition, corrections }: SloEntry, unit: string | undefined) {
  const planned = planSlo(definition, unit, corrections);
  return planned.ok ? planned : planSlo(definition, undefined, corrections);
}

/** {@link planEntry}. @throws CommandRefused 422 for a definition that this version cannot evaluate */
export function planOrRefuse(entry: SloEntry, unit: string | undefined): SloPlan {
  const planned = planEntry(entry, unit);
  if (planned.ok) return planned.plan;
  throw CommandRefused.refused(`SLO ${entry.definition.name} cannot be evaluated`, planned.faults);
}

/** @throws CommandRefused 422 where a group is asked for of an SLO without groups */
export function groupOrRefuse({ definition, grouping }: SloPlan, group: string | undefined): void {
  if (group === undefined || grouping !== null) return;
  throw CommandRefused.refused(`SLO ${definition.name} has no groups`, [
    { path: 'group', message: 'the SLO is not grouped by a label: its definition has no groupBy' },
  ]);
}
