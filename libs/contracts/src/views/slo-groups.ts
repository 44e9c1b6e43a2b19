import { z } from 'zod';
import { alertSeverity } from '../resources/slo.js';
import { timestamp } from '../time.js';

export const alertState = z.object({
  severity: alertSeverity,
  tier: z.string(),
  state: z.enum(['firing', 'ok']),
  since: timestamp.nullable(),
});

export const sloBudget = z.object({
  total: z.number(),
  consumed: z.number().nullable(),
  remaining: z.number().nullable(),
  exhausted: z.boolean(),
  exhaustsAt: timestamp.nullable(),
});

export const burnRates = z.array(z.object({ window: z.string(), rate: z.number().nullable() }));

/** One group of an SLO with `groupBy`: fields as in the status of the whole. */
export const sloGroupStatus = z
  .object({
    /** Value of the label; `__other__` for all values beyond the cap. */
    value: z.string(),
    state: z.enum(['ok', 'at-risk', 'breached', 'no-data']),
    frozen: z.object({ since: timestamp, reason: z.string() }).nullable(),
    sli: z.number().nullable(),
    good: z.number(),
    total: z.number(),
    compliant: z.boolean().nullable(),
    budget: sloBudget,
    burn: burnRates,
    alerts: z.array(alertState),
    watermark: timestamp.nullable(),
    history: z.number(),
    settled: z.boolean(),
    coverage: z.number().nullable(),
  })
  .meta({ id: 'SloGroupStatus' });
export type SloGroupStatus = z.infer<typeof sloGroupStatus>;

/** How an SLO with `groupBy` is parted. */
export const sloGrouping = z
  .object({
    label: z.string(),
    cap: z.int(),
    /** Values that are groups of their own. */
    values: z.int(),
    /** Whether more values came than the cap allows: they are counted together as `__other__`. */
    overflowing: z.boolean(),
    /** Of the whole, what carries no such label and so is in no group; null where slices of time are counted. */
    unlabelled: z.object({ good: z.number(), total: z.number() }).nullable(),
    /** Progress of a back-fill of the groups from the journal, while it runs. */
    backfill: z.object({ done: z.int(), of: z.int() }).nullable(),
  })
  .meta({ id: 'SloGrouping' });
export type SloGrouping = z.infer<typeof sloGrouping>;

/** A part of a composite. */
export const sloComponent = z
  .object({
    slo: z.string(),
    weight: z.number(),
    /** Whether it is counted: false while there is no such SLO. */
    known: z.boolean(),
  })
  .meta({ id: 'SloComponent' });
export type SloComponent = z.infer<typeof sloComponent>;
