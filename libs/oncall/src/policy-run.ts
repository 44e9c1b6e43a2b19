import type { EscalationPolicy, EventData, NextAction, Severity } from '@bellwether/contracts';
import { type Directory, type Notification, resolveStep, resolveTargets, resolveUsers } from './directory.js';
import type { PageDecision, PageState } from './page-state.js';
import { following, type PolicyPlace, urgencyOf } from './policy.js';
import type { Instant } from './wall-clock.js';

type Requested = EventData<'page.requested'>;

/** What a page says of its incident. */
export interface PageSubject {
  incident: string;
  title: string;
  severity: Severity;
  service: string | null;
  /** What to do, where an alert says so. */
  runbookUrl: string | null;
}

/** What a decision about a page looks at besides the page itself. */
export interface PageContext {
  at: Instant;
  subject: PageSubject;
  directory: Directory;
}

const minute = 60_000;
export const none: NextAction = { kind: 'none', at: null, step: null };
export const nobody: Notification = { users: [], intents: [] };

/** Runs steps of a page's policy for one decision: builds what it says, and remembers which requests it has made, so that no key is used twice. */
export class PolicyRun {
  readonly #page: string;
  readonly #runs: PolicyPlace[];
  readonly #called: boolean;
  readonly #context: PageContext;

  constructor({ id, runs, deliveries }: Pick<PageState, 'id' | 'runs' | 'deliveries'>, context: PageContext) {
    this.#page = id;
    this.#runs = [...runs];
    this.#called = deliveries.length > 0;
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
      const unreachable = notification.users;
      if (!next || skipped >= policy.steps.length) return [...decisions, ...this.exhaust(at, unreachable)];
      decisions.push(this.escalated(at, next, 'empty-step', null, { unreachable }));
      at = next;
    }
  }

  /**
   * Nobody answered and nobody is left: the installation's fallback is paged.
   * @param unreachable whom the last step stands for, where it reached nobody
   */
  exhaust(place: PolicyPlace, unreachable?: readonly string[]): PageDecision[] {
    const { fallback } = this.#context.directory;
    const exhausted: PageDecision = {
      type: 'page.exhausted',
      data: {
        ...this.#ids(),
        cycles: place.cycle,
        called: this.#called,
        ...(unreachable && { unreachable: [...unreachable] }),
      },
    };
    const notification =
      fallback === null ? nobody : resolveTargets([fallback], this.#context.directory, this.#facts(place));
    if (notification.intents.length === 0) return [exhausted];
    return [exhausted, this.request(place, 'fallback', notification, none)];
  }

  notify(place: PolicyPlace): Notification {
    const { directory } = this.#context;
    const step = directory.policy!.steps[place.step - 1];
    return step ? resolveStep(step, directory, this.#facts(place)) : nobody;
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
        ...(subject.runbookUrl !== null && { runbookUrl: subject.runbookUrl }),
        urgency: urgencyOf(subject.severity),
        policy: directory.policy?.name ?? null,
        step,
        cycle,
        reason,
        ...(notification.turn !== undefined && { turn: notification.turn }),
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
    more: Pick<EventData<'page.escalated'>, 'note' | 'unreachable'> = {},
  ): PageDecision {
    const data = { ...this.#ids(), from: from.step, step, cycle, reason, by, ...more };
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

export function isoTime(at: Instant): string {
  return new Date(at).toISOString();
}
