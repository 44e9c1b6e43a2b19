import type { EventData, PageIntent, User } from '@bellwether/contracts';
import { noticeAttempts, retryDelay } from './backoff.js';
import { nextMethod } from './contact.js';
import type { DeliveryState, NoticeState, PageDecision, PageState } from './page-state.js';
import { isUnanswered } from './page-state.js';
import type { Instant } from './wall-clock.js';

/** What came of a call. `gone`: the receiver, or the contact method, is not there any more. */
export type CallOutcome =
  | { kind: 'delivered'; statusCode: number | null }
  | { kind: 'failed'; statusCode: number | null; error: string; gone: boolean };

/** That a delivery is tried now; nothing when it is not to be, because somebody answered or it is not due. */
export function decideAttempt(state: PageState, key: string, at: Instant): PageDecision[] {
  const delivery = pendingDelivery(state, key);
  if (!delivery || delivery.nextAt === null || delivery.nextAt > at) return [];
  return [{ type: 'page.attempted', data: attemptOf(state, delivery, delivery.attempts + 1) }];
}

/**
 * What an attempt came to. A failure is tried again with growing pauses for as long as the page is open;
 * after the second one, or at once when the method is gone, the person's next method is used as well.
 */
export function decideOutcome(
  state: PageState,
  key: string,
  attempt: number,
  outcome: CallOutcome,
  user: User | null,
  at: Instant,
): PageDecision[] {
  const delivery = state.deliveries.find((each) => each.key === key);
  if (!delivery || delivery.state === 'delivered') return [];
  const data = attemptOf(state, delivery, attempt);
  const { statusCode } = outcome;
  if (outcome.kind === 'delivered') return [{ type: 'page.delivered', data: { ...data, statusCode } }];
  const failures = delivery.failures + 1;
  const goesOn = isUnanswered(state) && delivery.state === 'pending';
  const retryAt = goesOn && !outcome.gone ? new Date(at + retryDelay(failures)).toISOString() : null;
  const failover = goesOn && (failures === 2 || outcome.gone) ? failoverOf(state, delivery, user, at) : null;
  const failure: EventData<'page.failed'> = { ...data, error: outcome.error, statusCode, retryAt };
  return [{ type: 'page.failed', data: failover ? { ...failure, failover } : failure }];
}

/** What came of telling somebody that the page ended. It is tried a few times, then left. */
export function decideNoticeOutcome(
  state: PageState,
  key: string,
  outcome: CallOutcome,
  at: Instant,
): PageDecision[] {
  const notice = state.notices.find((each) => each.key === key);
  if (!notice || notice.nextAt === null) return [];
  const attempt = notice.attempts + 1;
  const data = { ...attemptOf(state, notice, attempt), notice: true as const };
  const { statusCode } = outcome;
  if (outcome.kind === 'delivered') return [{ type: 'page.delivered', data: { ...data, statusCode } }];
  const again = !outcome.gone && attempt < noticeAttempts;
  const retryAt = again ? new Date(at + retryDelay(attempt)).toISOString() : null;
  return [{ type: 'page.failed', data: { ...data, error: outcome.error, statusCode, retryAt } }];
}

function pendingDelivery(state: PageState, key: string): DeliveryState | undefined {
  if (!isUnanswered(state)) return undefined;
  return state.deliveries.find((each) => each.key === key && each.state === 'pending');
}

function failoverOf(
  state: PageState,
  failing: DeliveryState,
  user: User | null,
  at: Instant,
): PageIntent | null {
  if (user === null) return null;
  const own = state.deliveries.filter((each) => each.run === failing.run && each.user === failing.user);
  const tried = new Set(own.filter((each) => each.dueAt <= at).map((each) => each.method));
  const method = nextMethod(user, failing.method, tried.add(failing.method));
  if (method === null) return null;
  return {
    idempotencyKey: `${failing.key}_${method.id}`,
    user: failing.user,
    method: method.id,
    kind: method.kind,
    rule: failing.rule,
    dueAt: new Date(at).toISOString(),
  };
}

function attemptOf(state: PageState, call: DeliveryState | NoticeState, attempt: number) {
  const { key, user, method, kind, step } = call;
  return { page: state.id, incident: state.incident, idempotencyKey: key, user, method, kind, step, attempt };
}
