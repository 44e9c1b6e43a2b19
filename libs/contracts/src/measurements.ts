import { z } from 'zod';
import { labels, MOST_LABELS } from './names.js';
import { timestamp } from './time.js';

/** Limits of one inbound measurement message. */
export const MeasurementLimits = {
  /** Points a message. */
  points: 10_000,
  /** Bytes of a body. */
  bytes: 1_048_576,
  /** Largest absolute number. */
  magnitude: 1e12,
  /** How far ahead of the clock a point may be, in milliseconds. */
  aheadMillis: 5 * 60_000,
  /** How old a point may be, in milliseconds (400 days). */
  ageMillis: 400 * 86_400_000,
  /** Histogram buckets a point. */
  buckets: 256,
} as const;

const MAGNITUDE = MeasurementLimits.magnitude;
const finite = z.number().min(-MAGNITUDE, 'must not be below -1e12').max(MAGNITUDE, 'must not be above 1e12');
const nonNegative = z.number().min(0, 'must not be negative').max(MAGNITUDE, 'must not be above 1e12');
const at = { at: timestamp.optional(), labels: labels.optional() };

/** Deltas: how many of `total` were good, since the last report. */
export const goodPoint = z
  .strictObject({ ...at, good: nonNegative, total: nonNegative })
  .refine((p) => p.good <= p.total, { path: ['good'], message: 'must not be above total' });
/** Deltas: how many of `total` were bad. */
export const badPoint = z
  .strictObject({ ...at, bad: nonNegative, total: nonNegative })
  .refine((p) => p.bad <= p.total, { path: ['bad'], message: 'must not be above total' });
/** One observation, or `count` observations of the same value. */
export const valuePoint = z.strictObject({ ...at, value: finite, count: nonNegative.optional() });
/** A histogram of observations since the last report: `[upperBound, count]`, bounds ascending, the last one "+Inf". */
export const histogramPoint = z
  .strictObject({
    ...at,
    buckets: z
      .array(z.tuple([z.union([finite, z.literal('+Inf')]), nonNegative]))
      .min(1, 'must have at least the "+Inf" bucket')
      .max(MeasurementLimits.buckets),
    sum: finite.optional(),
  })
  .superRefine((p, context) => {
    const last = p.buckets.length - 1;
    for (const [i, [bound]] of p.buckets.entries()) {
      const isLast = i === last;
      if (isLast !== (bound === '+Inf')) {
        context.addIssue({
          code: 'custom',
          path: ['buckets', i, 0],
          message: isLast ? 'the last bound must be "+Inf"' : 'only the last bound may be "+Inf"',
        });
      } else if (i > 0 && bound !== '+Inf' && (bound as number) <= (p.buckets[i - 1]?.[0] as number)) {
        context.addIssue({ code: 'custom', path: ['buckets', i, 0], message: 'bounds must ascend' });
      }
    }
  });

/** Of a point, when its own labels are few enough. */
export const TOO_MANY_LABELS = `must have at most ${MOST_LABELS} labels, those of the message included`;

const KINDS = 'must have good and total, bad and total, value, or buckets, and nothing of another kind';

export const measurementPoint = z
  .union([goodPoint, badPoint, valuePoint, histogramPoint], KINDS)
  .meta({ id: 'MeasurementPoint' });
export type MeasurementPoint = z.infer<typeof measurementPoint>;

/**
 * Body of a measurement message: `{points: [...]}` or a single point in its place. Labels beside `points` are those of
 * each point that does not have them itself.
 */
export const measurementBody = z
  .union(
    [
      z
        .strictObject({
          points: z
            .array(measurementPoint)
            .min(1, 'must not be empty')
            .max(MeasurementLimits.points, 'must have at most 10000 points'),
          labels: labels.optional(),
        })
        .superRefine(({ points, labels: common }, context) => {
          if (common === undefined) return;
          for (const [i, { labels: own }] of points.entries()) {
            if (own === undefined || Object.keys({ ...common, ...own }).length <= MOST_LABELS) continue;
            context.addIssue({ code: 'custom', path: ['points', i, 'labels'], message: TOO_MANY_LABELS });
          }
        }),
      measurementPoint,
    ],
    KINDS,
  )
  .meta({ id: 'MeasurementBody' });
export type MeasurementBody = z.infer<typeof measurementBody>;

/** CloudEvents type of a measurement that carries its own envelope. */
export const MEASUREMENT_CE_TYPE = 'bellwether.sli.measurement.v1';

/** Answer to a measurement over HTTP, after the commit: numbers of points. */
export const measurementReceipt = z
  .object({ accepted: z.int(), duplicates: z.int() })
  .meta({ id: 'MeasurementReceipt' });
export type MeasurementReceipt = z.infer<typeof measurementReceipt>;

/** Receipt of a `log`-level publisher, sent to its inbox: what became of the message of that identity. */
export const publishReceipt = z
  .object({
    identity: z.string(),
    status: z.enum(['accepted', 'duplicate', 'refused']),
    points: z.int(),
    position: z.int().optional(),
    error: z.string().optional(),
    path: z.string().optional(),
  })
  .meta({ id: 'PublishReceipt' });
export type PublishReceipt = z.infer<typeof publishReceipt>;

const millis = z.array(z.int());
const numbers = z.array(z.number());
const columnLabels = { labels: labels.optional() };

/**
 * Points of one kind and one label set, as columns: entry i of each array belongs to point i. `at` is epoch
 * milliseconds. `bad` points are stored as good = total - bad. `count` is absent when every observation counts once.
 * A histogram's `bounds` leave out "+Inf": each row of `counts` has one entry more than `bounds`.
 */
export const pointColumns = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('counts'), ...columnLabels, at: millis, good: numbers, total: numbers }),
  z.object({
    kind: z.literal('values'),
    ...columnLabels,
    at: millis,
    value: numbers,
    count: numbers.optional(),
  }),
  z.object({
    kind: z.literal('histogram'),
    ...columnLabels,
    at: millis,
    bounds: numbers,
    counts: z.array(numbers),
    sum: z.array(z.number().nullable()).optional(),
  }),
]);
export type PointColumns = z.infer<typeof pointColumns>;

/** `measurement.recorded`: one accepted message of points, in a measurement journal. */
export const measurementRecorded = z
  .object({
    service: z.string(),
    sli: z.string(),
    identity: z.string(),
    points: z.int(),
    columns: z.array(pointColumns),
  })
  .meta({ id: 'MeasurementRecorded' });
export type MeasurementRecorded = z.infer<typeof measurementRecorded>;
