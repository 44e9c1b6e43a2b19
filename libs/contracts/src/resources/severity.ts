import { z } from 'zod';

/** Of an incident: sev1 is the most severe. */
export const severity = z.enum(['sev1', 'sev2', 'sev3', 'sev4']).meta({ id: 'Severity' });
export type Severity = z.infer<typeof severity>;
