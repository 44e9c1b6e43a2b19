import { z } from 'zod';
import { timestamp } from '../time.js';

/** The alert that an SLI is absent, while it fires. */
export const absentSli = z
  .object({
    /** `<service>/<sli>`. */
    sli: z.string(),
    /** When the alert fired. */
    since: timestamp,
    /** How often a measurement is expected; null where the alert does not say. */
    cadence: z.string().nullable(),
  })
  .meta({ id: 'AbsentSli' });
export type AbsentSli = z.infer<typeof absentSli>;
