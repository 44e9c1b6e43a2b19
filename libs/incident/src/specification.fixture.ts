import { CommandRefused, type EventData, type IncidentAlert } from '@bellwether/contracts';
import { expect } from '@jest/globals';
import { defaultSettings, type IncidentCommand, type IncidentSettings } from './command.js';
import { decide } from './decide.js';
import type { IncidentChange, IncidentEvent, IncidentEventType } from './event.js';
import { fold } from './evolve.js';
import type { IncidentState } from './incident.js';

/** 10:00 plus so many minutes, on the day of the specifications. */
export const at = (minutes: number): string => new Date(Date.UTC(2026, 10, 22, 10, minutes)).toISOString();

/** The change that is expected, or part of its data. */
export const changed = <T extends IncidentEventType>(type: T, data: Partial<EventData<T>> = {}) => ({
  type,
  data,
});

let eventNumber = 0;
/** An event of INC-1 that was recorded, `minutes` after 10:00. */
export function was<T extends IncidentEventType>(
  type: T,
  data: Omit<EventData<T>, 'incident'>,
  { minutes = 0, by = 'service:incident', id = `event-${++eventNumber}` } = {},
): IncidentEvent {
  return {
    type,
    data: { incident: 'INC-1', ...data },
    id,
    actor: by,
    occurredAt: at(minutes),
  } as unknown as IncidentEvent;
}

export function alert(more: Partial<IncidentAlert> = {}): IncidentAlert {
  return {
    kind: 'slo',
    name: 'checkout-availability',
    service: 'checkout',
    severity: 'page',
    tier: 'fast',
    state: 'firing',
    firedAt: at(0),
    resolvedAt: null,
    eventId: 'alert-1',
    ...more,
  };
}

/** INC-1, declared by an alert at 10:00 (the fault began at 09:56). */
export const declaredByAlert = (more: Partial<EventData<'incident.declared'>> = {}): IncidentEvent =>
  was('incident.declared', {
    title: 'checkout burns its budget',
    severity: 'sev2',
    services: ['checkout'],
    startedAt: at(-4),
    detectedAt: at(0),
    labels: {},
    alert: alert(),
    ...more,
  });

/** INC-1, declared by ada at 10:00. */
export const declaredByHand = (more: Partial<EventData<'incident.declared'>> = {}): IncidentEvent =>
  was(
    'incident.declared',
    {
      title: 'checkout is slow',
      severity: 'sev3',
      services: ['checkout'],
      startedAt: at(0),
      detectedAt: at(0),
      labels: {},
      ...more,
    },
    { by: 'user:ada' },
  );

type Asked = IncidentCommand extends infer C
  ? C extends IncidentCommand
    ? Omit<C, 'now' | 'actor'>
    : never
  : never;

/** `given(what was recorded).when(command, minutes after 10:00, by whom).then(what is to be recorded)`. */
export function given(...events: IncidentEvent[]) {
  const state = fold(events);
  const specification = (settings: IncidentSettings) => ({
    state: state as IncidentState,
    with: (changedSettings: Partial<IncidentSettings>) => specification({ ...settings, ...changedSettings }),
    when: (asked: Asked, minutes = 5, actor = 'user:ada') => {
      const command = { ...asked, now: at(minutes), actor } as IncidentCommand;
      const run = () => decide(command, state, settings);
      return {
        // biome-ignore lint/suspicious/noThenProperty: the word of the style; nothing awaits a specification.
        then: (...changes: { type: IncidentEventType; data: object }[]) =>
          expect(run()).toEqual(
            changes.map(({ type, data }) => ({ type, data: expect.objectContaining(data) })),
          ),
        thenNothing: () => expect(run()).toEqual([]),
        thenRefused: (status: number, detail?: RegExp) => {
          const problem = refusal(run);
          expect(problem).toMatchObject({ status });
          if (detail) expect(problem?.detail).toMatch(detail);
        },
        /** The state after the change, and a specification that goes on from it. */
        after: () => given(...events, ...recorded(run(), minutes, actor)),
      };
    },
  });
  return specification(defaultSettings);
}

/** What a log would give of changes. */
export function recorded(
  changes: readonly IncidentChange[],
  minutes: number,
  actor: string,
): IncidentEvent[] {
  return changes.map(
    (one) => ({ ...one, id: `event-${++eventNumber}`, actor, occurredAt: at(minutes) }) as IncidentEvent,
  );
}

function refusal(run: () => unknown) {
  try {
    run();
  } catch (error) {
    if (error instanceof CommandRefused) return error.problem;
    throw error;
  }
  return null;
}
