import type { EscalationPolicy, Severity, Urgency } from '@bellwether/contracts';

/** Where a page stands in a policy: step and cycle, both from 1. */
export interface PolicyPlace {
  step: number;
  cycle: number;
}

/** The policy of an incident: its SLO's (carried by the incident), else its service's, else the installation's. */
export function policyFor(choices: {
  incident?: string | null | undefined;
  services: readonly (string | null | undefined)[];
  installation?: string | null | undefined;
}): string | null {
  return choices.incident ?? choices.services.find((name) => name != null) ?? choices.installation ?? null;
}

/** sev1 and sev2 are high. */
export function urgencyOf(severity: Severity): Urgency {
  return severity === 'sev1' || severity === 'sev2' ? 'high' : 'low';
}

/** What comes after a step that nobody answered; null after the last step of the last cycle. */
export function following(
  policy: EscalationPolicy,
  { step, cycle }: PolicyPlace,
): (PolicyPlace & { kind: 'escalate' | 'repeat' }) | null {
  if (step < policy.steps.length) return { kind: 'escalate', step: step + 1, cycle };
  if (cycle <= policy.repeat) return { kind: 'repeat', step: 1, cycle: cycle + 1 };
  return null;
}

/** Where a forced escalation goes: past the end it starts over, whether or not a cycle is left. */
export function forcedNext(policy: EscalationPolicy, place: PolicyPlace): PolicyPlace {
  return following(policy, place) ?? { step: 1, cycle: place.cycle };
}
