import { z } from 'zod';
import { severity } from './severity.js';

/**
 * What a team agreed to do when little of a budget is left: `notify` tells somebody, `review` lets changes through that
 * were looked at with more care than usual, `freeze` lets none through.
 */
export const budgetAction = z.enum(['notify', 'review', 'freeze']);
export type BudgetAction = z.infer<typeof budgetAction>;

/** One step of a policy: in effect while less than `remainingBelow` of the budget remains (strictly). */
export const budgetStep = z
  .strictObject({
    /** Share of the budget: 1 is all of it, 0 none, and below 0 it is overspent. */
    remainingBelow: z.number().min(-100).max(1),
    action: budgetAction,
    /** Severity of incident by which people learn of it, sev3 and sev4 paging with low urgency; null: only the event. */
    declare: severity.nullable().default('sev4'),
  })
  .meta({ id: 'BudgetStep' });
export type BudgetStep = z.infer<typeof budgetStep>;

/** An error-budget policy; without steps it never freezes. */
export const errorBudgetPolicy = z
  .strictObject({
    steps: z
      .array(budgetStep)
      .max(10)
      .refine(
        (steps) =>
          new Set(steps.map((step) => `${step.action} ${step.remainingBelow}`)).size === steps.length,
        'must not name the same step twice',
      ),
    /** What the gate makes of a budget that nothing fresh is known of. */
    withoutData: z.enum(['allow', 'refuse']).default('allow'),
  })
  .meta({ id: 'ErrorBudgetPolicy' });
export type ErrorBudgetPolicy = z.infer<typeof errorBudgetPolicy>;
