import { CommandRefused, eventCatalog, type IncidentRole, type IncidentStatus } from '@bellwether/contracts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { defaultSettings, type IncidentCommand } from './command.js';
import { decide } from './decide.js';
import type { IncidentEvent } from './event.js';
import { evolve, fold, initial } from './evolve.js';
import { alertKey, type IncidentState, incidentView } from './incident.js';
import { alert, at, declaredByAlert, given, recorded } from './specification.fixture.js';
import { nextDue } from './timers.js';

const alerts = fc
  .record({
    name: fc.constantFrom('checkout-availability', 'payments-errors'),
    service: fc.constantFrom('checkout', 'payments'),
    severity: fc.constantFrom('page' as const, 'ticket' as const),
    tier: fc.constantFrom('fast', 'slow', null),
    eventId: fc.uuid(),
  })
  .map((more) => alert(more));
const person = fc.constantFrom('ada', 'grace', 'alan');
const severities = fc.constantFrom('sev1' as const, 'sev2' as const, 'sev3' as const, 'sev4' as const);
const moment = fc.option(fc.integer({ min: -10, max: 400 }).map(at), { nil: undefined });
const text = fc.constantFrom('a', 'b');
const other: IncidentState = {
  ...given(declaredByAlert({ alert: alert({ name: 'other' }) })).state,
  id: 'INC-2',
};

type Asked = IncidentCommand extends infer C
  ? C extends IncidentCommand
    ? Omit<C, 'now' | 'actor'>
    : never
  : never;
const asked = fc.oneof(
  fc
    .record({
      title: text,
      severity: severities,
      services: fc.constant(['checkout']),
      alert: fc.option(alerts, { nil: undefined }),
    })
    .map(({ alert: one, ...data }) => ({
      type: 'incident.declare',
      incident: 'INC-1',
      data: one ? { ...data, alert: one } : data,
    })),
  fc.record({ alert: alerts, asks: fc.option(severities) }).map((data) => ({ type: 'attach-alert', data })),
  alerts.map(({ kind, name, severity, tier, eventId }) => ({
    type: 'resolve-alert',
    data: { kind, name, severity, tier, eventId, resolvedAt: at(1) },
  })),
  person.map((by) => ({ type: 'acknowledge', data: { by: `user:${by}`, page: 'INC-1-P1', at: at(1) } })),
  fc.constant({ type: 'absorb', data: { source: other } }),
  fc.constant({ type: 'pass-time' }),
  fc
    .record({
      status: fc.constantFrom<IncidentStatus>('investigating', 'identified', 'monitoring', 'resolved'),
      note: text,
      at: moment,
    })
    .map((data) => ({ type: 'incident.set-status', data })),
  fc.record({ severity: severities, reason: text }).map((data) => ({ type: 'incident.set-severity', data })),
  fc
    .record({
      role: fc.constantFrom<IncidentRole>('commander', 'scribe'),
      user: fc.option(person),
    })
    .map((data) => ({ type: 'incident.assign-role', data })),
  person.map((user) => ({ type: 'incident.add-responder', data: { user } })),
  fc
    .constantFrom('checkout', 'payments')
    .map((service) => ({ type: 'incident.add-service', data: { service } })),
  fc.record({ text, at: moment }).map((data) => ({ type: 'incident.add-note', data })),
  fc.nat(3).map((index) => ({ type: 'incident.correct-note', data: { note: index, text: 'c' } })),
  fc
    .record({ text, nextUpdateAt: moment })
    .map((data) => ({ type: 'incident.publish-update', data: { audience: 'public', ...data } })),
  fc
    .constantFrom('INC-1', 'INC-2')
    .map((into) => ({ type: 'incident.merge', data: { into }, target: other })),
  fc.constant({ type: 'incident.reopen', data: { reason: 'again' } }),
) as fc.Arbitrary<Asked>;
/** A life: an alert declares it, and then what is asked, by whom, how many minutes after the last. */
const beginning = {
  asked: {
    type: 'incident.declare',
    incident: 'INC-1',
    data: { title: 'a', severity: 'sev3', services: ['checkout'], alert: alert() },
  } as Asked,
  by: 'ada',
  after: 0,
};
const lives = fc
  .array(fc.record({ asked, by: person, after: fc.nat(20) }), { maxLength: 60, size: 'max' })
  .map((steps) => [beginning, ...steps]);

interface Lived {
  readonly events: readonly IncidentEvent[];
  readonly states: readonly (IncidentState | null)[];
}

/** Lives a life, checking each decision as it goes. */
function live(steps: readonly { asked: Asked; by: string; after: number }[]): Lived {
  const events: IncidentEvent[] = [];
  const states: (IncidentState | null)[] = [initial];
  let minutes = 0;
  for (const step of steps) {
    minutes += step.after;
    const state = states.at(-1) ?? null;
    const now = at(minutes);
    const command = { ...named(step.asked, state), now, actor: `user:${step.by}` } as IncidentCommand;
    for (const event of recorded(attempt(command, state), minutes, command.actor)) {
      const before = states.at(-1) ?? null;
      const next = evolve(before, event);
      checkEvent(event, before, next);
      events.push(event);
      states.push(next);
    }
  }
  return { events, states };
}

