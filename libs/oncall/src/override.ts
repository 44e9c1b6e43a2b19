import type { Override, ScheduleOverridden } from '@bellwether/contracts';
import type { Span } from './span.js';
import type { Instant } from './wall-clock.js';

/** An override that counts. Withdrawing one ends it then; what was before stays as it was. */
export interface ActiveOverride extends Span {
  id: string;
  kind: Override['kind'];
  /** Put on call. */
  adds: string | null;
  /** Taken off. */
  removes: string | null;
  reason: string;
}

/** The override that a `schedule.overridden` event records. */
export function overrideOf(event: ScheduleOverridden): ActiveOverride {
  const { id, kind, user, replaces, reason } = event;
  return {
    id,
    kind,
    adds: kind === 'remove' ? null : (user ?? null),
    removes: kind === 'remove' ? (user ?? replaces ?? null) : (replaces ?? null),
    reason,
    from: Date.parse(event.from),
    to: Date.parse(event.to),
  };
}

/**
 * The override that a new one may not stand beside: it overlaps in time and names one of the same people, so
 * that what holds would depend on the order in which they were made. Null when there is none.
 */
export function conflictingOverride(
  overrides: readonly ActiveOverride[],
  candidate: ActiveOverride,
): ActiveOverride | null {
  const people = peopleOf(candidate);
  const conflict = overrides.find(
    (other) =>
      other.from < candidate.to &&
      candidate.from < other.to &&
      peopleOf(other).some((person) => people.includes(person)),
  );
  return conflict ?? null;
}

/** Who is on call at an instant when the layers have `users`; the ids of the overrides that changed that. */
export function applyOverrides(
  users: readonly string[],
  overrides: readonly ActiveOverride[],
  at: Instant,
): { users: string[]; applied: string[] } {
  const applied: string[] = [];
  let result = [...users];
  const active = overrides.filter((override) => override.from <= at && at < override.to);
  for (const { id, kind, adds, removes } of active) {
    if (kind === 'add' || removes === null || !result.includes(removes)) continue;
    result = result.flatMap((user) => (user !== removes ? [user] : adds === null ? [] : [adds]));
    applied.push(id);
  }
  for (const { id, kind, adds } of active) {
    if (kind !== 'add' || adds === null || result.includes(adds)) continue;
    result.push(adds);
    applied.push(id);
  }
  return { users: [...new Set(result)], applied };
}

function peopleOf({ adds, removes }: ActiveOverride): string[] {
  return [adds, removes].filter((person): person is string => person !== null);
}
