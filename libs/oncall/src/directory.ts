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
  /** Which turn a round-robin step takes if one runs now, counted from 0 over all pages. */
  turn: number;
}

/** Whom to notify and how. Without intents nobody can be reached. */
export interface Notification {
  users: string[];
  intents: PageIntent[];
  /** The turn that a round-robin step took. */
  turn?: number;
}

/** What to put into the intents of one run of a step. */
export interface RunFacts {
  urgency: Urgency;
  at: Instant;
  /** Of the idempotency keys. */
  prefix: string;
}

/**
 * Whom a step notifies: all of its targets, or with `round-robin` the next one of those that reach anybody. Who cannot be
 * reached has no turn: passed over in theirs, they would give whoever follows them two.
 */
export function resolveStep(step: EscalationStep, directory: Directory, run: RunFacts): Notification {
  if (step.assign === 'all') return resolveTargets(step.targets, directory, run);
  const each = step.targets.map((target) => resolveTargets([target], directory, run));
  const reaching = each.filter(({ intents }) => intents.length > 0);
  const { turn } = directory;
  const next = reaching[turn % reaching.length];
  return next ? { ...next, turn } : { users: each.flatMap((one) => one.users), intents: [] };
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
