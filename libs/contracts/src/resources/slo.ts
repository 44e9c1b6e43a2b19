import { z } from 'zod';
import { httpUrl, IMPLIED_DEFAULT, labels, resourceName, text } from '../names.js';
import { duration, timeZone } from '../time.js';
import { errorBudgetPolicy } from './error-budget-policy.js';
import { measurementUnit } from './measurement-unit.js';
import { severity } from './severity.js';

export const comparison = z.enum(['lte', 'lt', 'gte', 'gt']);
export type Comparison = z.infer<typeof comparison>;

/** Components of a composite at most. */
export const MOST_COMPONENTS = 25;

/** A part of a composite: an SLO, and how much its errors weigh. */
export const component = z
  .strictObject({ slo: resourceName, weight: z.number().positive().max(1000).default(1) })
  .meta({ id: 'Component' });
export type Component = z.infer<typeof component>;

export const indicator = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('ratio') }),
    z.strictObject({
      kind: z.literal('threshold'),
      op: comparison,
      value: z.number(),
      unit: measurementUnit.optional(),
    }),
    z.strictObject({
      kind: z.literal('percentile'),
      p: z.number().gt(0).lt(1),
      op: comparison,
      value: z.number(),
      unit: measurementUnit.optional(),
    }),
    z.strictObject({
      kind: z.literal('mean'),
      op: comparison,
      value: z.number(),
      unit: measurementUnit.optional(),
    }),
    /** Other SLOs together: a journey, a platform. Its budgeting says what they come to. */
    z.strictObject({ kind: z.literal('composite'), of: z.array(component).min(2).max(MOST_COMPONENTS) }),
  ])
  .meta({ id: 'Indicator' });
export type Indicator = z.infer<typeof indicator>;

export const budgeting = z
  .discriminatedUnion('method', [
    z.strictObject({ method: z.literal('occurrences') }),
    z.strictObject({
      method: z.literal('timeslices'),
      slice: duration.default('1m'),
      sliceTarget: z.number().gt(0).lte(1).optional(),
    }),
    z.strictObject({ method: z.literal('ratio-timeslices'), slice: duration.default('1m') }),
  ])
  .meta({ id: 'Budgeting' });
export type Budgeting = z.infer<typeof budgeting>;

export const sloWindow = z
  .union(
    [
      z.strictObject({ rolling: duration }),
      z.strictObject({
        calendar: z.enum(['week', 'month', 'quarter', 'year']),
        timeZone: timeZone.default('UTC'),
      }),
    ],
    {
      error: ({ input }) =>
        input === undefined
          ? 'is required'
          : 'must be {"rolling": "30d"} or {"calendar": "month", "timeZone": "Europe/Berlin"}',
    },
  )
  .meta({ id: 'SloWindow' });
export type SloWindow = z.infer<typeof sloWindow>;

export const alertSeverity = z.enum(['page', 'ticket']);
export type AlertSeverity = z.infer<typeof alertSeverity>;

/** One multi-window condition: fires when the burn over both windows is above `burn` (strictly). */
export const alertWindow = z
  .strictObject({
    severity: alertSeverity,
    tier: z.string().regex(/^[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?$/, 'must be a lower-case word such as fast'),
    long: duration,
    short: duration,
    burn: z.number().positive(),
  })
  .meta({ id: 'AlertWindow' });
export type AlertWindow = z.infer<typeof alertWindow>;

export const alerting = z
  .strictObject({
    preset: z.enum(['google-sre', 'none']).default('google-sre'),
    /** Replaces the preset. */
    windows: z.array(alertWindow).min(1).max(16).optional(),
    /** Traffic floor: fewer events than this in the long window never fire. */
    minTotal: z.number().min(0).optional(),
    /** Failure floor: fewer bad events than this in the long window never fire. */
    minBad: z.number().min(0).optional(),
  })
  .meta({ id: 'Alerting' });
export type Alerting = z.infer<typeof alerting>;

/** Groups that an SLO may have of its own at most; memory and storage are bounded by it. */
export const MOST_GROUPS = 500;
/** The group of all values beyond the cap together. A point that is labelled so belongs to it, too. */
export const OTHER_GROUP = '__other__';

/** A longer value of a label is no group of its own: it is counted with the values beyond the cap. Characters. */
export const LONGEST_GROUP = 256;

/** Names a group: a value of the label that an SLO is grouped by. */
export const groupValue = text(LONGEST_GROUP);

/** Parts an SLO by the values of a label: each value has a budget, burn rates and alerts of its own beside the whole. */
export const groupBy = z
  .strictObject({
    label: text(128),
    /** Values that are groups of their own; all others are counted together in one. */
    cap: z.int().min(1).max(MOST_GROUPS, `must be at most ${MOST_GROUPS}`).default(50),
    /** What alerts fire: those of the SLO over everything, those of its groups, or both. */
    alerts: z.enum(['overall', 'groups', 'both']).default('both'),
  })
  .meta({ id: 'GroupBy' });
export type GroupBy = z.infer<typeof groupBy>;

/** A part of an SLO: the points whose label has this value. */
export const sloGroup = z.object({ label: z.string(), value: z.string() }).meta({ id: 'SloGroup' });
export type SloGroup = z.infer<typeof sloGroup>;

/** Says that no SLI was named; nothing that was parsed has it. */
const NO_SLI = '';

/** A service level objective. `objective` is a ratio strictly between 0 and 1. */
export const sloDefinition = z
  .strictObject({
    name: resourceName,
    service: resourceName,
    /** A composite has none of its own: its name stands in for it, and may be left out. */
    sli: resourceName.default(NO_SLI).meta({ [IMPLIED_DEFAULT]: true }),
    description: text(1050, 0).default(''),
    owner: text(200).optional(),
    objective: z
      .number()
      .gt(0, 'must be above 0')
      .lt(1, 'must be below 1: an objective of 1 leaves no budget'),
    indicator,
    budgeting,
    window: sloWindow,
    groupBy: groupBy.optional(),
    alerting: alerting.default({ preset: 'google-sre' }),
    missingData: z.enum(['freeze', 'good', 'bad']).default('freeze'),
    /** What severity of incident an alert of each severity declares; null declares none. */
    declare: z
      .strictObject({ page: severity.nullable().default('sev2'), ticket: severity.nullable().default(null) })
      .default({ page: 'sev2', ticket: null }),
    /** What is done when little of the budget is left; without it, what the service's says. */
    errorBudgetPolicy: errorBudgetPolicy.optional(),
    escalationPolicy: resourceName.optional(),
    runbookUrl: httpUrl.optional(),
    labels: labels.default({}),
  })
  .superRefine(({ name, indicator: { kind }, sli }, context) => {
    const issue = (message: string) => context.addIssue({ code: 'custom', path: ['sli'], message });
    if (kind !== 'composite') {
      if (sli === NO_SLI) issue('is required');
    } else if (sli !== NO_SLI && sli !== name) {
      issue('a composite has none of its own: leave it out');
    }
  })
  .overwrite((slo) => (slo.sli === NO_SLI ? { ...slo, sli: slo.name } : slo))
  .meta({ id: 'SloDefinition' });
export type SloDefinition = z.infer<typeof sloDefinition>;
