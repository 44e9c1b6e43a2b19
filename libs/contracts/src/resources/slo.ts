import { z } from 'zod';
import { httpUrl, IMPLIED_DEFAULT, labels, resourceName, text } from '../names.js';
import { duration, timeZone } from '../time.js';
import { errorBudgetPolicy } from './error-budget-policy.js';
import { measurementUnit } from './measurement-unit.js';
import { severity } from './severity.js';
import { asShare } from './share.js';

export const comparison = z.enum(['lte', 'lt', 'gte', 'gt']);
export type Comparison = z.infer<typeof comparison>;

/** Components of a composite at most. */
export const MOST_COMPONENTS = 25;

/** A part of a composite: an SLO, and how much its errors weigh. */
export const component = z
  .strictObject({
    slo: resourceName.describe('An SLO, of any service'),
    weight: z.number().positive().max(1000).default(1).describe('How much its errors weigh'),
  })
  .meta({ id: 'Component' });
export type Component = z.infer<typeof component>;

const indicatorKind =
  'What is good. `ratio`: good of total events. `threshold`: each value within a bound. `percentile` and `mean`: each slice whose percentile or mean is within a bound. `composite`: other SLOs';

/** What values, percentiles and means are compared with. */
const bound = {
  op: comparison.describe(
    'How a good value compares with `value`: `lte` at or below, `lt` below, `gte` at or above, `gt` above',
  ),
  value: z.number().describe('The bound'),
  unit: measurementUnit.optional().describe('Unit of the bound; without it, of the SLI'),
};

export const indicator = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('ratio').describe(indicatorKind) }),
    z.strictObject({ kind: z.literal('threshold').describe(indicatorKind), ...bound }),
    z.strictObject({
      kind: z.literal('percentile').describe(indicatorKind),
      p: z
        .number()
        .gt(0)
        .lt(1, { error: asShare('must be less than 1') })
        .describe('Which percentile: 0.95 is p95'),
      ...bound,
    }),
    z.strictObject({ kind: z.literal('mean').describe(indicatorKind), ...bound }),
    /** Other SLOs together: a journey, a platform. Its budgeting says what they come to. */
    z.strictObject({
      kind: z.literal('composite').describe(indicatorKind),
      of: z.array(component).min(2).max(MOST_COMPONENTS).describe('Components of a composite, 2 to 25'),
    }),
  ])
  .meta({ id: 'Indicator' });
export type Indicator = z.infer<typeof indicator>;

const budgetingMethod =
  'What spends the budget. `occurrences`: each bad event. `timeslices`: each bad slice of time. `ratio-timeslices`: each slice by its share of bad events';
const sliceLength = 'Length of a slice: whole minutes, at most a day, on a grid from the epoch';
const slice = duration.default('1m');

export const budgeting = z
  .discriminatedUnion('method', [
    z.strictObject({ method: z.literal('occurrences').describe(budgetingMethod) }),
    z.strictObject({
      method: z.literal('timeslices').describe(budgetingMethod),
      slice: slice.describe(sliceLength),
      sliceTarget: z
        .number()
        .gt(0)
        .lte(1, { error: asShare('must be at most 1') })
        .optional()
        .describe(
          'Of `timeslices`: the share of good events from which on a slice is good. Required with `ratio`, 1 with `threshold` unless given, without effect on `percentile` and `mean`',
        ),
    }),
    z.strictObject({
      method: z.literal('ratio-timeslices').describe(budgetingMethod),
      slice: slice.describe(sliceLength),
    }),
  ])
  .meta({ id: 'Budgeting' });
export type Budgeting = z.infer<typeof budgeting>;

