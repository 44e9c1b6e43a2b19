import { z } from 'zod';
import { correctionFields } from '../resources/correction.js';
import { timestamp } from '../time.js';

/** A correction of an SLO that is in the log: who made it, when and why, and who withdrew it. */
export const sloCorrection = z
  .object({
    id: z.string(),
    slo: z.string(),
    ...correctionFields,
    by: z.string(),
    at: timestamp,
    withdrawnBy: z.string().nullable(),
    withdrawnAt: timestamp.nullable(),
    withdrawnReason: z.string().nullable(),
  })
  .meta({ id: 'SloCorrection' });
export type SloCorrection = z.infer<typeof sloCorrection>;
