import type {
  EscalationPolicy,
  EscalationStep,
  EscalationTarget,
  PageIntent,
  Urgency,
  User,
} from '@bellwether/contracts';
import { intentsFor } from './contact.js';
import type { Instant } from './wall-clock.js';

/** Who is whom at the moment a step runs. On call is resolved then, not when the page began. */
export interface Directory {
  policy: EscalationPolicy | null;
  /** Names of those on call for a schedule; none for one that does not exist. */
  onCall(schedule: string): readonly string[];
  user(name: string): User | null;
  /** Who is paged when a policy ran out. */
  fallback: EscalationTarget | null;
  /** How often a round-robin step ran for earlier pages. */
  turn(step: number): number;
}

/** Whom to notify and how. Without intents nobody can be reached. */
export interface Notification {
  users: string[];
  intents: PageIntent[];
}

/** What to put into the intents of one run of a step. */
export interface RunFacts {
  urgency: Urgency;
  at: Instant;
  /** Of the idempotency keys. */
  prefix: string;
}

/** Whom a step notifies: all of its targets, or with `round-robin` the next one that reaches anybody. */
export function resolveStep(
  step: EscalationStep,
  number: number,
  directory: Directory,
  run: RunFacts,
): Notification {
  if (step.assign === 'all') return resolveTargets(step.targets, directory, run);
  const first = directory.turn(number) % step.targets.length;
  const inTurn = [...step.targets.slice(first), ...step.targets.slice(0, first)];
  const each = inTurn.map((target) => resolveTargets([target], directory, run));
  return (
    each.find(({ intents }) => intents.length > 0) ?? { users: each.flatMap((one) => one.users), intents: [] }
  );
}

/** Whom targets stand for; a person named twice is notified once. */
export function resolveTargets(
  targets: readonly EscalationTarget[],
  directory: Directory,
  run: RunFacts,
): Notification {
  const users = new Set<string>();
  const intents: PageIntent[] = [];
  for (const [place, target] of targets.entries()) {
    if (target.kind === 'user') users.add(target.name);
    if (target.kind === 'schedule') for (const user of directory.onCall(target.name)) users.add(user);
    if (target.kind === 'webhook')
      intents.push(webhookIntent(target, `${run.prefix}_target${place}`, run.at));
  }
  const personal = resolveUsers([...users], directory, run);
  return { users: personal.users, intents: [...personal.intents, ...intents] };
}

/** How people are reached, each by their own rules. */
export function resolveUsers(names: readonly string[], directory: Directory, run: RunFacts): Notification {
  const intents = names.flatMap((name) => {
    const user = directory.user(name);
    return user === null ? [] : intentsFor(user, run.urgency, run.at, run.prefix);
  });
  return { users: [...names], intents };
}

function webhookIntent(
  target: Extract<EscalationTarget, { kind: 'webhook' }>,
  idempotencyKey: string,
  at: Instant,
): PageIntent {
  return {
    idempotencyKey,
    user: null,
    method: 'webhook',
    kind: 'webhook',
    address: target.address,
    ...(target.secret === undefined ? {} : { secret: target.secret }),
    rule: null,
    dueAt: new Date(at).toISOString(),
  };
}
