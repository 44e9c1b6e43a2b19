import { z } from 'zod';
import { budgetAction } from '../resources/error-budget-policy.js';
import { timestamp } from '../time.js';

/**
 * What a reason does to the answer: `refuse` refuses it, `override` lets it through all the same, `review` and `note`
 * are there to be read.
 */
export const gateEffect = z.enum(['refuse', 'override', 'review', 'note']);

/** Something that was taken into account, in words for a person and in fields for a program. */
export const gateReason = z
  .object({
    kind: z.enum([
      'budget',
      'incident',
      'change-freeze',
      'no-data',
      'frozen-data',
      'backfill',
      'young-window',
      'no-slo',
      'override',
    ]),
    effect: gateEffect,
    resource: z.object({
      kind: z.enum(['slo', 'incident', 'freeze', 'service', 'override']),
      name: z.string(),
    }),
    text: z.string(),
    /** Since when it holds; null where that is not on record. */
    since: timestamp.nullable(),
    /** When it ends by itself; null where that is not known. */
    until: timestamp.nullable(),
  })
  .meta({ id: 'GateReason' });
export type GateReason = z.infer<typeof gateReason>;

/** A budget as the gate sees it. */
export const gateBudget = z
  .object({
    slo: z.string(),
    state: z.enum(['ok', 'at-risk', 'breached', 'no-data']),
    objective: z.number(),
    remaining: z.number().nullable(),
    exhaustsAt: timestamp.nullable(),
    /** Whether there is history enough to judge by it: 24 h, or the window where that is shorter. */
    settled: z.boolean(),
    /** Whose policy it is: the SLO's, its service's, or, without either, to freeze an overspent budget. */
    policy: z.enum(['slo', 'service', 'default']),
    /** The strictest step in effect. */
    step: z.object({ action: budgetAction, remainingBelow: z.number() }).nullable(),
  })
  .meta({ id: 'GateBudget' });
export type GateBudget = z.infer<typeof gateBudget>;

/** May the service be changed now? */
export const gate = z
  .object({
    service: z.string(),
    asOf: timestamp,
    allow: z.boolean(),
    /** Allowed by an override alone. */
    overridden: z.boolean(),
    reasons: z.array(gateReason),
    budgets: z.array(gateBudget),
  })
  .meta({ id: 'Gate' });
export type Gate = z.infer<typeof gate>;

/** An override of the gate that is in the log. */
export const gateOverride = z
  .object({
    id: z.string(),
    service: z.string(),
    reason: z.string(),
    from: timestamp,
    until: timestamp,
    by: z.string(),
    withdrawnAt: timestamp.nullable(),
    withdrawnBy: z.string().nullable(),
  })
  .meta({ id: 'GateOverride' });
export type GateOverride = z.infer<typeof gateOverride>;
