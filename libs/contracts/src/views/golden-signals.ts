import { z } from 'zod';
import { signalLevel } from '../resources/golden-signals.js';
import { ruleAggregate } from '../resources/rule.js';
import { comparison } from '../resources/slo.js';
import { timestamp } from '../time.js';

/** `unknown`: nothing fresh was measured; never taken for `ok`. */
export const signalStatus = z.enum(['ok', 'warning', 'critical', 'unknown']);
export type SignalStatus = z.infer<typeof signalStatus>;

export const goldenSignal = z
  .object({
    status: signalStatus,
    /** In `unit`, as is `threshold`; null when nothing was measured in the window. */
    value: z.number().nullable(),
    unit: z.string(),
    /** Null where there is none to compare with. */
    threshold: z.number().nullable(),
    /** The value is beyond the threshold when it is so to it. */
    op: comparison,
    /** What it is then. */
    level: signalLevel,
    /** Null when the service has no SLI for it. */
    sli: z.string().nullable(),
    aggregate: ruleAggregate,
    window: z.string(),
    /** Event time of the newest measurement. */
    watermark: timestamp.nullable(),
    /** Why it is unknown, and what to do about it; null where it is known. */
    detail: z.string().nullable(),
  })
  .meta({ id: 'GoldenSignal' });
export type GoldenSignal = z.infer<typeof goldenSignal>;

/** Latency, traffic, errors and saturation of a service. */
export const goldenSignals = z
  .object({
    service: z.string(),
    asOf: timestamp,
    /** The worst of those that are known; unknown when none is. */
    status: signalStatus,
    latency: goldenSignal,
    traffic: goldenSignal,
    errors: goldenSignal,
    saturation: goldenSignal,
  })
  .meta({ id: 'GoldenSignals' });
export type GoldenSignals = z.infer<typeof goldenSignals>;
