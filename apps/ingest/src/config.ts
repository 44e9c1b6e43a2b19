import { duration } from '@bellwether/contracts';
import { serviceConfig } from '@bellwether/service/config';
import { z } from 'zod';

/** What ingest takes from the environment, besides what every service does. */
export const ingestConfig = serviceConfig.extend({
  BELLWETHER_STRICT: z
    .stringbool()
    .default(false)
    .describe('true or false: whether measurements of an SLI that is not defined are refused'),
  BELLWETHER_IDENTITY_WINDOW: duration
    .default('7d')
    .describe('how long the identity of a measurement is remembered, such as 7d'),
  BELLWETHER_INGEST_MEMORY_MIB: z.coerce
    .number()
    .int()
    .min(2)
    .max(4096)
    .default(64)
    .describe('mebibytes of HTTP bodies held at once, above which 503 is answered, 2 to 4096'),
});

export type IngestConfig = z.infer<typeof ingestConfig>;
