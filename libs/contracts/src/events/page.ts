import { z } from 'zod';
import { incidentId, pageId, resourceName } from '../names.js';
import { urgency } from '../resources/oncall.js';
import { severity } from '../resources/severity.js';
import { timestamp } from '../time.js';
import { nextAction } from '../views/views.js';

const of = <T extends z.ZodRawShape>(shape: T) => z.object({ page: pageId, incident: incidentId, ...shape });

/**
 * One thing to deliver: one per (page, step, cycle, user, rule), or per webhook target. `idempotencyKey` is derived
 * from these and stays the same over retries and restarts; it is the `webhook-id` of the call.
 */
export const intent = z
  .object({
    idempotencyKey: z.string(),
    user: resourceName.nullable(),
    method: z.string(),
    kind: z.enum(['webhook', 'console']),
    /** Address of a policy's own webhook target; a user's method is looked up when it is due. */
    address: z.string().optional(),
    /** Sealed. */
    secret: z.string().optional(),
    rule: z.int().nullable(),
    dueAt: timestamp,
  })
  .meta({ id: 'PageIntent' });
export type PageIntent = z.infer<typeof intent>;

/** Of a step that reached nobody: whom it stands for, none of whom can be reached. */
const unreachable = z.array(resourceName).optional();

/** A step of the policy runs: these are to be notified. The first one opens the page. */
export const pageRequested = of({
  title: z.string(),
  severity,
  service: resourceName.nullable(),
  /** What to do: of the alert that raised the severity, else of the first alert of the incident that has one. */
  runbookUrl: z.string().optional(),
  urgency,
  policy: resourceName.nullable(),
  step: z.int().min(1),
  cycle: z.int().min(1),
  reason: z.enum([
    'declared',
    'reopened',
    'timeout',
    'escalated',
    'reassigned',
    'reminder',
    'command-vacant',
    'severity-raised',
    'fires-again',
    'fallback',
  ]),
  /** Of a round-robin step: which turn it took, counted from 0 over all pages. */
  turn: z.int().min(0).optional(),
  users: z.array(resourceName),
  intents: z.array(intent),
  nextAction,
});
const attempt = {
  idempotencyKey: z.string(),
  user: resourceName.nullable(),
  method: z.string(),
  kind: z.enum(['webhook', 'console']),
  step: z.int(),
  attempt: z.int().min(1),
  /** The call says that the page ended (`page.resolved`); it belongs to no intent of the page. */
  notice: z.literal(true).optional(),
};
export const pageAttempted = of(attempt);
export const pageDelivered = of({ ...attempt, statusCode: z.int().nullable() });
export const pageFailed = of({
  ...attempt,
  error: z.string(),
  statusCode: z.int().nullable(),
  retryAt: timestamp.nullable(),
  /** The person's next method, used from now on because this one keeps failing. */
  failover: intent.optional(),
});
export const pageAcknowledged = of({
  by: z.string(),
  via: z.enum(['api', 'link', 'cli', 'console', 'integration']),
  at: timestamp,
  note: z.string().optional(),
  /** The reminder, when the policy has one. */
  nextAction: nextAction.optional(),
});
/** The page moves on to `step`: nobody answered `from`, or that reached nobody (`empty-step`), or somebody asked for it. */
export const pageEscalated = of({
  from: z.int(),
  step: z.int(),
  cycle: z.int(),
  reason: z.enum(['timeout', 'manual', 'empty-step', 'command-vacant']),
  by: z.string().nullable(),
  note: z.string().optional(),
  unreachable,
});
/** Acknowledged but not resolved in time: it is open again. */
export const pageReopened = of({ reason: z.enum(['ack-timeout']), nextAction });
export const pageReassigned = of({
  users: z.array(resourceName),
  by: z.string(),
  note: z.string().optional(),
});
/** The policy ran out. */
export const pageExhausted = of({
  cycles: z.int(),
  /** Whether anybody was called before; where not, nobody could be reached. */
  called: z.boolean().optional(),
  unreachable,
});
export const pageCancelled = of({ reason: z.enum(['resolved', 'merged']), cause: z.string() });

export type PageRequested = z.infer<typeof pageRequested>;
export type PageAttempted = z.infer<typeof pageAttempted>;
export type PageDelivered = z.infer<typeof pageDelivered>;
export type PageFailed = z.infer<typeof pageFailed>;
export type PageAcknowledged = z.infer<typeof pageAcknowledged>;
export type PageEscalated = z.infer<typeof pageEscalated>;
export type PageReopened = z.infer<typeof pageReopened>;
export type PageReassigned = z.infer<typeof pageReassigned>;
export type PageExhausted = z.infer<typeof pageExhausted>;
export type PageCancelled = z.infer<typeof pageCancelled>;
