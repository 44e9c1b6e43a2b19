import type { EscalationPolicy, Schedule, User } from '@bellwether/contracts';
import { isUsable } from './contact.js';

const UNSIGNED =
  'has no secret: what is sent to it is not signed (no webhook-signature), and its receiver cannot tell whom it is from';

/** What is to be said of how a person is reached. */
export function userWarnings(user: User): string[] {
  const warnings = user.contactMethods
    .filter((method) => !isUsable(method))
    .map(
      ({ id, disabled }) =>
        `contact method ${id} is ${disabled ? 'disabled' : 'not verified'} and is not used`,
    );
  for (const { id, kind, secret } of user.contactMethods)
    if (kind === 'webhook' && secret === undefined) warnings.push(`contact method ${id} ${UNSIGNED}`);
  if (user.contactMethods.some(isUsable)) return warnings;
  return [...warnings, `${user.name} cannot be reached: there is no verified contact method`];
}

/** Layers that are named as another one is. */
export function scheduleWarnings({ layers }: Schedule): string[] {
  return layers.flatMap(({ name }, place) =>
    layers.findIndex((layer) => layer.name === name) < place
      ? [`layers.${place}.name: another layer is named "${name}": shifts do not tell them apart`]
      : [],
  );
}

/** Webhooks of a policy without a secret, by their place: an address may be a secret itself. */
export function policyWarnings({ steps }: EscalationPolicy): string[] {
  return steps.flatMap(({ targets }, step) =>
    targets.flatMap((target, place) =>
      target.kind === 'webhook' && target.secret === undefined
        ? [`steps.${step}.targets.${place} ${UNSIGNED}`]
        : [],
    ),
  );
}
