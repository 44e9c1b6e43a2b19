import type { EscalationPolicy, User } from '@bellwether/contracts';
import { CommandRefused, escalationPolicy, parseEventData, user as userSchema } from '@bellwether/contracts';
import { describe, expect, test } from '@jest/globals';
import type { Directory } from './directory.js';
import { decidePage, type PageCommand } from './page-decide.js';
import { evolvePage } from './page-evolve.js';
import { pageNotification } from './page-notification.js';
import type { PageDecision, PageState } from './page-state.js';
import { pageView } from './page-view.js';
import type { PageSubject } from './policy-run.js';

const start = Date.parse('2026-11-22T10:00:00Z');
const minutes = (count: number) => start + count * 60_000;
const time = (count: number) => new Date(minutes(count)).toISOString();

const person = (name: string, more: Partial<User> = {}): User =>
  userSchema.parse({
    name,
    contactMethods: [{ id: 'hook', kind: 'webhook', address: 'http://127.0.0.1:9/p', verified: true }],
    rules: [{ urgency: 'high', afterMinutes: 0, method: 'hook' }],
    ...more,
  });
const people = [
  person('ada'),
  person('grace'),
  person('edsger'),
  person('mute', { contactMethods: [], rules: [] }),
  person('busy', {
    contactMethods: [
      { id: 'hook', kind: 'webhook', address: 'http://127.0.0.1:9/p', verified: true },
      { id: 'print', kind: 'console', address: '', verified: true },
      { id: 'new', kind: 'webhook', address: 'http://127.0.0.1:9/p', verified: false },
    ],
    rules: [
      { urgency: 'high', afterMinutes: 0, method: 'print' },
      { urgency: 'high', afterMinutes: 3, method: 'hook' },
      { urgency: 'high', afterMinutes: 0, method: 'new' },
    ],
  }),
];

const twoSteps = escalationPolicy.parse({
  name: 'pay',
  repeat: 1,
  steps: [
    { targets: [{ kind: 'schedule', name: 'primary' }], timeoutMinutes: 5 },
    { targets: [{ kind: 'user', name: 'grace' }], timeoutMinutes: 10 },
  ],
});
const directory = (policy: EscalationPolicy | null, more: Partial<Directory> = {}): Directory => ({
  policy,
  onCall: (schedule) => (schedule === 'primary' ? ['ada'] : []),
  user: (name) => people.find((each) => each.name === name) ?? null,
  fallback: null,
  turn: 0,
  ...more,
});
const subject: PageSubject = {
  incident: 'INC-1',
  title: 'checkout burns',
  severity: 'sev2',
  service: 'checkout',
  runbookUrl: null,
};

/** What has been done so far, and what a further command says. */
class Story {
  readonly events: PageDecision[] = [];
  state: PageState | null = null;

  constructor(
    public directory: Directory,
    public subject: PageSubject,
  ) {}

  when(at: number, command: PageCommand): PageDecision[] {
    const context = { at: minutes(at), subject: this.subject, directory: this.directory };
    const decisions = decidePage(this.state, command, context);
    for (const decision of decisions) {
      parseEventData(decision.type, decision.data);
      this.state = evolvePage(this.state, { ...decision, at: minutes(at) });
    }
    this.events.push(...decisions);
    return decisions;
  }
}
const given = (policy: EscalationPolicy | null, more: Partial<Directory> = {}, about = subject) =>
  new Story(directory(policy, more), about);
const open: PageCommand = { kind: 'open', page: 'INC-1-P1', reason: 'declared' };
const advance: PageCommand = { kind: 'advance' };

/** A decision in one line. */
function say({ type, data }: PageDecision): string {
  if (type === 'page.requested') {
    return `requested ${data.cycle}.${data.step} ${data.reason}: ${data.intents.map((i) => `${i.user ?? i.address}/${i.method}`).join(' ')}`;
  }
  if (type === 'page.escalated') return `escalated ${data.from}→${data.cycle}.${data.step} ${data.reason}`;
  return type.replace('page.', '');
}

