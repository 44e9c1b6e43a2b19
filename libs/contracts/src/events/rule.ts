import { z } from 'zod';
import { labels, resourceName } from '../names.js';
import { rule } from '../resources/rule.js';
import { severity } from '../resources/severity.js';
import { alertSeverity } from '../resources/slo.js';
import { timestamp } from '../time.js';
import { alertEvidence } from './slo.js';

export const ruleDefined = rule;
export const ruleRetired = z.object({ rule: resourceName, service: resourceName });

/** Of a threshold rule: what was measured, and what it was compared with. */
export const ruleMeasured = z
  .object({
    sli: z.string(),
    aggregate: z.string(),
    window: z.string(),
    op: z.string(),
    /** In `unit`; null when there was nothing to measure. */
    value: z.number().nullable(),
    threshold: z.number(),
    /** What it has to pass to resolve. */
    clear: z.number(),
    unit: z.string(),
    for: z.string(),
  })
  .meta({ id: 'RuleMeasured' });
export type RuleMeasured = z.infer<typeof ruleMeasured>;

/** The measurement that tipped it, and the span that its window covered. */
export const ruleEvidence = alertEvidence.pick({
  journal: true,
  position: true,
  eventId: true,
  lastPosition: true,
  from: true,
  to: true,
});

/** A threshold rule, an absent SLI, or an external alert. */
export const ruleAlertFired = z.object({
  rule: z.string(),
  kind: z.enum(['threshold', 'absent', 'external']),
  service: resourceName,
  severity: alertSeverity,
  summary: z.string(),
  runbookUrl: z.string().optional(),
  labels: labels.default({}),
  declare: severity.nullable().default(null),
  escalationPolicy: z.string().optional(),
  /** Since when it holds: of a threshold rule, when it began to be pending. */
  startedAt: timestamp,
  eventTime: timestamp,
  /** Number of this rule's firing, from 1: a resolve carries the number of its firing. */
  n: z.int().positive(),
  measured: ruleMeasured.optional(),
  evidence: ruleEvidence.nullable().optional(),
  /** Of an absent SLI: how often a measurement of it is expected. */
  cadence: z.string().optional(),
});
export const ruleAlertResolved = ruleAlertFired
  .pick({
    rule: true,
    kind: true,
    service: true,
    severity: true,
    eventTime: true,
    n: true,
    measured: true,
    evidence: true,
  })
  .extend({
    firedAt: timestamp.optional(),
    reason: z.enum(['recovered', 'retired', 'redefined']).optional(),
  });

export type RuleAlertFired = z.infer<typeof ruleAlertFired>;
export type RuleAlertResolved = z.infer<typeof ruleAlertResolved>;
export type RuleRetired = z.infer<typeof ruleRetired>;
