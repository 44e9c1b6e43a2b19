import { CommandRefused } from '@bellwether/contracts';
import { attachAlert, resolveAlert } from './alerts.js';
import { type CommandOf, defaultSettings, type IncidentCommand, type IncidentSettings } from './command.js';
import { passTime, reopen, setSeverity, setStatus } from './course.js';
import { declare } from './declaring.js';
import type { IncidentChange } from './event.js';
import type { IncidentState } from './incident.js';
import { absorb, merge } from './merging.js';
import { acknowledge, addResponder, assignRole } from './people.js';
import { addNote, addService, correctNote, publishUpdate } from './record.js';

/**
 * The events that a command leads to; none when what it asks for is so already.
 *
 * @throws CommandRefused 404 when the incident (or note) does not exist, 409 when its state does not allow the
 * change, 422 when a rule refuses it, 403 for somebody else's note
 */
export function decide(
  command: IncidentCommand,
  state: IncidentState | null,
  settings: IncidentSettings = defaultSettings,
): readonly IncidentChange[] {
  if (command.type === 'incident.declare') return declare(command, state);
  if (state === null) throw CommandRefused.notFound('the incident');
  if (state.mergedInto !== null) return afterMerge(command, state);
  switch (command.type) {
    case 'attach-alert':
      return attachAlert(command, state);
    case 'resolve-alert':
      return resolveAlert(command, state);
    case 'acknowledge':
      return acknowledge(command, state);
    case 'absorb':
      return absorb(command, state);
    case 'pass-time':
      return passTime(command, state, settings);
    case 'incident.set-status':
      return setStatus(command, state);
    case 'incident.set-severity':
      return setSeverity(command, state);
    case 'incident.assign-role':
      return assignRole(command, state);
    case 'incident.add-responder':
      return addResponder(command, state);
    case 'incident.add-service':
      return addService(command, state);
    case 'incident.add-note':
      return addNote(command, state);
    case 'incident.correct-note':
      return correctNote(command, state);
    case 'incident.publish-update':
      return publishUpdate(command, state);
    case 'incident.merge':
      return merge(command, state);
    case 'incident.reopen':
      return reopen(command, state);
  }
}

/**
 * A merged incident is closed: people are told where to go on, and what the system noticed has no effect but the end
 * of an alert, which the other incident may not have taken over yet.
 */
function afterMerge(
  command: Exclude<IncidentCommand, CommandOf<'incident.declare'>>,
  state: IncidentState,
): readonly IncidentChange[] {
  if (command.type === 'resolve-alert') return resolveAlert(command, state);
  if (!command.type.startsWith('incident.')) return [];
  throw CommandRefused.conflict(
    `${state.id} was merged into ${state.mergedInto}; go on there`,
    'incident-merged',
  );
}
