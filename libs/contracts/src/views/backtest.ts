import { z } from 'zod';
import { resourceName, text } from '../names.js';
import { correctionBody } from '../resources/correction.js';
import { alertSeverity, sloDefinition, sloGroup } from '../resources/slo.js';
import { duration, timestamp } from '../time.js';
import { HISTORY_POINTS, sloHistory, sloStatus } from './views.js';

/** Bounds of one backtest. */
export const BacktestLimits = {
  points: HISTORY_POINTS,
  incidents: 10_000,
  corrections: 200,
  /** Alerts, and crossings, that are listed. */
  alerts: 10_000,
  defaultPoints: 300,
  defaultGrace: '5m',
} as const;

/** Something that went wrong, as people know it: what alerts are held against. */
export const labelledIncident = z
  .strictObject({ from: timestamp, to: timestamp, name: text(200).optional() })
  .refine(({ from, to }) => from <= to, { path: ['to'], message: 'must not be before from' })
  .meta({ id: 'LabelledIncident' });
export type LabelledIncident = z.infer<typeof labelledIncident>;

/** What would have fired between two times, had this definition been in force; with `incidents`, how well. */
export const backtestRequest = z
  .strictObject({
    /** A definition, or the name of one that is defined. */
    slo: z.union([resourceName, sloDefinition], 'must be a definition, or the name of an SLO'),
    from: timestamp.describe(
      'When it begins; taken as the earliest time at which anything can have been measured where it is before that, with a warning',
    ),
    to: timestamp.describe('When it ends; now where it is in the future'),
    /** Points of the budget at most. */
    points: z.int().min(1).max(BacktestLimits.points).default(BacktestLimits.defaultPoints),
    /** Corrections to try, beside those that are in effect for the SLO of that name. */
    corrections: z.array(correctionBody).max(BacktestLimits.corrections).default([]),
    incidents: z.array(labelledIncident).max(BacktestLimits.incidents).optional(),
    /** How long after its end an incident is still found by an alert. */
    grace: duration.default(BacktestLimits.defaultGrace),
  })
  .refine(({ from, to }) => from < to, { path: ['to'], message: 'must be after from' })
  .meta({ id: 'BacktestRequest' });
export type BacktestRequest = z.output<typeof backtestRequest>;

/** One firing of an alert. Shares are of the whole budget, as `consumed` of the status is. */
export const backtestAlert = z
  .object({
    severity: alertSeverity,
    tier: z.string(),
    /** The part of an SLO with `groupBy` that it is about; absent for the whole. */
    group: sloGroup.optional(),
    firedAt: timestamp,
    /** Null while it fires at the end. */
    resolvedAt: timestamp.nullable(),
    /** What was spent from `startedAt` until it resolved, or until the end. */
    budgetSpent: z.number(),
    /** What of it was spent when it fired: the price of detection. */
    budgetSpentBefore: z.number(),
    /** What was left when it fired. */
    budgetRemaining: z.number().nullable(),
    /** The first minute of the run of bad events that led to it. */
    startedAt: timestamp,
    longWindow: duration,
    shortWindow: duration,
    longBurn: z.number().nullable(),
    shortBurn: z.number().nullable(),
    threshold: z.number(),
    /** Which of the labelled incidents it found, by place in the request; absent where none were given. */
    incidents: z.array(z.int()).optional(),
    /** Which incidents it belongs to without having found them: it fired while an alert that found them was firing. */
    joins: z.array(z.int()).optional(),
  })
  .meta({ id: 'BacktestAlert' });
export type BacktestAlert = z.infer<typeof backtestAlert>;

/** Seconds from the start of an incident to the first alert that found it. */
export const detectionDelay = z
  .object({ mean: z.number(), p50: z.number(), p90: z.number(), max: z.number() })
  .meta({ id: 'DetectionDelay' });
export type DetectionDelay = z.infer<typeof detectionDelay>;

const counts = {
  /** Incidents that an alert found; however many did, it is one. */
  truePositives: z.int(),
  /** Alarms: all alerts behind one incident are one, and so are those behind none that overlap in time. */
  alarms: z.int(),
  /** Alarms without an incident. */
  falsePositives: z.int(),
  /** Incidents that no alert found. */
  falseNegatives: z.int(),
  /** The share of alarms with an incident behind them: 1 − falsePositives ÷ alarms; null where nothing fired. */
  precision: z.number().nullable(),
  /** truePositives ÷ (truePositives + falseNegatives); null without an incident. */
  recall: z.number().nullable(),
  detectionDelay: detectionDelay.nullable(),
};

/** How well alerts found incidents: those that fired from `from` to `to`, and those that began then. */
export const backtestScore = z
  .object({
    grace: duration,
    ...counts,
    /** The same for the alerts of one severity (`tier` is null), and for each alert by itself. */
    parts: z.array(z.object({ severity: alertSeverity, tier: z.string().nullable(), ...counts })),
    /** Every incident that was given, in their order. */
    incidents: z.array(
      z.object({
        from: timestamp,
        to: timestamp,
        name: z.string().nullable(),
        /** Whether it is counted: it began between `from` and `to`. */
        counted: z.boolean(),
        detectedAt: timestamp.nullable(),
        /** Seconds. */
        detectionDelay: z.number().nullable(),
        /** Whether an alert that had fired before was firing when it began. */
        firingBefore: z.boolean(),
      }),
    ),
  })
  .meta({ id: 'BacktestScore' });
export type BacktestScore = z.infer<typeof backtestScore>;

/** A level of remaining budget that was passed. */
export const backtestCrossing = z.object({
  at: timestamp,
  threshold: z.number(),
  direction: z.enum(['down', 'up']),
  remaining: z.number(),
  group: sloGroup.optional(),
});
export type BacktestCrossing = z.infer<typeof backtestCrossing>;

/** What would have fired. */
export const backtest = z
  .object({
    slo: z.string(),
    /** The span as it was taken: a `to` in the future is now, and nothing is before the first that can have been measured. */
    from: timestamp,
    to: timestamp,
    /** In the order of their firing; one that fired before `from` is there when it was firing then. */
    alerts: z.array(backtestAlert),
    crossings: z.array(backtestCrossing),
    /** As it would have been at `to`. */
    status: sloStatus,
    /** The budget over time, as the history of an SLO has it, in equal steps with the extremes within each. */
    points: sloHistory.shape.points,
    score: backtestScore.optional(),
    /** What it was worked out from: points and minutes that were measured, and points that the indicator has no reading for. */
    recorded: z.object({
      points: z.int(),
      minutes: z.int(),
      unfit: z.int(),
      /** The first measurement, in the span or as far before it as windows look; null where there is none. */
      firstAt: timestamp.nullable(),
      /** Seconds of data in the SLO's window at `from`: less than the window is a young one. */
      historyAtFrom: z.number(),
    }),
    warnings: z.array(z.string()),
  })
  .meta({ id: 'Backtest' });
export type Backtest = z.infer<typeof backtest>;

/** How far a backtest is, for those who wait: what of `of` is done in this part of the work. */
export const backtestProgress = z
  .object({ phase: z.enum(['reading', 'evaluating']), done: z.int(), of: z.int() })
  .meta({ id: 'BacktestProgress' });
export type BacktestProgress = z.infer<typeof backtestProgress>;
