import { timeZone } from '@bellwether/contracts';
import { z } from 'zod';

/**
 * What the reference validator of OpenSLO v1 (OpenSLO/go-sdk, `pkg/openslo/v1`) accepts, rule by rule. The
 * specification's own examples break some of them: whether that refuses a document is for the reader to say.
 */

const dnsLabel = z
  .string()
  .max(63, 'must be at most 63 characters')
  .regex(
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
    'must be a DNS label (RFC 1123): lower-case letters, digits and "-"',
  );
const description = z.string().max(1050, 'must be at most 1050 characters').optional();
const labelKey = z
  .string()
  .regex(/^[a-zA-Z0-9]([-._a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$/, 'must be a label key of OpenSLO');
const annotationKey = z
  .string()
  .regex(
    /^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?([.][a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*\/)?[a-zA-Z0-9]([-._a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$/,
    'must be an annotation key such as example.org/key',
  );
const metadata = z.strictObject({
  name: dnsLabel,
  displayName: z.string().max(63, 'must be at most 63 characters').optional(),
  labels: z.record(labelKey, z.union([z.string(), z.array(z.string())])).optional(),
  annotations: z.record(annotationKey, z.string()).optional(),
});
const shorthand = z
  .string()
  .regex(
    /^\d+[mhdwMQY]$/,
    'must be a number and one of m (minutes), h, d, w, M (months), Q, Y, such as 5m, 4w or 1M',
  );
const operator = z.enum(['lte', 'lt', 'gte', 'gt']);

const metricSpec = z.strictObject({
  metricSource: z.strictObject({
    metricSourceRef: dnsLabel.optional(),
    type: z.string().optional(),
    spec: z
      .record(z.string(), z.unknown())
      .refine((spec) => Object.keys(spec).length > 0, 'must not be empty'),
  }),
});

const ratioMetric = z
  .strictObject({
    counter: z.boolean().optional(),
    good: metricSpec.optional(),
    bad: metricSpec.optional(),
    total: metricSpec.optional(),
    rawType: z.enum(['success', 'failure']).optional(),
    raw: metricSpec.optional(),
  })
  .superRefine((metric, context) => {
    const refuse = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
    if ((metric.total === undefined) === (metric.raw === undefined))
      refuse([], 'must have either total, with good or bad, or raw');
    if (metric.raw !== undefined && (metric.good ?? metric.bad) !== undefined)
      refuse([], 'must have either raw, or good or bad');
    if (metric.total !== undefined && metric.good === undefined && metric.bad === undefined)
      refuse([], 'must have good or bad beside total');
    if (metric.raw !== undefined && metric.rawType === undefined)
      refuse(['rawType'], 'is required with raw: success or failure');
  });

const indicatorSpec = z
  .strictObject({ description, thresholdMetric: metricSpec.optional(), ratioMetric: ratioMetric.optional() })
  .refine(
    (spec) => (spec.thresholdMetric === undefined) !== (spec.ratioMetric === undefined),
    'must have either thresholdMetric or ratioMetric',
  );
const inlineIndicator = z.strictObject({ metadata, spec: indicatorSpec });

const conditionSpec = z.strictObject({
  description,
  severity: z.string().min(1, 'is required'),
  condition: z.strictObject({
    kind: z.literal('burnrate'),
    op: operator,
    threshold: z.number(),
    lookbackWindow: shorthand,
    alertAfter: shorthand.optional(),
  }),
});
const targetSpec = z.strictObject({ description, target: z.string().min(1, 'is required') });

/** Either a reference by `key`, or an object of `kind` in its place. */
const refOrInline = <S extends z.ZodType>(key: string, kind: string, spec: S) =>
  z.union([z.strictObject({ [key]: dnsLabel }), z.strictObject({ kind: z.literal(kind), metadata, spec })]);

const policySpec = z.strictObject({
  description,
  alertWhenNoData: z.boolean().optional(),
  alertWhenBreaching: z.boolean().optional(),
  alertWhenResolved: z.boolean().optional(),
  conditions: z
    .array(refOrInline('conditionRef', 'AlertCondition', conditionSpec))
    .length(1, 'must be exactly one'),
  notificationTargets: z
    .array(refOrInline('targetRef', 'AlertNotificationTarget', targetSpec))
    .min(1, 'must be at least one'),
});

const timeWindow = z
  .strictObject({
    duration: shorthand,
    isRolling: z.boolean().default(false),
    calendar: z
      .strictObject({
        startTime: z.string().refine(isDateTime, 'must be a date and time such as "2022-01-01 00:00:00"'),
        timeZone,
      })
      .optional(),
  })
  .superRefine((window, context) => {
    if (window.isRolling === (window.calendar === undefined)) return;
    context.addIssue({
      code: 'custom',
      path: [],
      message: window.isRolling
        ? 'must not have a calendar when isRolling is true'
        : 'must have a calendar when isRolling is false',
    });
  });

const objective = z
  .strictObject({
    displayName: z.string().optional(),
    op: operator.optional(),
    value: z.number().optional(),
    target: z.number().gte(0, 'must be at least 0').lt(1, 'must be below 1').optional(),
    targetPercent: z.number().gte(0, 'must be at least 0').lt(100, 'must be below 100').optional(),
    timeSliceTarget: z.number().gt(0, 'must be above 0').lte(1, 'must be at most 1').optional(),
    timeSliceWindow: shorthand.optional(),
    indicator: inlineIndicator.optional(),
    indicatorRef: dnsLabel.optional(),
    compositeWeight: z.number().gt(0, 'must be above 0').optional(),
  })
  .refine(
    (one) => (one.target === undefined) !== (one.targetPercent === undefined),
    'must have either target or targetPercent',
  );

const sloSpec = z
  .strictObject({
    description,
    service: z.string().min(1, 'is required'),
    indicator: inlineIndicator.optional(),
    indicatorRef: dnsLabel.optional(),
    budgetingMethod: z.enum(['Occurrences', 'Timeslices', 'RatioTimeslices']),
    timeWindow: z.array(timeWindow).length(1, 'must be exactly one'),
    objectives: z.array(objective),
    alertPolicies: z.array(refOrInline('alertPolicyRef', 'AlertPolicy', policySpec)).optional(),
  })
  .superRefine((spec, context) => {
    const refuse = (path: (string | number)[], message: string) =>
      context.addIssue({ code: 'custom', path, message });
    const count = (at: { indicator?: unknown; indicatorRef?: unknown }) =>
      Number(at.indicator !== undefined) + Number(at.indicatorRef !== undefined);
    const composite = spec.objectives.some((one) => count(one) > 0);
    if (composite && count(spec) > 0)
      refuse([], 'must have its indicator either in spec or in each objective (a composite)');
    else if (!composite && count(spec) !== 1) refuse([], 'must have either indicator or indicatorRef');
    for (const [i, one] of spec.objectives.entries()) {
      const at = (field: string) => ['objectives', i, field];
      if (composite && count(one) !== 1)
        refuse(['objectives', i], 'must have either indicator or indicatorRef');
      if (spec.indicator?.spec.ratioMetric !== undefined) {
        for (const field of ['op', 'value'] as const)
          if (one[field] !== undefined)
            refuse(at(field), 'is forbidden with ratioMetric, which compares nothing: take it out');
      }
      if (spec.indicator?.spec.thresholdMetric !== undefined) {
        for (const field of ['op', 'value'] as const)
          if (one[field] === undefined) refuse(at(field), 'is required with thresholdMetric');
      }
      if (spec.budgetingMethod === 'Timeslices' && one.timeSliceTarget === undefined)
        refuse(at('timeSliceTarget'), 'is required with Timeslices');
      if (spec.budgetingMethod !== 'Occurrences' && one.timeSliceWindow === undefined)
        refuse(at('timeSliceWindow'), `is required with ${spec.budgetingMethod}`);
    }
  });

const object = <S extends z.ZodType>(kind: string, spec: S) =>
  z.strictObject({ apiVersion: z.literal('openslo/v1'), kind: z.literal(kind), metadata, spec });

const KINDS = {
  SLO: object('SLO', sloSpec),
  SLI: object('SLI', indicatorSpec),
  Service: object('Service', z.strictObject({ description })),
  AlertPolicy: object('AlertPolicy', policySpec),
  AlertCondition: object('AlertCondition', conditionSpec),
  AlertNotificationTarget: object('AlertNotificationTarget', targetSpec),
  DataSource: object(
    'DataSource',
    z.strictObject({
      description,
      type: z.string().min(1, 'is required'),
      connectionDetails: z.unknown().refine((details) => details !== undefined, 'is required'),
    }),
  ),
} as const satisfies Record<string, z.ZodType>;

export type OpenSloKind = keyof typeof KINDS;

/** Whether OpenSLO v1 has this kind of object. */
export const isOpenSloKind = (kind: unknown): kind is OpenSloKind =>
  typeof kind === 'string' && Object.hasOwn(KINDS, kind);

/** Why the reference validator would refuse an object; empty when it would not. */
export function referenceFaults(kind: OpenSloKind, value: unknown): { path: string; message: string }[] {
  const parsed = KINDS[kind].safeParse(withoutNulls(value));
  return parsed.success ? [] : parsed.error.issues.flatMap((issue) => faultsOfIssue(issue, []));
}

/** Where a reference or an inline object may stand, the faults of the one that was meant are told, not "invalid input". */
function faultsOfIssue(issue: z.core.$ZodIssue, above: PropertyKey[]): { path: string; message: string }[] {
  const path = [...above, ...issue.path];
  if (issue.code === 'invalid_union') {
    const variants = issue.errors.filter((variant) => variant.length > 0);
    const closest = variants.sort((a, b) => mismatch(a) - mismatch(b))[0] ?? [];
    return closest.flatMap((inner) => faultsOfIssue(inner, path));
  }
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...path, key].map(String).join('.'),
      message: 'is not known to OpenSLO v1: take it out',
    }));
  }
  const missing = issue.code === 'invalid_type' && issue.message.endsWith('received undefined');
  return [{ path: path.map(String).join('.'), message: missing ? 'is required' : issue.message }];
}

/** How far a variant of a union is from what is given: an unknown key tells more than anything within. */
const mismatch = (issues: readonly z.core.$ZodIssue[]): number =>
  issues.reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' ? 100 * issue.keys.length : 1), 0);

/** The reference decodes a key without a value as an absent one. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== null)
      .map(([key, inner]) => [key, withoutNulls(inner)]),
  );
}

function isDateTime(text: string): boolean {
  const time = text.replace(' ', 'T');
  return (
    /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(text) &&
    !Number.isNaN(Date.parse(`${time}Z`)) &&
    new Date(`${time}Z`).toISOString().startsWith(time)
  );
}
