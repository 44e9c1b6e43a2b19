import { escalationPolicy, parseEventData, type User, user as userSchema } from '@bellwether/contracts';
import { describe, expect, test } from '@jest/globals';
import { decidePage, type PageCommand } from './page-decide.js';
import { type CallOutcome, decideAttempt, decideNoticeOutcome, decideOutcome } from './page-delivery.js';
import { evolvePage } from './page-evolve.js';
import { type PageDecision, type PageState, pageDue } from './page-state.js';

const start = Date.parse('2026-11-22T10:00:00Z');
const ada: User = userSchema.parse({
  name: 'ada',
  contactMethods: [
    { id: 'hook', kind: 'webhook', address: 'http://127.0.0.1:9/p', verified: true },
    { id: 'print', kind: 'console', verified: true },
    { id: 'old', kind: 'console', verified: true, disabled: true },
  ],
  rules: [{ urgency: 'high', method: 'hook' }],
});
const policy = escalationPolicy.parse({
  name: 'pay',
  steps: [{ targets: [{ kind: 'user', name: 'ada' }], timeoutMinutes: 60 }],
});
const hook = 'INC-1-P1_c1_s1_ada_r0';
const broken: CallOutcome = { kind: 'failed', statusCode: 500, error: 'status 500', gone: false };
const taken: CallOutcome = { kind: 'delivered', statusCode: 204 };

/** An open page, and what is done about it, in seconds from its start. */
class Story {
  state: PageState | null = null;

  constructor() {
    this.command(0, { kind: 'open', page: 'INC-1-P1', reason: 'declared' });
  }

  command(second: number, command: PageCommand) {
    const subject = {
      incident: 'INC-1',
      title: 't',
      severity: 'sev1',
      service: null,
      runbookUrl: null,
    } as const;
    const directory = { policy, onCall: () => [], user: () => ada, fallback: null, turn: 0 };
    const context = { at: start + second * 1000, subject, directory };
    return this.#record(second, decidePage(this.state, command, context));
  }

  attempt(second: number, key = hook) {
    return this.#record(second, decideAttempt(this.state!, key, start + second * 1000));
  }

  outcome(second: number, outcome: CallOutcome, key = hook) {
    const attempt = this.delivery(key)!.attempts;
    const at = start + second * 1000;
    return this.#record(second, decideOutcome(this.state!, key, attempt, outcome, ada, at));
  }

  notice(second: number, key: string, outcome: CallOutcome) {
    return this.#record(second, decideNoticeOutcome(this.state!, key, outcome, start + second * 1000));
  }

  delivery(key = hook) {
    return this.state!.deliveries.find((each) => each.key === key);
  }

  #record(second: number, decisions: PageDecision[]) {
    for (const decision of decisions) {
      parseEventData(decision.type, decision.data);
      this.state = evolvePage(this.state, { ...decision, at: start + second * 1000 });
    }
    return decisions;
  }
}
const seconds = (instant: number | null | undefined) => (instant == null ? null : (instant - start) / 1000);

