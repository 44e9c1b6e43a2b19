import type { EventData, NextAction, Page, PageIntent, Severity, Urgency } from '@bellwether/contracts';
import type { Instant } from './wall-clock.js';

/** The events of a page's stream. */
export type PageEventType =
  | 'page.requested'
  | 'page.attempted'
  | 'page.delivered'
  | 'page.failed'
  | 'page.acknowledged'
  | 'page.escalated'
  | 'page.reopened'
  | 'page.reassigned'
  | 'page.exhausted'
  | 'page.cancelled';

/** What a decision says happened. */
export type PageDecision = { [T in PageEventType]: { type: T; data: EventData<T> } }[PageEventType];

/** A decision with the time at which it was taken. */
export type PageEvent = PageDecision & { at: Instant };

/** One intent and what became of it. */
export interface DeliveryState {
  key: string;
  user: string | null;
  method: string;
  kind: PageIntent['kind'];
  /** Of a policy's own webhook target; a person's method is looked up when it is used. */
  address: string | null;
  /** Sealed. */
  secret: string | null;
  rule: number | null;
  step: number;
  cycle: number;
  /** Which of the page's requests it belongs to, from 1. */
  run: number;
  dueAt: Instant;
  attempts: number;
  failures: number;
  state: 'pending' | 'delivered' | 'failed';
  lastError: string | null;
  /** When it is to be tried (again); null when it is not. */
  nextAt: Instant | null;
}

/** Tells somebody who was notified that the page ended. */
export interface NoticeState {
  key: string;
  user: string | null;
  method: string;
  kind: PageIntent['kind'];
  address: string | null;
  secret: string | null;
  step: number;
  attempts: number;
  nextAt: Instant | null;
}

export interface PageState {
  id: string;
  incident: string;
  title: string;
  severity: Severity;
  service: string | null;
  runbookUrl: string | null;
  status: Page['status'];
  urgency: Urgency;
  policy: string | null;
  step: number;
  cycle: number;
  requestedAt: Instant;
  acknowledgedAt: Instant | null;
  acknowledgedBy: string | null;
  /** Null once the page has ended or is exhausted. */
  nextAction: NextAction | null;
  /** Step and cycle of each `page.requested`, in order, with the turn that it took of a round-robin step. */
  runs: readonly { step: number; cycle: number; turn?: number | undefined }[];
  deliveries: readonly DeliveryState[];
  notices: readonly NoticeState[];
}

/** Whether deliveries go on: nobody has answered, and the incident has not ended. */
export function isUnanswered(state: PageState): boolean {
  return state.status === 'open' || state.status === 'exhausted';
}

/** When something is to be done about a page, whatever it is. */
export interface PageDue {
  kind: 'next' | 'delivery' | 'notice';
  /** Of the delivery or notice; `next` for the next action. */
  key: string;
  at: Instant;
}

/** Everything that a page waits for. */
export function pageDue(state: PageState): PageDue[] {
  const due: PageDue[] = [];
  if (state.nextAction?.at) due.push({ kind: 'next', key: 'next', at: Date.parse(state.nextAction.at) });
  for (const { key, nextAt } of state.deliveries) {
    if (nextAt !== null) due.push({ kind: 'delivery', key, at: nextAt });
  }
  for (const { key, nextAt } of state.notices) {
    if (nextAt !== null) due.push({ kind: 'notice', key, at: nextAt });
  }
  return due;
}
