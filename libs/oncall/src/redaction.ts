import type { EscalationPolicy, User } from '@bellwether/contracts';

/** What stands for a secret in an answer; put back, it keeps the stored one. */
export const shownSecret = 'sealed';

/** A user as answers show them: secrets of contact methods are never given out. */
export function redactUser(user: User): User {
  return { ...user, contactMethods: user.contactMethods.map(hideSecret) };
}

/** A policy as answers show it. */
export function redactPolicy(policy: EscalationPolicy): EscalationPolicy {
  const steps = policy.steps.map((step) => ({
    ...step,
    targets: step.targets.map((target) => (target.kind === 'webhook' ? hideSecret(target) : target)),
  }));
  return { ...policy, steps };
}

function hideSecret<T extends { secret?: string | undefined }>(holder: T): T {
  return holder.secret === undefined ? holder : { ...holder, secret: shownSecret };
}
