import { z } from 'zod';
import { resourceName, text } from '../names.js';
import { changeFreeze } from '../resources/change-freeze.js';
import { budgetAction } from '../resources/error-budget-policy.js';
import { severity } from '../resources/severity.js';
import { timestamp } from '../time.js';
import { gate } from '../views/gate.js';
import { measurementPlace } from './slo.js';

const policyStep = z.object({
  slo: resourceName,
  service: resourceName,
  action: budgetAction,
  remainingBelow: z.number(),
  /** Share of the budget that remains; null when nothing was measured. */
  remaining: z.number().nullable(),
  eventTime: timestamp,
  /** Number of this step's entry, from 1: a leaving carries the number of its entry. */
  n: z.int().positive(),
  /** What was counted last, where the step is entered with something bad in it; absent where nobody knows. */
  evidence: measurementPlace.optional(),
});

export const sloPolicyEntered = policyStep.extend({
  title: z.string(),
  declare: severity.nullable(),
  escalationPolicy: z.string().optional(),
  runbookUrl: z.string().optional(),
});
export const sloPolicyLeft = policyStep.extend({
  enteredAt: timestamp,
  reason: z.enum(['recovered', 'retired', 'redefined']),
});

export const freezeDefined = changeFreeze;
export const freezeRetired = z.object({ freeze: resourceName });

export const gateOverridden = z.object({
  id: z.string(),
  service: resourceName,
  reason: text(1000),
  from: timestamp,
  until: timestamp,
  by: z.string(),
});
export const gateOverrideWithdrawn = z.object({ id: z.string(), service: resourceName, by: z.string() });

/** A decision that somebody wanted on record. */
export const gateDecided = z.object({
  service: resourceName,
  change: text(256),
  by: z.string(),
  decision: gate,
});

export type SloPolicyEntered = z.infer<typeof sloPolicyEntered>;
export type SloPolicyLeft = z.infer<typeof sloPolicyLeft>;
export type GateOverridden = z.infer<typeof gateOverridden>;
export type GateOverrideWithdrawn = z.infer<typeof gateOverrideWithdrawn>;
export type GateDecided = z.infer<typeof gateDecided>;