export const sloWindow = z
  .union(
    [
      z.strictObject({
        rolling: duration.describe(
          'The budget is over the last so long, to the minute: at least 2m, at most 400d',
        ),
      }),
      z.strictObject({
        calendar: z
          .enum(['week', 'month', 'quarter', 'year'])
          .describe('The budget is over this period of the calendar, and starts whole with each'),
        timeZone: timeZone.default('UTC').describe('Zone in which the period begins'),
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
    severity: alertSeverity.describe('`page` or `ticket`'),
    tier: z
      .string()
      .regex(/^[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?$/, 'must be a lower-case word such as fast')
      .describe('Name of the alert beside its severity, such as `fast`; each pair of severity and tier once'),
    long: duration.describe('Long look-back window; at most the window of the SLO'),
    short: duration.describe(
      'Short look-back window, which ends the alert soon after the fault; at least two slices',
    ),
    burn: z
      .number()
      .positive()
      .describe(
        'Burn rate that both windows must exceed, strictly. 1 spends the budget exactly over the window; 1 / (1 − objective) or more can never be exceeded and is refused',
      ),
  })
  .meta({ id: 'AlertWindow' });
export type AlertWindow = z.infer<typeof alertWindow>;

export const alerting = z
  .strictObject({
    preset: z
      .enum(['google-sre', 'none'])
      .default('google-sre')
      .describe(
        '`google-sre`: the multi-window, multi-burn-rate alerts of the SRE workbook; `none`: no alerts',
      ),
    windows: z
      .array(alertWindow)
      .min(1)
      .max(16)
      .optional()
      .describe('Alerts of your own, in place of the preset'),
    minTotal: z
      .number()
      .min(0)
      .optional()
      .describe('Traffic floor: with fewer events than this in the long window no alert fires'),
    minBad: z
      .number()
      .min(0)
      .optional()
      .describe('Failure floor: with fewer bad events than this in the long window no alert fires'),
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
    label: text(128).describe('Label of points whose values are the groups'),
    cap: z
      .int()
      .min(1)
      .max(MOST_GROUPS, `must be at most ${MOST_GROUPS}`)
      .default(50)
      .describe('How many values are groups of their own; all others are counted together, as `__other__`'),
    alerts: z
      .enum(['overall', 'groups', 'both'])
      .default('both')
      .describe('Which alerts fire: those of the `overall` SLO, of its `groups`, or `both`'),
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
    name: resourceName.describe('Name of the SLO'),
    service: resourceName.describe('Service that it is promised for, and whose incident its alerts join'),
    // A composite has none of its own: its name stands in for it, and may be left out.
    sli: resourceName.default(NO_SLI).meta({
      [IMPLIED_DEFAULT]: true,
      description: 'SLI of that service; required, but of a composite left out',
    }),
    description: text(1050, 0).default('').describe('What is promised, for people'),
    owner: text(200).optional().describe('Who answers for it, for people'),
    objective: z
      .number()
      .gt(0, 'must be above 0')
      .lt(1, { error: asShare('must be below 1', 'an objective of 1 leaves no budget') })
      .describe('The promised share of good, between 0 and 1; 1 − objective is the error budget'),
    indicator: indicator.describe('Which events, values or slices are good'),
    budgeting: budgeting.describe('What spends the budget: events, or slices of time'),
    window: sloWindow.describe('What the budget is over: `rolling`, or `calendar` with `timeZone`'),
    groupBy: groupBy.optional().describe('A budget and alerts for each value of a label, too'),
    alerting: alerting.default({ preset: 'google-sre' }).describe('Burn-rate alerts'),
    missingData: z
      .enum(['freeze', 'good', 'bad'])
      .default('freeze')
      .describe(
        'What absent data is. `freeze`: alerts do not resolve and the budget does not recover. `good` and `bad`: slices without data count as such; `bad` needs slices',
      ),
    declare: z
      .strictObject({
        page: severity
          .nullable()
          .default('sev2')
          .describe('Severity of the incident that a page alert declares; null declares none'),
        ticket: severity
          .nullable()
          .default(null)
          .describe('Severity of the incident that a ticket alert declares; null: it only joins an open one'),
      })
      .default({ page: 'sev2', ticket: null })
      .describe('What incidents its alerts declare'),
    errorBudgetPolicy: errorBudgetPolicy
      .optional()
      .describe("What follows when little of the budget is left; without it, the service's policy"),
    escalationPolicy: resourceName
      .optional()
      .describe("Policy that pages for an incident it declares; without it, the service's"),
    runbookUrl: httpUrl.optional().describe('Where whoever is woken finds what to do; its alerts carry it'),
    labels: labels.default({}).describe('Labels of your own, at most 16'),
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
