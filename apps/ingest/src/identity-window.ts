import type { Clock } from '@bellwether/contracts';
import type { EventLog } from '@bellwether/event-log';
import type { Logger } from '@bellwether/service';

const everyMillis = 60 * 60_000;

/**
 * Forgets, once an hour, identities of measurements that are older than the window: what comes again after that is
 * a new measurement. Without it the table of identities would grow for ever.
 */
export function forgetIdentities(
  log: Pick<EventLog, 'pruneCommands'>,
  clock: Clock,
  windowMillis: number,
  logger: Pick<Logger, 'info' | 'warn'>,
): { stop(): void } {
  const forget = async () => {
    try {
      const forgotten = await log.pruneCommands(new Date(clock.now().getTime() - windowMillis));
      if (forgotten > 0) logger.info({ forgotten }, 'identities of measurements were forgotten');
    } catch (error) {
      logger.warn({ error }, 'identities of measurements could not be forgotten; trying again in an hour');
    }
  };
  const timer = setInterval(() => void forget(), everyMillis);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
