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
    sli: resourceName.optional().describe('SLI of the service that measures it'),
    aggregate: ruleAggregate.optional().describe('What is made of the measurements in the window'),
    window: duration.optional().describe('How far it looks back; without it 5m'),
    op: comparison
      .optional()
      .describe('Which side of the threshold is bad: `gt` and `gte` above, `lt` and `lte` below'),
    threshold: z
      .number()
      .optional()
      .describe('In `unit`; of a `ratio` a share of 1, of a `rate` events a second'),
    unit: measurementUnit.optional().describe('Unit of the threshold; without it, of the SLI'),
    level: signalLevel.optional().describe('Status of the signal beyond the threshold'),
  })
  .meta({ id: 'SignalDefinition' });
export type SignalDefinition = z.infer<typeof signalDefinition>;

export const goldenSignalsDefinition = z
  .strictObject({
    latency: signalDefinition.optional().describe('How long requests take'),
    traffic: signalDefinition.optional().describe('How much is asked of the service'),
    errors: signalDefinition.optional().describe('The share that fails'),
    saturation: signalDefinition.optional().describe('How full the fullest resource is'),
  })
  .meta({ id: 'GoldenSignalsDefinition' });
export type GoldenSignalsDefinition = z.infer<typeof goldenSignalsDefinition>;
export type SignalName = keyof GoldenSignalsDefinition;
