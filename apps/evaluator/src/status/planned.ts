import type { SloPlan } from '@bellwether/slo';
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
