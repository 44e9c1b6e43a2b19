import { z } from 'zod';
import { resourceName } from '../names.js';
import { duration } from '../time.js';
import { measurementUnit } from './measurement-unit.js';
import { ruleAggregate } from './rule.js';
import { comparison } from './slo.js';

/** What is beyond the threshold of a signal. */
export const signalLevel = z.enum(['warning', 'critical']);
export type SignalLevel = z.infer<typeof signalLevel>;

/** One golden signal of a service, as far as it is not what it is by default. */
export const signalDefinition = z
  .strictObject({
    /** SLI of the service that it is measured by. */
    sli: resourceName.optional(),
    aggregate: ruleAggregate.optional(),
    window: duration.optional(),
    op: comparison.optional(),
    /** In `unit`; of a ratio a share of 1, of a rate events a second. */
    threshold: z.number().optional(),
    unit: measurementUnit.optional(),
    level: signalLevel.optional(),
  })
  .meta({ id: 'SignalDefinition' });
export type SignalDefinition = z.infer<typeof signalDefinition>;

export const goldenSignalsDefinition = z
  .strictObject({
    latency: signalDefinition.optional(),
    traffic: signalDefinition.optional(),
    errors: signalDefinition.optional(),
    saturation: signalDefinition.optional(),
  })
  .meta({ id: 'GoldenSignalsDefinition' });
export type GoldenSignalsDefinition = z.infer<typeof goldenSignalsDefinition>;
export type SignalName = keyof GoldenSignalsDefinition;
