import type { ChangeFreeze, Fault, Rule, SloDefinition } from '@bellwether/contracts';
import { freezeFaults, planRule, planSlo } from '@bellwether/slo';

/** What the server would refuse of a resource that is written as it must be: `validate` says it without a server. */
export function refusalsOf(kind: string, resource: unknown): Fault[] {
  switch (kind) {
    case 'slo':
      return faultsOf(planSlo(resource as SloDefinition));
    case 'rule':
      return faultsOf(planRule(resource as Rule));
    case 'freeze':
      return freezeFaults(resource as ChangeFreeze);
    default:
      return [];
  }
}

const faultsOf = (planned: { ok: true } | { ok: false; faults: Fault[] }): Fault[] =>
  planned.ok ? [] : planned.faults;
