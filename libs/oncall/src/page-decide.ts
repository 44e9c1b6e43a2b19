import { CommandRefused, type EventData, type NextAction } from '@bellwether/contracts';
import type { PageDecision, PageState } from './page-state.js';
import { following, forcedNext, urgencyOf } from './policy.js';
import { isoTime, nobody, none, type PageContext, PolicyRun } from './policy-run.js';

export type PageCommand =
  | { kind: 'open'; page: string; reason: 'declared' | 'reopened' | 'severity-raised' }
  /** The time of the next action has come. */
  | { kind: 'advance' }
  | { kind: 'acknowledge'; by: string; via: EventData<'page.acknowledged'>['via']; note?: string | undefined }
  /** `step` names a step, from 1; without it the next one. */
  | { kind: 'escalate'; step?: number | undefined; by: string; note?: string | undefined }
  /** Nobody took command of the incident. */
  | { kind: 'command-vacant' }
  | { kind: 'reassign'; users: readonly string[]; by: string; note?: string | undefined }
  | { kind: 'raise-severity' }
  /** All was quiet, or was part of another incident, and a page alert of the incident fires. */
  | { kind: 'fires-again' }
  /** `cause` is the id of the event that ended the incident. */
  | { kind: 'cancel'; reason: EventData<'page.cancelled'>['reason']; cause: string };

const minute = 60_000;
const defaultAckTimeoutMinutes = 30;

/**
 * What a command to a page leads to; nothing when it is already so.
 * @throws CommandRefused 409 when the page has ended, 422 for a step or people that are not there
 */
export function decidePage(
  state: PageState | null,
  command: PageCommand,
  context: PageContext,
): PageDecision[] {
  if (command.kind === 'open') return state === null ? open(command, context) : [];
  if (state === null) throw CommandRefused.notFound('the page');
  switch (command.kind) {
    case 'advance':
      return advance(state, context);
    case 'acknowledge':
      return acknowledge(state, command, context);
    case 'escalate':
      return escalate(state, command, context);
    case 'command-vacant':
      return commandVacant(state, context);
    case 'reassign':
      return reassign(state, command, context);
    case 'raise-severity':
      return raiseSeverity(state, context);
    case 'fires-again':
      return firesAgain(state, context);
    case 'cancel':
      return state.status === 'cancelled'
        ? []
        : [{ type: 'page.cancelled', data: { ...ids(state), reason: command.reason, cause: command.cause } }];
  }
}

function open({ page, reason }: PageCommand & { kind: 'open' }, context: PageContext): PageDecision[] {
  const run = new PolicyRun({ id: page, runs: [], deliveries: [] }, context);
  const first = { step: 1, cycle: 1 };
  const { policy } = context.directory;
  if (policy === null) return [run.request(first, reason, nobody, none), ...run.exhaust(first)];
  // The first event of a page's stream is always a request, one that reaches nobody too.
  if (run.notify(first).intents.length === 0) {
    const next = following(policy, first);
    const nextAction = next ? { kind: next.kind, at: isoTime(context.at), step: next.step } : none;
    return [run.request(first, reason, run.notify(first), nextAction), ...run.from(first, reason)];
  }
  return run.from(first, reason);
}

function advance(state: PageState, context: PageContext): PageDecision[] {
  const due = state.nextAction?.at;
  if (!due || Date.parse(due) > context.at) return [];
  if (state.status === 'acknowledged') return remind(state, context);
  if (state.status !== 'open') return [];
  const run = new PolicyRun(state, context);
  const { policy } = context.directory;
  const next = policy && following(policy, state);
  if (!next) return run.exhaust(state);
  return [run.escalated(state, next, 'timeout', null), ...run.from(next, 'timeout')];
}

/** Acknowledged, but not resolved in time: open again, with a reminder to whoever acknowledged. */
function remind(state: PageState, context: PageContext): PageDecision[] {
  const run = new PolicyRun(state, context);
  const { policy } = context.directory;
  const place = policy && state.step > policy.steps.length ? { step: 1, cycle: state.cycle } : state;
  const nextAction = run.nextAction(place);
  const reopened: PageDecision = {
    type: 'page.reopened',
    data: { ...ids(state), reason: 'ack-timeout', nextAction },
  };
  const own = state.acknowledgedBy === null ? nobody : run.notifyUsers([state.acknowledgedBy], place);
  if (own.intents.length > 0) return [reopened, run.request(place, 'reminder', own, nextAction)];
  return [reopened, ...run.from(place, 'reminder')];
}

