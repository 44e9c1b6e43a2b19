import type { Page } from '@bellwether/contracts';
import type { PageState } from './page-state.js';

/** A page as the contract shows it. @param version of its stream */
export function pageView(state: PageState, version: number): Page {
  return {
    id: state.id,
    incident: state.incident,
    title: state.title,
    severity: state.severity,
    service: state.service,
    status: state.status,
    urgency: state.urgency,
    policy: state.policy,
    step: state.step,
    cycle: state.cycle,
    requestedAt: new Date(state.requestedAt).toISOString(),
    acknowledgedAt: state.acknowledgedAt === null ? null : new Date(state.acknowledgedAt).toISOString(),
    acknowledgedBy: state.acknowledgedBy,
    nextAction: state.nextAction,
    deliveries: state.deliveries.map((delivery) => ({
      user: delivery.user,
      method: delivery.method,
      kind: delivery.kind,
      idempotencyKey: delivery.key,
      step: delivery.step,
      cycle: delivery.cycle,
      dueAt: new Date(delivery.dueAt).toISOString(),
      attempts: delivery.attempts,
      state: delivery.state,
      lastError: delivery.lastError,
    })),
    version,
  };
}