describe('escalation', () => {
  test('the first step runs at once and says what comes next', () => {
    const story = given(twoSteps);
    expect(story.when(0, open)).toEqual([
      {
        type: 'page.requested',
        data: {
          page: 'INC-1-P1',
          incident: 'INC-1',
          title: 'checkout burns',
          severity: 'sev2',
          service: 'checkout',
          urgency: 'high',
          policy: 'pay',
          step: 1,
          cycle: 1,
          reason: 'declared',
          users: ['ada'],
          intents: [
            {
              idempotencyKey: 'INC-1-P1_c1_s1_ada_r0',
              user: 'ada',
              method: 'hook',
              kind: 'webhook',
              rule: 0,
              dueAt: time(0),
            },
          ],
          nextAction: { kind: 'escalate', at: time(5), step: 2 },
        },
      },
    ]);
  });

  test('says where whoever is woken finds what to do, and goes on saying it', () => {
    const runbookUrl = 'https://runbooks.example.org/checkout';
    const story = given(twoSteps, {}, { ...subject, runbookUrl });
    expect(story.when(0, open)).toMatchObject([{ data: { runbookUrl } }]);
    story.subject = subject;
    story.when(5, advance);
    const urls = { acknowledgeUrl: 'https://b/a/x', explainUrl: 'https://b/v1/explain/x' };
    const call = { step: 2, attempt: 1 };
    expect(pageNotification('page.requested', story.state!, call, urls).page).toMatchObject({ runbookUrl });
  });

  test('goes through every step of every cycle, each after its time-out, and then is exhausted', () => {
    const story = given(twoSteps);
    story.when(0, open);
    expect(story.when(4.99, advance)).toEqual([]);
    expect(story.when(5, advance).map(say)).toEqual([
      'escalated 1→1.2 timeout',
      'requested 1.2 timeout: grace/hook',
    ]);
    expect(story.state!.nextAction).toEqual({ kind: 'repeat', at: time(15), step: 1 });
    expect(story.when(15, advance).map(say)).toEqual([
      'escalated 2→2.1 timeout',
      'requested 2.1 timeout: ada/hook',
    ]);
    expect(story.state!.nextAction).toEqual({ kind: 'escalate', at: time(20), step: 2 });
    story.when(20, advance);
    expect(story.state!.nextAction).toEqual({ kind: 'none', at: time(30), step: null });
    expect(story.when(30, advance).map(say)).toEqual(['exhausted']);
    expect(story.state).toMatchObject({ status: 'exhausted', nextAction: null, cycle: 2, step: 2 });
    expect(story.when(90, advance)).toEqual([]);
  });

  test('after a standstill runs one step, and the next a whole time-out later', () => {
    const story = given(twoSteps);
    story.when(0, open);
    expect(story.when(120, advance).map(say)).toEqual([
      'escalated 1→1.2 timeout',
      'requested 1.2 timeout: grace/hook',
    ]);
    expect(story.state!.nextAction!.at).toBe(time(130));
  });

  test('resolves who is on call when the step runs', () => {
    const story = given(twoSteps);
    story.when(0, open);
    story.when(5, advance);
    story.directory = directory(twoSteps, { onCall: () => ['edsger'] });
    expect(story.when(15, advance).map(say)).toContain('requested 2.1 timeout: edsger/hook');
  });

  test('goes on where a policy has lost the step it was in', () => {
    const story = given(twoSteps);
    story.when(0, open);
    story.when(5, advance);
    story.directory = directory({ ...twoSteps, steps: [twoSteps.steps[0]!] });
    expect(story.when(15, advance).map(say)).toEqual([
      'escalated 2→2.1 timeout',
      'requested 2.1 timeout: ada/hook',
    ]);
  });
});

