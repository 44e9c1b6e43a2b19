import { duration, durationMillis, MeasurementLimits } from '@bellwether/contracts';
import { serviceConfig } from '@bellwether/service/config';
import { z } from 'zod';

/** What the relay takes from the environment, besides what every service does. */
export const relayConfig = serviceConfig.extend({
  BELLWETHER_RELAY_RETENTION: duration
    .default('7d')
    .describe('how old events are at most that a lost copy in JetStream gets again, such as 7d'),
  BELLWETHER_RELAY_RETENTION_EVENTS: z.coerce
    .number()
    .int()
    .min(1)
    .default(1_000_000)
    .describe('how many events of each journal a lost copy in JetStream gets again at most'),
  BELLWETHER_ARCHIVE_DIR: z
    .string()
    .min(1)
    .optional()
    .describe('folder for measurements older than their retention; without it they stay in the database'),
  BELLWETHER_MEASUREMENT_RETENTION: duration
    .default('400d')
    .refine(
      (value) => durationMillis(value) >= MeasurementLimits.ageMillis,
      'must be at least 400d: so old measurements are still taken, and so far windows of SLOs may reach back',
    )
    .describe('how long measurements stay in the database, at least 400d'),
});

export type RelayConfig = z.infer<typeof relayConfig>;