function acknowledge(
  state: PageState,
  { by, via, note }: PageCommand & { kind: 'acknowledge' },
  { at, directory }: PageContext,
): PageDecision[] {
  refuseEnded(state);
  if (state.status === 'acknowledged') return [];
  const minutes = directory.policy?.ackTimeoutMinutes ?? defaultAckTimeoutMinutes;
  const nextAction: NextAction =
    minutes === 0 ? none : { kind: 'remind', at: isoTime(at + minutes * minute), step: state.step };
  const data = { ...ids(state), by, via, at: isoTime(at), ...(note ? { note } : {}), nextAction };
  return [{ type: 'page.acknowledged', data }];
}

function escalate(
  state: PageState,
  { step, by, note }: PageCommand & { kind: 'escalate' },
  context: PageContext,
): PageDecision[] {
  refuseEnded(state);
  const { policy } = context.directory;
  if (policy === null) throw CommandRefused.conflict('the page follows no escalation policy');
  if (step !== undefined && step > policy.steps.length) {
    const message = `policy ${policy.name} has ${policy.steps.length} steps`;
    throw CommandRefused.refused(message, [{ path: 'step', message }]);
  }
  const next = step === undefined ? forcedNext(policy, state) : { step, cycle: state.cycle };
  const run = new PolicyRun(state, context);
  return [run.escalated(state, next, 'manual', by, note ? { note } : {}), ...run.from(next, 'escalated')];
}

function commandVacant(state: PageState, context: PageContext): PageDecision[] {
  const { policy } = context.directory;
  if (state.status === 'cancelled' || policy === null) return [];
  const next = forcedNext(policy, state);
  const run = new PolicyRun(state, context);
  return [run.escalated(state, next, 'command-vacant', null), ...run.from(next, 'command-vacant')];
}

function reassign(
  state: PageState,
  { users, by, note }: PageCommand & { kind: 'reassign' },
  context: PageContext,
): PageDecision[] {
  refuseEnded(state);
  const unknown = users.filter((name) => context.directory.user(name) === null);
  if (unknown.length > 0) {
    const message = `no such user: ${unknown.join(', ')}`;
    throw CommandRefused.refused(message, [{ path: 'users', message }]);
  }
  const run = new PolicyRun(state, context);
  const notification = run.notifyUsers([...new Set(users)], state);
  const reassigned = { ...ids(state), users: [...new Set(users)], by, ...(note ? { note } : {}) };
  return [
    { type: 'page.reassigned', data: reassigned },
    run.request(state, 'reassigned', notification, run.nextAction(state)),
  ];
}

/** A page that nobody answered and that became urgent is sent again, by the rules for high urgency. */
function raiseSeverity(state: PageState, context: PageContext): PageDecision[] {
  const urgent = urgencyOf(context.subject.severity) === 'high';
  if (!urgent || state.urgency === 'high') return [];
  if (state.status === 'open') return new PolicyRun(state, context).from(state, 'severity-raised');
  if (state.status === 'exhausted') {
    return new PolicyRun(state, context).from({ step: 1, cycle: 1 }, 'severity-raised');
  }
  return [];
}

/** Where nobody answered, the policy ran out over an earlier alert: this one would page nobody. */
function firesAgain(state: PageState, context: PageContext): PageDecision[] {
  return state.status === 'exhausted'
    ? new PolicyRun(state, context).from({ step: 1, cycle: 1 }, 'fires-again')
    : [];
}

function ids(state: PageState) {
  return { page: state.id, incident: state.incident };
}

function refuseEnded(state: PageState): void {
  if (state.status === 'cancelled') throw pageHasEnded(state);
}

/** 409: a page ends with its incident, and does not come back with it. */
export function pageHasEnded({ id, incident }: Pick<PageState, 'id' | 'incident'>): CommandRefused {
  return CommandRefused.conflict(
    `page ${id} has ended: incident ${incident} was resolved or merged; if it is open again, it has another page`,
  );
}