describe('a step that reaches nobody', () => {
  test('is skipped at once, and said so', () => {
    const story = given(twoSteps, { onCall: () => [] });
    expect(story.when(0, open).map(say)).toEqual([
      'requested 1.1 declared: ',
      'escalated 1→1.2 empty-step',
      'requested 1.2 declared: grace/hook',
    ]);
    expect(story.events[1]!.data).toMatchObject({ unreachable: [] });
    expect(story.state!.nextAction).toEqual({ kind: 'repeat', at: time(10), step: 1 });
    expect(story.when(10, advance).map(say)).toEqual([
      'escalated 2→2.1 timeout',
      'escalated 1→2.2 empty-step',
      'requested 2.2 timeout: grace/hook',
    ]);
  });

  test('includes one whose people have no way to be reached', () => {
    const story = given(twoSteps, { onCall: () => ['mute'] });
    expect(story.when(0, open)[0]).toMatchObject({ data: { users: ['mute'], intents: [] } });
    expect(story.events[1]).toMatchObject({ type: 'page.escalated', data: { unreachable: ['mute'] } });
    expect(story.state).toMatchObject({ step: 2, status: 'open' });
  });

  test('with no other that does: exhausted at once, and the fallback is paged', () => {
    const fallback = { kind: 'webhook' as const, address: 'http://127.0.0.1:9/all' };
    const story = given(twoSteps, { onCall: () => [], user: () => null, fallback });
    expect(story.when(0, open).map(say)).toEqual([
      'requested 1.1 declared: ',
      'escalated 1→1.2 empty-step',
      'exhausted',
      'requested 1.2 fallback: http://127.0.0.1:9/all/webhook',
    ]);
    expect(story.state).toMatchObject({ status: 'exhausted', nextAction: null });
    expect(story.state!.deliveries).toMatchObject([{ nextAt: start, state: 'pending' }]);
  });

  test('ends the policy where it is the last: nobody could be reached, or nobody answered before', () => {
    const last = {
      ...twoSteps,
      repeat: 0,
      steps: [
        twoSteps.steps[0]!,
        { ...twoSteps.steps[1]!, targets: [{ kind: 'user' as const, name: 'mute' }] },
      ],
    };
    const unanswered = given(last);
    unanswered.when(0, open);
    expect(unanswered.when(5, advance)).toMatchObject([
      { type: 'page.escalated', data: { step: 2, reason: 'timeout' } },
      { type: 'page.exhausted', data: { cycles: 1, called: true, unreachable: ['mute'] } },
    ]);
    const unreached = given(last, { onCall: () => [] });
    expect(unreached.when(0, open).at(-1)).toMatchObject({
      type: 'page.exhausted',
      data: { called: false, unreachable: ['mute'] },
    });
  });

  test('an incident without a policy goes to the fallback', () => {
    const story = given(null, { fallback: { kind: 'user', name: 'ada' } });
    expect(story.when(0, open).map(say)).toEqual([
      'requested 1.1 declared: ',
      'exhausted',
      'requested 1.1 fallback: ada/hook',
    ]);
  });
});

describe('targets', () => {
  const policy = (assign: 'all' | 'round-robin') =>
    escalationPolicy.parse({
      name: 'pay',
      steps: [
        {
          targets: [
            { kind: 'user', name: 'ada' },
            { kind: 'schedule', name: 'primary' },
            { kind: 'user', name: 'grace' },
            { kind: 'webhook', address: 'http://127.0.0.1:9/all', secret: 'sealed' },
          ],
          timeoutMinutes: 5,
          assign,
        },
      ],
    });

  test('all of them, a person once', () => {
    const story = given(policy('all'));
    expect(story.when(0, open).map(say)).toEqual([
      'requested 1.1 declared: ada/hook grace/hook http://127.0.0.1:9/all/webhook',
    ]);
    expect(new Set(story.state!.deliveries.map((each) => each.key)).size).toBe(3);
  });

  test('round-robin: one, in turn among those who can be reached; it says which turn that was', () => {
    const turns = [0, 1, 2, 3, 4].map((turn) => {
      const story = given(policy('round-robin'), { turn, onCall: () => ['mute'] });
      const decisions = story.when(0, open);
      expect(decisions[0]!.data).toMatchObject({ turn });
      expect(story.state!.runs).toMatchObject([{ step: 1, turn }]);
      return decisions.map(say)[0]!.split(': ')[1];
    });
    expect(turns).toEqual([
      'ada/hook',
      'grace/hook',
      'http://127.0.0.1:9/all/webhook',
      'ada/hook',
      'grace/hook',
    ]);
  });
});

describe("a person's rules", () => {
  const policy = escalationPolicy.parse({
    name: 'pay',
    steps: [{ targets: [{ kind: 'user', name: 'busy' }], timeoutMinutes: 5 }],
  });

  test('each give an intent at its time; unverified methods give none', () => {
    const story = given(policy);
    story.when(0, open);
    expect(story.state!.deliveries).toMatchObject([
      { key: 'INC-1-P1_c1_s1_busy_r0', method: 'print', dueAt: minutes(0) },
      { key: 'INC-1-P1_c1_s1_busy_r1', method: 'hook', dueAt: minutes(3) },
    ]);
  });

  test('with none for the urgency, every verified method is used at once', () => {
    const story = given(policy, {}, { ...subject, severity: 'sev3' });
    story.when(0, open);
    expect(story.state).toMatchObject({ urgency: 'low' });
    expect(story.state!.deliveries).toMatchObject([
      { key: 'INC-1-P1_c1_s1_busy_hook', method: 'hook', dueAt: minutes(0), rule: null },
      { key: 'INC-1-P1_c1_s1_busy_print', method: 'print', dueAt: minutes(0), rule: null },
    ]);
  });
});

