import { duration, durationMillis, MeasurementLimits } from '@bellwether/contracts';
import { serviceConfig } from '@bellwether/service/config';
import { z } from 'zod';
import { headersSetting } from './prometheus/headers.js';

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
  BELLWETHER_PROMETHEUS_HEADERS: headersSetting
    .optional()
    .describe(
      'headers for sources, {"<address>": {"<header>": "<value>"}} as JSON or the path of a file with it',
    ),
  BELLWETHER_PROMETHEUS_DELAY: duration
    .default('5s')
    .describe('how long after the end of a period a source is asked for it, such as 5s'),
  BELLWETHER_PROMETHEUS_LOOKBACK: duration
    .default('7d')
    .refine((text) => durationMillis(text) < MeasurementLimits.ageMillis, 'is not below 400d')
    .describe('how far back a source is asked for what was missed, such as 7d, below 400d'),
});

export type IngestConfig = z.infer<typeof ingestConfig>;
