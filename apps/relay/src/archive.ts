import { type Clock, durationMillis } from '@bellwether/contracts';
import { archiveSegments } from '@bellwether/event-log';
import { type Logger, Upkeep } from '@bellwether/service';
import type { RelayConfig } from './config.js';

const HOUR = 3_600_000;
/**
 * A segment is kept for a day more than its last event: a point may be ahead of the clock by minutes, and the longest
 * window of an SLO is as long as measurements are kept.
 */
const SPARE = 24 * HOUR;

/**
 * Moves segments of measurements that are older than their retention into files, at once and then every hour. For one
 * process at a time, the leading relay. Null where no folder is named for them: measurements stay in the database.
 */
export function archiveMeasurements(
  config: Pick<RelayConfig, 'DATABASE_URL' | 'BELLWETHER_ARCHIVE_DIR' | 'BELLWETHER_MEASUREMENT_RETENTION'>,
  { clock, logger }: { clock: Clock; logger: Pick<Logger, 'info' | 'warn'> },
): Upkeep | null {
  const { BELLWETHER_ARCHIVE_DIR: directory, BELLWETHER_MEASUREMENT_RETENTION: retention } = config;
  if (directory === undefined) return null;
  return new Upkeep({
    clock,
    everyMillis: HOUR,
    work: async (signal) => {
      const before = new Date(clock.now().getTime() - durationMillis(retention) - SPARE);
      const archived = await archiveSegments(config.DATABASE_URL, { before, directory, signal });
      for (const segment of archived) logger.info(segment, 'old measurements were moved into a file');
    },
    onError: (error) =>
      logger.warn({ error }, 'old measurements could not be moved into files; trying again in an hour'),
  }).start();
}
