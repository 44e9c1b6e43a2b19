import { CommandRefused } from '@bellwether/contracts';
import type { CommandOf } from './command.js';
import { backDated } from './course.js';
import { change, type IncidentChange } from './event.js';
import type { IncidentState, Note } from './incident.js';

export function addNote(
  command: CommandOf<'incident.add-note'>,
  state: IncidentState,
): readonly IncidentChange[] {
  const { text, at, links, pinned } = command.data;
  return [
    change('incident.note-added', {
      incident: state.id,
      text,
      at: backDated(at, command.now, state),
      links: links ?? [],
      pinned: pinned ?? false,
    }),
  ];
}

/** The note that an event id stands for: the note itself, or one of its corrections. */
function noteOf(state: IncidentState, eventId: string): Note | undefined {
  return state.notes.find((note) => note.versions.some((version) => version.eventId === eventId));
}

/** Replaces what a note shows; what is not given stays as it was. Only its author may. */
export function correctNote(
  command: CommandOf<'incident.correct-note'>,
  state: IncidentState,
): readonly IncidentChange[] {
  const note = noteOf(state, command.data.note);
  const current = note?.versions.at(-1);
  if (!note || !current) throw CommandRefused.notFound(`note ${command.data.note} of ${state.id}`);
  if (note.author !== command.actor) {
    throw CommandRefused.forbidden(`the note is by ${note.author}; only its author may correct it`);
  }
  const { text, at, links, pinned } = command.data;
  return [
    change('incident.note-corrected', {
      incident: state.id,
      note: note.id,
      text,
      at: at === undefined ? current.at : backDated(at, command.now, state),
      links: links ?? [...current.links],
      pinned: pinned ?? current.pinned,
    }),
  ];
}

export function publishUpdate(
  command: CommandOf<'incident.publish-update'>,
  state: IncidentState,
): readonly IncidentChange[] {
  const { audience, text, nextUpdateAt } = command.data;
  if (nextUpdateAt !== undefined && nextUpdateAt <= command.now) {
    throw CommandRefused.refused('nextUpdateAt is a promise, so it is in the future', [
      { path: 'nextUpdateAt', message: `must be after ${command.now}` },
    ]);
  }
  return [
    change('incident.update-published', {
      incident: state.id,
      audience,
      text,
      nextUpdateAt: nextUpdateAt ?? null,
    }),
  ];
}

export function addService(
  command: CommandOf<'incident.add-service'>,
  state: IncidentState,
): readonly IncidentChange[] {
  const { service } = command.data;
  return state.services.includes(service)
    ? []
    : [change('incident.service-affected', { incident: state.id, service })];
}
