import type { Service, SloStatus } from '@bellwether/contracts';
import { policyInForce, policyView } from '@bellwether/slo';
import type { SloEntry } from './slo-entry.js';

/** The error-budget policy of an SLO as its status shows it. */
export function policyOf(
  { definition, policy }: SloEntry,
  services: { get(name: string): { data: Service } | undefined },
): SloStatus['policy'] {
  return policyView(policyInForce(definition, services.get(definition.service)?.data), policy);
}
