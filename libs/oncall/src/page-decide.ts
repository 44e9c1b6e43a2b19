import {
  CommandRefused,
  type EscalationPolicy,
  type EventData,
  type NextAction,
  type Severity,
} from '@bellwether/contracts';
import { type Directory, type Notification, resolveStep, resolveTargets, resolveUsers } from './directory.js';
import type { PageDecision, PageState } from './page-state.js';
import { following, forcedNext, type PolicyPlace, urgencyOf } from './policy.js';
import type { Instant } from './wall-clock.js';

type Requested = EventData<'page.requested'>;

/** What a page says of its incident. */
export interface PageSubject {
  incident: string;
  title: string;
  severity: Severity;
  service: string | null;
}

/** What a decision about a page looks at besides the page itself. */
export interface PageContext {
  at: Instant;
  subject: PageSubject;
  directory: Directory;
}

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
    case 'cancel':
      return state.status === 'cancelled'
        ? []
        : [{ type: 'page.cancelled', data: { ...ids(state), reason: command.reason, cause: command.cause } }];
  }
}

function open({ page, reason }: PageCommand & { kind: 'open' }, context: PageContext): PageDecision[] {
  const run = new Run({ id: page, runs: [] }, context);
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
  const run = new Run(state, context);
  const { policy } = context.directory;
  const next = policy && following(policy, state);
  if (!next) return run.exhaust(state);
  return [run.escalated(state, next, 'timeout', null), ...run.from(next, 'timeout')];
}

/** Acknowledged, but not resolved in time: open again, with a reminder to whoever acknowledged. */
function remind(state: PageState, context: PageContext): PageDecision[] {
  const run = new Run(state, context);
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
  const run = new Run(state, context);
  return [run.escalated(state, next, 'manual', by, note), ...run.from(next, 'escalated')];
}

function commandVacant(state: PageState, context: PageContext): PageDecision[] {
  const { policy } = context.directory;
  if (state.status === 'cancelled' || policy === null) return [];
  const next = forcedNext(policy, state);
  const run = new Run(state, context);
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
  const run = new Run(state, context);
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
  if (state.status === 'open') return new Run(state, context).from(state, 'severity-raised');
  if (state.status === 'exhausted') {
    return new Run(state, context).from({ step: 1, cycle: 1 }, 'severity-raised');
  }
  return [];
}

const none: NextAction = { kind: 'none', at: null, step: null };
const nobody: Notification = { users: [], intents: [] };

/** Builds what one decision says; remembers which requests it has made, so that no key is used twice. */
class Run {
  readonly #page: string;
  readonly #runs: PolicyPlace[];
  readonly #context: PageContext;

  constructor({ id, runs }: Pick<PageState, 'id' | 'runs'>, context: PageContext) {
    this.#page = id;
    this.#runs = [...runs];
    this.#context = context;
  }

  /** Runs a step, or at once the next one that reaches anybody; without any, the policy is exhausted. */
  from(place: PolicyPlace, reason: Requested['reason']): PageDecision[] {
    const { policy } = this.#context.directory;
    if (policy === null) return this.exhaust(place);
    const decisions: PageDecision[] = [];
    let at: PolicyPlace = { step: Math.min(place.step, policy.steps.length), cycle: place.cycle };
    for (let skipped = 1; ; skipped += 1) {
      const notification = this.notify(at);
      if (notification.intents.length > 0) {
        return [...decisions, this.request(at, reason, notification, this.nextAction(at))];
      }
      const next = following(policy, at);
      // Every step reached nobody: going round again at the same instant would not change that.
      if (!next || skipped >= policy.steps.length) return [...decisions, ...this.exhaust(at)];
      decisions.push(this.escalated(at, next, 'empty-step', null));
      at = next;
    }
  }

  /** Nobody answered and nobody is left: the installation's fallback is paged. */
  exhaust(place: PolicyPlace): PageDecision[] {
    const { fallback } = this.#context.directory;
    const exhausted: PageDecision = {
      type: 'page.exhausted',
      data: { ...this.#ids(), cycles: place.cycle },
    };
    const notification =
      fallback === null ? nobody : resolveTargets([fallback], this.#context.directory, this.#facts(place));
    if (notification.intents.length === 0) return [exhausted];
    return [exhausted, this.request(place, 'fallback', notification, none)];
  }

  notify(place: PolicyPlace): Notification {
    const { directory } = this.#context;
    const step = directory.policy!.steps[place.step - 1];
    return step ? resolveStep(step, place.step, directory, this.#facts(place)) : nobody;
  }

  notifyUsers(users: readonly string[], place: PolicyPlace): Notification {
    return resolveUsers(users, this.#context.directory, this.#facts(place));
  }

  request(
    { step, cycle }: PolicyPlace,
    reason: Requested['reason'],
    notification: Notification,
    nextAction: NextAction,
  ): PageDecision {
    this.#runs.push({ step, cycle });
    const { subject, directory } = this.#context;
    return {
      type: 'page.requested',
      data: {
        ...this.#ids(),
        title: subject.title,
        severity: subject.severity,
        service: subject.service,
        urgency: urgencyOf(subject.severity),
        policy: directory.policy?.name ?? null,
        step,
        cycle,
        reason,
        users: notification.users,
        intents: notification.intents,
        nextAction,
      },
    };
  }

  escalated(
    from: PolicyPlace,
    { step, cycle }: PolicyPlace,
    reason: EventData<'page.escalated'>['reason'],
    by: string | null,
    note?: string,
  ): PageDecision {
    const data = { ...this.#ids(), from: from.step, step, cycle, reason, by, ...(note ? { note } : {}) };
    return { type: 'page.escalated', data };
  }

  /** What happens when nobody answers the step: at the end of the policy, nothing but that it is exhausted. */
  nextAction(place: PolicyPlace): NextAction {
    const policy: EscalationPolicy | null = this.#context.directory.policy;
    const step = policy?.steps[Math.min(place.step, policy.steps.length) - 1];
    if (!policy || !step) return none;
    const at = isoTime(this.#context.at + step.timeoutMinutes * minute);
    const next = following(policy, place);
    return next ? { kind: next.kind, at, step: next.step } : { kind: 'none', at, step: null };
  }

  #facts(place: PolicyPlace) {
    const earlier = this.#runs.filter((run) => run.step === place.step && run.cycle === place.cycle).length;
    return {
      urgency: urgencyOf(this.#context.subject.severity),
      at: this.#context.at,
      // A step that runs again within a cycle (a reminder, an escalation back to it) is a new intent.
      prefix: `${this.#page}_c${place.cycle}_s${place.step}${earlier > 0 ? `_x${earlier + 1}` : ''}`,
    };
  }

  #ids() {
    return { page: this.#page, incident: this.#context.subject.incident };
  }
}

function ids(state: PageState) {
  return { page: state.id, incident: state.incident };
}

function refuseEnded(state: PageState): void {
  if (state.status === 'cancelled') {
    throw CommandRefused.conflict(`page ${state.id} has ended: incident ${state.incident} is over`);
  }
}

function isoTime(at: Instant): string {
  return new Date(at).toISOString();
}