describe('a delivery', () => {
  test('is attempted when due, under the same key each time', () => {
    const story = new Story();
    expect(story.attempt(-1)).toEqual([]);
    expect(story.attempt(0)).toEqual([
      {
        type: 'page.attempted',
        data: {
          page: 'INC-1-P1',
          incident: 'INC-1',
          idempotencyKey: hook,
          user: 'ada',
          method: 'hook',
          kind: 'webhook',
          step: 1,
          attempt: 1,
        },
      },
    ]);
    // The process died before it knew the outcome: the attempt is made again.
    expect(story.attempt(1)).toMatchObject([{ data: { idempotencyKey: hook, attempt: 2 } }]);
    expect(story.outcome(1, taken)).toMatchObject([
      { type: 'page.delivered', data: { attempt: 2, statusCode: 204 } },
    ]);
    expect(story.attempt(2)).toEqual([]);
    expect(story.delivery()).toMatchObject({ state: 'delivered', attempts: 2, nextAt: null });
  });

  test('that fails is tried again after 1 s, 5 s, 15 s, 60 s, then every 5 minutes', () => {
    const story = new Story();
    const pauses: number[] = [];
    for (let second = 0; pauses.length < 7; ) {
      story.attempt(second);
      story.outcome(second, broken);
      const next = seconds(story.delivery()!.nextAt)!;
      pauses.push(next - second);
      second = next;
    }
    expect(pauses).toEqual([1, 5, 15, 60, 300, 300, 300]);
    expect(story.delivery()).toMatchObject({ state: 'pending', failures: 7, lastError: 'status 500' });
  });

  test("falls over to the person's next method after the second failure, and only then", () => {
    const story = new Story();
    story.attempt(0);
    expect(story.outcome(0, broken)[0]!.data).not.toHaveProperty('failover');
    story.attempt(1);
    expect(story.outcome(1, broken)).toMatchObject([
      { data: { retryAt: new Date(start + 6000).toISOString(), failover: { method: 'print', rule: 0 } } },
    ]);
    expect(story.delivery(`${hook}_print`)).toMatchObject({ nextAt: start + 1000, state: 'pending', run: 1 });
    story.attempt(6);
    expect(story.outcome(6, broken)[0]!.data).not.toHaveProperty('failover');
  });

  test('to a method that is gone ends, and falls over at once', () => {
    const story = new Story();
    story.attempt(0);
    expect(story.outcome(0, { kind: 'failed', statusCode: 410, error: 'gone', gone: true })).toMatchObject([
      { data: { retryAt: null, failover: { idempotencyKey: `${hook}_print` } } },
    ]);
    expect(story.delivery()).toMatchObject({ state: 'failed', nextAt: null });
  });

  test('stops when somebody acknowledges; the call under way is still recorded', () => {
    const story = new Story();
    story.attempt(0);
    story.command(1, { kind: 'acknowledge', by: 'ada', via: 'api' });
    expect(story.attempt(2)).toEqual([]);
    expect(story.outcome(2, broken)).toMatchObject([{ data: { retryAt: null } }]);
    expect(story.delivery()!.nextAt).toBeNull();
    const other = new Story();
    other.attempt(0);
    other.command(1, { kind: 'acknowledge', by: 'ada', via: 'api' });
    other.outcome(2, taken);
    expect(other.delivery()!.state).toBe('delivered');
  });
});

describe('when the page ends', () => {
  const cancel: PageCommand = { kind: 'cancel', reason: 'resolved', cause: 'e1' };

  test('those who were notified are told, once for each way', () => {
    const story = new Story();
    story.attempt(0);
    story.outcome(0, taken);
    story.command(60, { kind: 'escalate', by: 'ada' });
    story.attempt(60, 'INC-1-P1_c1_s1_x2_ada_r0');
    story.command(90, cancel);
    expect(pageDue(story.state!)).toEqual([{ kind: 'notice', key: `${hook}_end`, at: start + 90_000 }]);
    story.notice(90, `${hook}_end`, broken);
    expect(seconds(story.state!.notices[0]!.nextAt)).toBe(91);
    expect(story.notice(91, `${hook}_end`, taken)).toMatchObject([
      { type: 'page.delivered', data: { notice: true, attempt: 2, idempotencyKey: `${hook}_end` } },
    ]);
    expect(pageDue(story.state!)).toEqual([]);
    expect(story.notice(92, `${hook}_end`, taken)).toEqual([]);
  });

  test('nobody is told who was not reached', () => {
    const story = new Story();
    story.attempt(0);
    story.outcome(0, broken);
    story.command(90, cancel);
    expect(pageDue(story.state!)).toEqual([]);
  });

  test('the notice is given up after a few failures', () => {
    const story = new Story();
    story.attempt(0);
    story.outcome(0, taken);
    story.command(90, cancel);
    for (let attempt = 1; attempt <= 5; attempt += 1) story.notice(90 + attempt, `${hook}_end`, broken);
    expect(story.state!.notices[0]).toMatchObject({ attempts: 5, nextAt: null });
  });
});