describe('acknowledging', () => {
  const acknowledge: PageCommand = { kind: 'acknowledge', by: 'ada', via: 'api' };

  test('stops the escalation and what is still to be sent', () => {
    const story = given(twoSteps);
    story.when(0, open);
    expect(story.when(2, acknowledge)).toMatchObject([
      { type: 'page.acknowledged', data: { by: 'ada', at: time(2) } },
    ]);
    expect(story.state).toMatchObject({
      status: 'acknowledged',
      acknowledgedBy: 'ada',
      acknowledgedAt: minutes(2),
    });
    expect(story.state!.nextAction).toEqual({ kind: 'remind', at: time(32), step: 1 });
    expect(story.state!.deliveries[0]).toMatchObject({ nextAt: null, state: 'failed' });
    expect(story.when(6, advance)).toEqual([]);
  });

  test('twice is harmless', () => {
    const story = given(twoSteps);
    story.when(0, open);
    story.when(2, acknowledge);
    expect(story.when(3, { ...acknowledge, by: 'grace' })).toEqual([]);
    expect(story.state!.acknowledgedBy).toBe('ada');
  });

  test('but not resolving in time re-opens it with a reminder, and it escalates again', () => {
    const story = given(twoSteps);
    story.when(0, open);
    story.when(2, { ...acknowledge, by: 'edsger' });
    expect(story.when(32, advance).map(say)).toEqual(['reopened', 'requested 1.1 reminder: edsger/hook']);
    expect(story.state).toMatchObject({ status: 'open', acknowledgedBy: null });
    expect(story.state!.deliveries.at(-1)!.key).toBe('INC-1-P1_c1_s1_x2_edsger_r0');
    expect(story.state!.nextAction).toEqual({ kind: 'escalate', at: time(37), step: 2 });
    expect(story.when(37, advance).map(say)).toContain('requested 1.2 timeout: grace/hook');
  });

  test('by somebody who cannot be reached reminds the step', () => {
    const story = given(twoSteps);
    story.when(0, open);
    story.when(2, { ...acknowledge, by: 'key:ci' });
    expect(story.when(32, advance).map(say)).toEqual(['reopened', 'requested 1.1 reminder: ada/hook']);
  });

  test('with a time-out of 0 never reminds', () => {
    const story = given({ ...twoSteps, ackTimeoutMinutes: 0 });
    story.when(0, open);
    story.when(2, acknowledge);
    expect(story.state!.nextAction).toEqual({ kind: 'none', at: null, step: null });
    expect(story.when(9000, advance)).toEqual([]);
  });

  test('answers an exhausted page', () => {
    const story = given({ ...twoSteps, repeat: 0 });
    story.when(0, open);
    story.when(5, advance);
    story.when(15, advance);
    story.when(16, acknowledge);
    expect(story.state!.status).toBe('acknowledged');
  });
});

describe('an alert that fires again', () => {
  test('goes through the policy again where nobody answered, and leaves others alone', () => {
    const story = given({ ...twoSteps, repeat: 0 });
    story.when(0, open);
    expect(story.when(1, { kind: 'fires-again' })).toEqual([]);
    story.when(5, advance);
    story.when(15, advance);
    expect(story.state!.status).toBe('exhausted');
    expect(story.when(16, { kind: 'fires-again' }).map(say)).toEqual(['requested 1.1 fires-again: ada/hook']);
    expect(story.state).toMatchObject({ status: 'open', nextAction: { kind: 'escalate', step: 2 } });
    expect(story.when(17, { kind: 'fires-again' })).toEqual([]);
    story.when(18, { kind: 'acknowledge', by: 'ada', via: 'api' });
    expect(story.when(19, { kind: 'fires-again' })).toEqual([]);
  });
});

