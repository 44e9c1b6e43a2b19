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
    name: resourceName.describe('Name of the service'),
    description: text(1050, 0).default('').describe('What it is, for people'),
    team: resourceName.optional().describe('Team that answers for it; reports are grouped by it'),
    tier: z
      .int()
      .min(1)
      .max(4)
      .default(3)
      .describe('How critical it is, from 1 (most) to 4 (least); for people'),
    dependsOn: z
      .array(resourceName)
      .max(100)
      .default([])
      .describe(
        'Services it calls. An alert joins the open incident of a service it depends on, or that depends on it, while that incident is younger than 30 min',
      ),
    escalationPolicy: resourceName
      .optional()
      .describe(
        'Policy that pages for its incidents, where the SLO names none. Without one the policy named by BELLWETHER_DEFAULT_POLICY pages, or nobody is paged',
      ),
    errorBudgetPolicy: errorBudgetPolicy
      .optional()
      .describe('Error-budget policy of those of its SLOs that have none of their own'),
    goldenSignals: goldenSignalsDefinition
      .optional()
      .describe('Golden signals that differ from the defaults'),
    runbooks: z
      .array(text(2048))
      .max(50)
      .default([])
      .describe('Addresses or names of its runbooks, for people'),
    links: z
      .array(
        z.strictObject({
          text: text(200).describe('Text of the link'),
          url: httpUrl.describe('Where the link leads'),
        }),
      )
      .max(50)
      .default([])
      .describe('Dashboards, repositories and other pages, for people'),
  })
  .meta({ id: 'Service' });
export type Service = z.infer<typeof service>;

/** A service level indicator: a named series of measurements of a service. */
export const sli = z
  .strictObject({
    service: resourceName.describe('Service that is measured'),
    name: resourceName.describe('Name of the SLI, within its service'),
    description: text(1050, 0).default('').describe('What is measured, and which events are good'),
    unit: measurementUnit
      .default('count')
      .describe(
        'What the numbers are. `count`: good and total events. `percent` (0 to 100) and `ratio` (0 to 1): values that are a share of good. `s`, `ms`, `us`, `ns` and `bytes`: values, which are converted to the unit of a bound. Any other word is a unit of your own, never converted',
      ),
    query: text(4096)
      .optional()
      .describe('The query behind the numbers, for people; nothing runs it. `source` is what is run'),
    source: sliSource
      .optional()
      .describe('Where measurements are fetched from; without it they are published to ingest'),
    cadence: z
      .string()
      .regex(/^[1-9][0-9]{0,8}[smhdw]$/, 'must be a duration such as 1m')
      .optional()
      .describe(
        'How often a measurement is expected; less than a minute counts as a minute, since measurements are kept by it. Without it: `source.every`, else the median gap between measurements, which is not known before two minutes were measured. After three cadences data is stale, after ten (BELLWETHER_ABSENT_CADENCES) the SLI is absent',
      ),
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
