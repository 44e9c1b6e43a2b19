import { z } from 'zod';
import { httpUrl, resourceName, text } from '../names.js';
import { durationMillis } from '../time.js';
import { errorBudgetPolicy } from './error-budget-policy.js';
import { goldenSignalsDefinition } from './golden-signals.js';
import { measurementUnit } from './measurement-unit.js';
import { DEFAULT_EVERY, sliSource } from './sli-source.js';

/** A service: what SLOs, incidents and pages are about. Tier 1 is the most critical. */
export const service = z
  .strictObject({
    name: resourceName,
    description: text(1050, 0).default(''),
    team: resourceName.optional(),
    tier: z.int().min(1).max(4).default(3),
    dependsOn: z.array(resourceName).max(100).default([]),
    escalationPolicy: resourceName.optional(),
    /** For its SLOs that have none of their own. */
    errorBudgetPolicy: errorBudgetPolicy.optional(),
    /** Where they are not what they are by default. */
    goldenSignals: goldenSignalsDefinition.optional(),
    runbooks: z.array(text(2048)).max(50).default([]),
    links: z
      .array(z.strictObject({ text: text(200), url: httpUrl }))
      .max(50)
      .default([]),
  })
  .meta({ id: 'Service' });
export type Service = z.infer<typeof service>;

/** A service level indicator: a named series of measurements of a service. */
export const sli = z
  .strictObject({
    service: resourceName,
    name: resourceName,
    description: text(1050, 0).default(''),
    /** How its numbers are to be read. `percent`: values 0 to 100. */
    unit: measurementUnit.default('count'),
    query: text(4096).optional(),
    source: sliSource.optional(),
    /** How often a measurement is expected. Without it the cadence is the median gap of what comes in. */
    cadence: z
      .string()
      .regex(/^[1-9][0-9]{0,8}[smhdw]$/, 'must be a duration such as 1m')
      .optional(),
  })
  .meta({ id: 'Sli' });
export type Sli = z.infer<typeof sli>;

/**
 * How often a measurement of an SLI is expected, milliseconds: as its definition says, or as often as its source is
 * asked; undefined when only what comes in tells.
 */
export function cadenceOf(sli: Pick<Sli, 'cadence' | 'source'> | undefined): number | undefined {
  const { cadence, source } = sli ?? {};
  if (cadence !== undefined) return durationMillis(cadence);
  return source?.prometheus === undefined ? undefined : durationMillis(source.every ?? DEFAULT_EVERY);
}
