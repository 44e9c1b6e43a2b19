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
    remainingBelow: z
      .number()
      .min(-100)
      .max(1)
      .describe(
        'The step is in effect while less than this share of the budget remains, strictly: 1 is all of it, 0 none, below 0 is overspent',
      ),
    action: budgetAction.describe(
      '`notify` tells the team, `review` makes the gate ask for a second look, `freeze` makes it refuse changes',
    ),
    declare: severity
      .nullable()
      .default('sev4')
      .describe(
        'Severity of the incident that entering the step declares; sev3 and sev4 page with low urgency. null: the event alone',
      ),
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
      )
      .describe('Steps; `[]` never refuses a change for the budget'),
    withoutData: z
      .enum(['allow', 'refuse'])
      .default('allow')
      .describe('What the gate makes of a budget without fresh data: `allow` notes it, `refuse` refuses'),
  })
  .meta({ id: 'ErrorBudgetPolicy' });
export type ErrorBudgetPolicy = z.infer<typeof errorBudgetPolicy>;
