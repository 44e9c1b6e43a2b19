import type { ContactMethod, PageIntent, Urgency, User } from '@bellwether/contracts';
import type { Instant } from './wall-clock.js';

const minute = 60_000;

/** Verified, and not refused for good by its receiver. */
export function isUsable(method: ContactMethod): boolean {
  return method.verified && method.disabled !== true;
}

/** Whether a page reaches the person at all: by any method, since one without a rule is paged by all of them. */
export function isReachable(user: Pick<User, 'contactMethods'> | undefined): boolean {
  return user?.contactMethods.some(isUsable) ?? false;
}

/** The method of a user by its id, if it may be used. */
export function usableMethod(user: User | null, id: string): ContactMethod | null {
  return user?.contactMethods.find((method) => method.id === id && isUsable(method)) ?? null;
}

/**
 * What notifying a user means: one intent per rule of the urgency. A user without a rule that can be used is
 * reached by every usable method at once, rather than by none.
 * @param prefix of the idempotency keys: the page and the run of a step
 */
export function intentsFor(user: User, urgency: Urgency, at: Instant, prefix: string): PageIntent[] {
  const ruled = user.rules.flatMap((rule, index): PageIntent[] => {
    const method = rule.urgency === urgency ? usableMethod(user, rule.method) : null;
    if (method === null) return [];
    const dueAt = at + rule.afterMinutes * minute;
    return [intent(user, method, { index, dueAt, key: `${prefix}_${user.name}_r${index}` })];
  });
  if (ruled.length > 0) return ruled;
  return user.contactMethods
    .filter(isUsable)
    .map((method) =>
      intent(user, method, { index: null, dueAt: at, key: `${prefix}_${user.name}_${method.id}` }),
    );
}

/**
 * The method to fall over to when one keeps failing: the next usable one in the user's order that was not
 * tried yet.
 */
export function nextMethod(user: User, failing: string, tried: ReadonlySet<string>): ContactMethod | null {
  const place = user.contactMethods.findIndex((method) => method.id === failing);
  const inOrder = [...user.contactMethods.slice(place + 1), ...user.contactMethods.slice(0, place + 1)];
  return inOrder.find((method) => isUsable(method) && !tried.has(method.id)) ?? null;
}

function intent(
  user: User,
  method: ContactMethod,
  { key, index, dueAt }: { key: string; index: number | null; dueAt: Instant },
): PageIntent {
  return {
    idempotencyKey: key,
    user: user.name,
    method: method.id,
    kind: method.kind,
    rule: index,
    dueAt: new Date(dueAt).toISOString(),
  };
}
