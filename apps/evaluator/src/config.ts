import { serviceConfig } from '@bellwether/service/config';
import { z } from 'zod';

/** The variables of this service. */
export const evaluatorConfig = serviceConfig.extend({
  BELLWETHER_ABSENT_CADENCES: z.coerce
    .number()
    .min(3)
    .default(10)
    .describe('after how many times its cadence without a measurement an SLI counts as silent, at least 3'),
});
export type EvaluatorConfig = z.infer<typeof evaluatorConfig>;