/** A note is corrected by its event id, which only the life itself knows. */
function named(one: Asked, state: IncidentState | null): Asked {
  if (one.type !== 'incident.correct-note') return one;
  const note = state?.notes[Number(one.data.note)]?.id ?? 'none';
  return { ...one, data: { ...one.data, note } };
}

function attempt(command: IncidentCommand, state: IncidentState | null) {
  try {
    return decide(command, state, defaultSettings);
  } catch (error) {
    if (error instanceof CommandRefused) return [];
    throw error;
  }
}

/** What people say counts even where it changes no field: an update, the same status with another note. */
const statements = new Set(['incident.update-published', 'incident.status-changed']);

/** An event that is decided fits its schema, changes something, and leads to a state in which nothing contradicts. */
function checkEvent(event: IncidentEvent, before: IncidentState | null, after: IncidentState | null): void {
  expect(eventCatalog[event.type].data.parse(event.data)).toEqual(event.data);
  expect(after).not.toBeNull();
  if (after === null) return;
  if (!statements.has(event.type)) {
    expect({ ...after, version: 0 }).not.toEqual(before && { ...before, version: 0 });
  }
  expect(after.version).toBe((before?.version ?? 0) + 1);
  expect(after.status === 'resolved').toBe(after.resolvedAt !== null);
  expect(after.mergedInto === null || after.status === 'resolved').toBe(true);
  expect(new Set(after.alerts.map(alertKey)).size).toBe(after.alerts.length);
  expect(new Set(after.responders).size).toBe(after.responders.length);
  expect(new Set(after.services).size).toBe(after.services.length);
  expect(after.commandVacantSince === null).toBe(after.roles.commander !== undefined);
  const holders = after.holdings.filter((holding) => holding.to === null);
  expect(Object.fromEntries(holders.map(({ role, user }) => [role, user]))).toEqual(after.roles);
  expect(holders).toHaveLength(Object.keys(after.roles).length);
  expect(incidentView(after).timeToResolveMinutes ?? 0).toBeGreaterThanOrEqual(0);
}

describe('any life of an incident', () => {
  test('decides only events that fit, change something, and contradict nothing', () => {
    fc.assert(
      fc.property(lives, (steps) => void live(steps)),
      { numRuns: 300 },
    );
  });

  test('folds from any prefix to the state of that moment, and from there to the end', () => {
    fc.assert(
      fc.property(lives, fc.nat(), (steps, cut) => {
        const { events, states } = live(steps);
        const length = cut % (events.length + 1);
        expect(fold(events.slice(0, length))).toEqual(states[length]);
        expect(fold(events.slice(length), states[length])).toEqual(states.at(-1));
      }),
    );
  });

  test('asked again what was just done, a reaction has nothing left to do', () => {
    fc.assert(
      fc.property(lives, asked, (steps, last) => {
        const reactions = ['attach-alert', 'resolve-alert', 'acknowledge', 'absorb', 'pass-time'];
        fc.pre(reactions.includes(last.type));
        const state = live(steps).states.at(-1) ?? null;
        const command = { ...last, now: at(2000), actor: 'service:incident' } as IncidentCommand;
        const after = fold(recorded(attempt(command, state), 2000, 'service:incident'), state);
        expect(attempt(command, after)).toEqual([]);
      }),
    );
  });

  test('has nothing due in the past once time has passed', () => {
    fc.assert(
      fc.property(lives, (steps) => {
        const state = live(steps).states.at(-1) ?? null;
        const command = { type: 'pass-time', now: at(5000), actor: 'service:incident' } as const;
        const after = fold(recorded(attempt(command, state), 5000, 'service:incident'), state);
        const due = after && nextDue(after, defaultSettings);
        expect(due === null || due > at(5000)).toBe(true);
      }),
    );
  });
});

describe('evolve', () => {
  test('is total: the events of any life in any order fold, and an unknown event changes the version alone', () => {
    const unknown = {
      type: 'incident.review-started',
      data: {},
      id: 'x',
      actor: 'user:ada',
      occurredAt: at(0),
    };
    fc.assert(
      fc.property(lives, fc.infiniteStream(fc.nat()), (steps, order) => {
        const shuffled = live(steps)
          .events.map((event) => ({ event, rank: order.next().value }))
          .sort((a, b) => a.rank - b.rank)
          .map(({ event }) => event);
        const state = fold(shuffled);
        const next = evolve(state, unknown as unknown as IncidentEvent);
        expect(next).toEqual(state && { ...state, version: state.version + 1 });
      }),
    );
  });
});
