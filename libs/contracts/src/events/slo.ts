import { z } from 'zod';
import { resourceName, text } from '../names.js';
import { correctionFields } from '../resources/correction.js';
import { service, sli } from '../resources/service.js';
import { severity } from '../resources/severity.js';
import { sourceState } from '../resources/sli-source.js';
import { alertSeverity, sloDefinition, sloGroup } from '../resources/slo.js';
import { timestamp } from '../time.js';

export const serviceDefined = service;
export const sliDefined = sli;
export const sloDefined = sloDefinition;
/** The whole resource as it was last, and its name as `slo`. What was recorded before it was so has the two names alone. */
export const sloRetired = z.union([
  z.object({ slo: resourceName, ...sloDefinition.shape }),
  z.object({ slo: resourceName, service: resourceName }),
]);

/** Where the measurement that tipped the alert stands, so that a page can be explained back to it. */
export const alertEvidence = z.object({
  journal: z.string(),
  position: z.int(),
  eventId: z.string(),
  /** Of the last measurement of the SLI that was counted: not before the tipping one. */
  lastPosition: z.int().optional(),
  /** Span of event time that the long window covered. */
  from: timestamp,
  to: timestamp,
  /** Sums over the long window. */
  good: z.number(),
  total: z.number(),
  /** Sums over the short window. */
  shortGood: z.number().optional(),
  shortTotal: z.number().optional(),
});

/** The source of an SLI answers otherwise than before. */
export const sliSourceChanged = z.object({
  service: resourceName,
  sli: resourceName,
  kind: z.literal('prometheus'),
  state: sourceState,
  /** What is wrong; null when nothing is. */
  error: z.string().nullable(),
  /** When it answered last; null when it never did. */
  lastSuccessAt: timestamp.nullable(),
  at: timestamp,
  /** Number of this change of the source, from 1. */
  n: z.int().positive(),
});

const alertTransition = z.object({
  slo: resourceName,
  service: resourceName,
  /** The part of an SLO with `groupBy` that it is about; absent for the whole. */
  group: sloGroup.optional(),
  severity: alertSeverity,
  tier: z.string(),
  longWindow: z.string(),
  shortWindow: z.string(),
  longBurn: z.number().nullable(),
  shortBurn: z.number().nullable(),
  threshold: z.number(),
  budgetRemaining: z.number().nullable(),
  runbookUrl: z.string().optional(),
  eventTime: timestamp,
  /**
   * Number of this (slo, severity, tier)'s firing, from 1: a resolve carries the number of its firing. All groups of an
   * SLO count together, apart from the whole.
   */
  n: z.int().positive(),
  evidence: alertEvidence.nullable(),
});

/** `startedAt`: the first bad minute of the run that led to the alert. `declare`: severity of incident it asks for, null for none. */
export const sloAlertFired = alertTransition.extend({
  startedAt: timestamp,
  declare: severity.nullable(),
  escalationPolicy: z.string().optional(),
  title: z.string(),
  /**
   * Of a composite: what each component had to do with the long window, the worst first. Events with their weight, or
   * slices: good ones and all.
   */
  components: z
    .array(z.object({ slo: resourceName, weight: z.number(), good: z.number(), total: z.number() }))
    .optional(),
});
export const sloAlertResolved = alertTransition.extend({
  firedAt: timestamp,
  reason: z.enum(['recovered', 'retired', 'redefined']),
});

/** Where the measurement stands that something came from, so that it can be explained back to it. */
export const measurementPlace = alertEvidence.pick({ journal: true, position: true, eventId: true });

export const sloBudgetCrossed = z.object({
  slo: resourceName,
  service: resourceName,
  group: sloGroup.optional(),
  /** What was counted last, where the budget fell with something bad in it; absent where nobody knows. */
  evidence: measurementPlace.optional(),
  /** Remaining share that was passed: 0.5, 0.25, 0.1 or 0. */
  threshold: z.number(),
  direction: z.enum(['down', 'up']),
  remaining: z.number(),
  eventTime: timestamp,
  n: z.int().positive(),
});

/**
 * A correction of what an SLO counts was added or withdrawn, by whom; the raw measurements stay as they are. Whichever it
 * is, the correction is there in whole, with the reason that it was made for.
 */
export const sloCorrected = z.object({
  slo: resourceName,
  service: resourceName,
  id: z.string(),
  change: z.enum(['added', 'withdrawn']),
  ...correctionFields,
  by: z.string(),
  /** Why it was withdrawn, where that was said. */
  withdrawnReason: text(1000).optional(),
});

export const changeRecorded = z.object({
  service: resourceName,
  kind: z.enum(['deploy', 'config', 'flag', 'migration']),
  version: z.string(),
  url: z.string().optional(),
  at: timestamp,
  actor: z.string().optional(),
});

export type SloAlertFired = z.infer<typeof sloAlertFired>;
export type SloAlertResolved = z.infer<typeof sloAlertResolved>;
export type SloBudgetCrossed = z.infer<typeof sloBudgetCrossed>;
export type SloCorrected = z.infer<typeof sloCorrected>;
export type ChangeRecorded = z.infer<typeof changeRecorded>;
export type SloRetired = z.infer<typeof sloRetired>;
export type SliSourceChanged = z.infer<typeof sliSourceChanged>;
