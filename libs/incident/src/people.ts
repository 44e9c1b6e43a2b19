import { CommandRefused } from '@bellwether/contracts';
import type { CommandOf } from './command.js';
import { change, type IncidentChange } from './event.js';
import type { IncidentState } from './incident.js';

/** The person behind an actor: `user:ada` and `ada` are ada, a service or a key is nobody. */
export function personOf(actor: string): string | null {
  const [kind, name] = actor.includes(':') ? actor.split(':', 2) : ['user', actor];
  return kind === 'user' && name ? name : null;
}

/**
 * One holder each. Giving a role to somebody else is a hand-over; it is confirmed when the taker does the assigning,
 * or repeats it. `user: null` gives the role up.
 */
export function assignRole(
  command: CommandOf<'incident.assign-role'>,
  state: IncidentState,
): readonly IncidentChange[] {
  const incident = state.id;
  const { role, user } = command.data;
  if (state.status === 'resolved') {
    throw CommandRefused.conflict(
      `${incident} is resolved; reopen it with a reason to give a role`,
      'incident-resolved',
    );
  }
  const holder = state.roles[role] ?? null;
  if (user === null)
    return holder === null ? [] : [change('incident.role-released', { incident, role, user: holder })];
  if (user === holder) {
    const confirmed = state.holdings.findLast((holding) => holding.role === role)?.confirmedAt !== null;
    if (confirmed || command.actor !== `user:${user}`) return [];
  }
  return [change('incident.role-assigned', { incident, role, user, previous: holder, automatic: false })];
}

export function addResponder(
  command: CommandOf<'incident.add-responder'>,
  state: IncidentState,
): readonly IncidentChange[] {
  const { user } = command.data;
  return state.responders.includes(user)
    ? []
    : [change('incident.responder-added', { incident: state.id, user })];
}

/**
 * Somebody acknowledged a page: the first time sets `acknowledgedAt`; the person takes command unless somebody has
 * it, and is a responder in any case.
 */
export function acknowledge(
  command: CommandOf<'acknowledge'>,
  state: IncidentState,
): readonly IncidentChange[] {
  const incident = state.id;
  if (state.status === 'resolved') return [];
  const changes: IncidentChange[] = [];
  if (state.acknowledgedAt === null)
    changes.push(change('incident.acknowledged', { incident, ...command.data }));
  const user = personOf(command.data.by);
  if (user === null) return changes;
  if (state.roles.commander === undefined) {
    changes.push(
      change('incident.role-assigned', {
        incident,
        role: 'commander',
        user,
        previous: null,
        automatic: true,
      }),
    );
  } else if (!state.responders.includes(user)) {
    changes.push(change('incident.responder-added', { incident, user }));
  }
  return changes;
}
