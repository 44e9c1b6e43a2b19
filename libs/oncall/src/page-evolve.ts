import type { EventData, PageIntent } from '@bellwether/contracts';
import type { DeliveryState, NoticeState, PageEvent, PageState } from './page-state.js';
import type { Instant } from './wall-clock.js';

/** Folds a page's stream; its first event is a `page.requested`. */
export function evolvePage(state: PageState | null, event: PageEvent): PageState {
  if (event.type === 'page.requested') return requested(state, event.data, event.at);
  if (state === null) throw new RangeError(`${event.type} before the page was requested`);
  switch (event.type) {
    case 'page.attempted':
      return withDelivery(state, event.data.idempotencyKey, { attempts: event.data.attempt });
    case 'page.delivered':
      if (event.data.notice) return withNotice(state, event.data, null);
      return withDelivery(state, event.data.idempotencyKey, {
        attempts: event.data.attempt,
        state: 'delivered',
        nextAt: null,
      });
    case 'page.failed':
      if (event.data.notice) return withNotice(state, event.data, event.data.retryAt);
      return failed(state, event.data);
    case 'page.acknowledged':
      return {
        ...settled(state, 'the page was acknowledged first'),
        status: 'acknowledged',
        acknowledgedAt: Date.parse(event.data.at),
        acknowledgedBy: event.data.by,
        nextAction: event.data.nextAction ?? { kind: 'none', at: null, step: null },
      };
    case 'page.escalated':
      return { ...reopened(state), step: event.data.step, cycle: event.data.cycle };
    case 'page.reopened':
      return { ...reopened(state), nextAction: event.data.nextAction };
    case 'page.reassigned':
      return reopened(settled(state, 'the page was given to others'));
    case 'page.exhausted':
      return { ...state, status: 'exhausted', nextAction: null };
    case 'page.cancelled':
      return {
        ...settled(state, 'the incident ended first'),
        status: 'cancelled',
        nextAction: null,
        notices: noticesOf(state, event.at),
      };
  }
}

function requested(state: PageState | null, data: EventData<'page.requested'>, at: Instant): PageState {
  const run = (state?.runs.length ?? 0) + 1;
  // What the fallback target is sent does not take back that the policy ran out.
  const fallback = data.reason === 'fallback' && state !== null;
  const earlier = state === null ? null : fallback ? state : reopened(state);
  return {
    id: data.page,
    incident: data.incident,
    title: data.title,
    severity: data.severity,
    service: data.service,
    runbookUrl: data.runbookUrl ?? state?.runbookUrl ?? null,
    status: earlier?.status ?? 'open',
    urgency: data.urgency,
    policy: data.policy,
    step: data.step,
    cycle: data.cycle,
    requestedAt: state?.requestedAt ?? at,
    acknowledgedAt: earlier?.acknowledgedAt ?? null,
    acknowledgedBy: earlier?.acknowledgedBy ?? null,
    nextAction: fallback ? null : data.nextAction,
    runs: [...(state?.runs ?? []), { step: data.step, cycle: data.cycle, turn: data.turn }],
    deliveries: [
      ...(state?.deliveries ?? []),
      ...data.intents.map((intent) => deliveryOf(intent, { step: data.step, cycle: data.cycle, run })),
    ],
    notices: state?.notices ?? [],
  };
}

function reopened(state: PageState): PageState {
  return { ...state, status: 'open', acknowledgedAt: null, acknowledgedBy: null };
}

function deliveryOf(intent: PageIntent, place: { step: number; cycle: number; run: number }): DeliveryState {
  const dueAt = Date.parse(intent.dueAt);
  return {
    key: intent.idempotencyKey,
    user: intent.user,
    method: intent.method,
    kind: intent.kind,
    address: intent.address ?? null,
    secret: intent.secret ?? null,
    rule: intent.rule,
    ...place,
    dueAt,
    attempts: 0,
    failures: 0,
    state: 'pending',
    lastError: null,
    nextAt: dueAt,
  };
}

function failed(state: PageState, data: EventData<'page.failed'>): PageState {
  const failing = state.deliveries.find((each) => each.key === data.idempotencyKey);
  const next = withDelivery(state, data.idempotencyKey, {
    attempts: data.attempt,
    failures: (failing?.failures ?? 0) + 1,
    lastError: data.error,
    // Nothing is tried again once somebody answered, whatever the call's outcome promised.
    ...(data.retryAt === null || failing?.nextAt === null
      ? { state: 'failed' as const, nextAt: null }
      : { nextAt: Date.parse(data.retryAt) }),
  });
  if (!data.failover || !failing) return next;
  const { step, cycle, run } = failing;
  return { ...next, deliveries: [...next.deliveries, deliveryOf(data.failover, { step, cycle, run })] };
}

function withDelivery(state: PageState, key: string, change: Partial<DeliveryState>): PageState {
  return {
    ...state,
    deliveries: state.deliveries.map((each) => (each.key === key ? { ...each, ...change } : each)),
  };
}

function withNotice(
  state: PageState,
  data: { idempotencyKey: string; attempt: number },
  retryAt: string | null,
): PageState {
  const nextAt = retryAt === null ? null : Date.parse(retryAt);
  return {
    ...state,
    notices: state.notices.map((each) =>
      each.key === data.idempotencyKey ? { ...each, attempts: data.attempt, nextAt } : each,
    ),
  };
}

/** Nothing that is still waiting is sent. */
function settled(state: PageState, why: string): PageState {
  return {
    ...state,
    deliveries: state.deliveries.map((each) =>
      each.state !== 'pending'
        ? each
        : { ...each, state: 'failed', nextAt: null, lastError: each.lastError ?? `not sent: ${why}` },
    ),
  };
}

/** One notice for each way in which somebody was, or may have been, notified. */
function noticesOf(state: PageState, at: Instant): NoticeState[] {
  const notices = new Map<string, NoticeState>();
  for (const { attempts, failures, user, method, kind, address, secret, step, key } of state.deliveries) {
    if (attempts <= failures) continue;
    const way = user === null ? `${address}` : `${user}/${method}`;
    if (notices.has(way)) continue;
    const facts = { user, method, kind, address, secret, step };
    notices.set(way, { key: `${key}_end`, ...facts, attempts: 0, nextAt: at });
  }
  return [...notices.values()];
}