describe('escalating by hand', () => {
  const escalate = (step?: number): PageCommand => ({ kind: 'escalate', step, by: 'ada' });

  test('goes to the next step, and past the last to the first', () => {
    const story = given({ ...twoSteps, repeat: 0 });
    story.when(0, open);
    expect(story.when(1, escalate()).map(say)).toEqual([
      'escalated 1→1.2 manual',
      'requested 1.2 escalated: grace/hook',
    ]);
    expect(story.state!.nextAction).toEqual({ kind: 'none', at: time(11), step: null });
    expect(story.when(2, escalate()).map(say)).toEqual([
      'escalated 2→1.1 manual',
      'requested 1.1 escalated: ada/hook',
    ]);
    expect(story.state!.deliveries.map((each) => each.key)).toEqual([
      'INC-1-P1_c1_s1_ada_r0',
      'INC-1-P1_c1_s2_grace_r0',
      'INC-1-P1_c1_s1_x2_ada_r0',
    ]);
  });

  test('goes to a named step, and opens an acknowledged page again', () => {
    const story = given(twoSteps);
    story.when(0, open);
    story.when(1, { kind: 'acknowledge', by: 'ada', via: 'api' });
    story.when(2, escalate(2));
    expect(story.state).toMatchObject({ status: 'open', step: 2, acknowledgedBy: null });
  });

  test('to a step that is not there is refused', () => {
    const story = given(twoSteps);
    story.when(0, open);
    expect(() => story.when(1, escalate(3))).toThrow(CommandRefused);
  });
});

describe('reassigning', () => {
  test('notifies the others instead, and escalates from where it was', () => {
    const story = given(twoSteps);
    story.when(0, open);
    expect(story.when(2, { kind: 'reassign', users: ['edsger'], by: 'ada' }).map(say)).toEqual([
      'reassigned',
      'requested 1.1 reassigned: edsger/hook',
    ]);
    expect(story.state!.deliveries).toMatchObject([
      { user: 'ada', nextAt: null },
      { user: 'edsger', nextAt: minutes(2) },
    ]);
    expect(story.state!.nextAction).toEqual({ kind: 'escalate', at: time(7), step: 2 });
  });

  test('to somebody who does not exist is refused', () => {
    const story = given(twoSteps);
    story.when(0, open);
    expect(() => story.when(2, { kind: 'reassign', users: ['nobody'], by: 'ada' })).toThrow('no such user');
  });
});

describe('the incident', () => {
  test('becoming urgent sends an unanswered page again, by the rules for high urgency', () => {
    const story = given(twoSteps, {}, { ...subject, severity: 'sev3' });
    story.when(0, open);
    story.subject = { ...subject, severity: 'sev1' };
    expect(story.when(1, { kind: 'raise-severity' }).map(say)).toEqual([
      'requested 1.1 severity-raised: ada/hook',
    ]);
    expect(story.state).toMatchObject({ urgency: 'high', severity: 'sev1' });
    expect(story.when(2, { kind: 'raise-severity' })).toEqual([]);
  });

  test('without a commander pages the next step', () => {
    const story = given(twoSteps);
    story.when(0, open);
    story.when(1, { kind: 'acknowledge', by: 'key:ci', via: 'api' });
    expect(story.when(10, { kind: 'command-vacant' }).map(say)).toEqual([
      'escalated 1→1.2 command-vacant',
      'requested 1.2 command-vacant: grace/hook',
    ]);
  });

  test('ending cancels the page for good', () => {
    const story = given(twoSteps);
    story.when(0, open);
    story.when(3, { kind: 'cancel', reason: 'resolved', cause: 'e1' });
    expect(story.state).toMatchObject({ status: 'cancelled', nextAction: null });
    for (const at of [5, 15, 9000]) expect(story.when(at, advance)).toEqual([]);
    expect(story.when(4, { kind: 'cancel', reason: 'resolved', cause: 'e1' })).toEqual([]);
    expect(story.when(4, { kind: 'command-vacant' })).toEqual([]);
    expect(() => story.when(4, { kind: 'acknowledge', by: 'ada', via: 'api' })).toThrow('has ended');
    expect(() => story.when(4, { kind: 'escalate', by: 'ada' })).toThrow('has ended');
  });
});

test('the view is what the contract shows', () => {
  const story = given(twoSteps);
  story.when(0, open);
  expect(pageView(story.state!, 1)).toEqual({
    id: 'INC-1-P1',
    incident: 'INC-1',
    title: 'checkout burns',
    severity: 'sev2',
    service: 'checkout',
    status: 'open',
    urgency: 'high',
    policy: 'pay',
    step: 1,
    cycle: 1,
    requestedAt: time(0),
    acknowledgedAt: null,
    acknowledgedBy: null,
    nextAction: { kind: 'escalate', at: time(5), step: 2 },
    deliveries: [
      {
        user: 'ada',
        method: 'hook',
        kind: 'webhook',
        idempotencyKey: 'INC-1-P1_c1_s1_ada_r0',
        step: 1,
        cycle: 1,
        dueAt: time(0),
        attempts: 0,
        state: 'pending',
        lastError: null,
      },
    ],
    version: 1,
  });
});
