import { z } from 'zod';
import { ruleAggregate } from '../resources/rule.js';
import { alertSeverity, comparison } from '../resources/slo.js';
import { timestamp } from '../time.js';
import { absentSli } from './absent-sli.js';
import { unreadablePoints } from './views.js';

/**
 * `inactive`: it does not hold and never fired; `pending`: it holds, but not for long enough; `resolved`: it fired, and
 * does no longer.
 */
export const ruleState = z.enum(['inactive', 'pending', 'firing', 'resolved']);
export type RuleState = z.infer<typeof ruleState>;

/** What is known of a threshold rule. */
export const ruleStatus = z
  .object({
    rule: z.string(),
    service: z.string(),
    sli: z.string(),
    asOf: timestamp,
    state: ruleState,
    /** When it came into this state; null where that is not on record. */
    since: timestamp.nullable(),
    severity: alertSeverity,
    aggregate: ruleAggregate,
    window: z.string(),
    op: comparison,
    /** In `unit`, as are `threshold` and `clear`; null when nothing was measured in the window. */
    value: z.number().nullable(),
    threshold: z.number(),
    /** What the value has to pass to resolve. */
    clear: z.number(),
    unit: z.string(),
    for: z.string(),
    pendingSince: timestamp.nullable(),
    /** While pending: when it fires if it goes on. */
    firesAt: timestamp.nullable(),
    /** Absent data holds the state. */
    frozen: z.object({ since: timestamp, reason: z.string() }).nullable(),
    /** The SLI is absent; null when it is not. */
    absent: absentSli.nullable().optional(),
    /** Event time of the newest measurement. */
    watermark: timestamp.nullable(),
    /** Without a value: of the latest points of the SLI, those that the aggregate has no reading for. Absent for none. */
    unreadable: unreadablePoints.optional(),
    runbookUrl: z.string(),
    /** Progress of a back-fill from the journal, while it runs. */
    backfill: z.object({ done: z.int(), of: z.int() }).nullable(),
  })
  .meta({ id: 'RuleStatus' });
export type RuleStatus = z.infer<typeof ruleStatus>;
