/**
 * Prints buckets as canonical text, for comparing and for looking into:
 * `node dist/buckets.js dump` as they are stored, `node dist/buckets.js recompute` made anew from the log alone.
 * Reads `DATABASE_URL`; writes nothing to it.
 */
import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { EventLog } from '@bellwether/event-log';
import { createLogger, loadConfig, serviceConfig } from '@bellwether/service';
import { dumpRecomputed, dumpStored } from './buckets/recompute.js';
import { Registry } from './registry/registry.js';
import { SeriesStore } from './store/series-store.js';

const source = process.argv[2];
if (source !== 'dump' && source !== 'recompute') {
  process.stderr.write('usage: buckets dump|recompute\n');
  process.exit(2);
}
const { DATABASE_URL } = loadConfig(serviceConfig.pick({ DATABASE_URL: true }));
const log = EventLog.open({ connectionString: DATABASE_URL, poolSize: 2 });
try {
  const logger = createLogger({ BELLWETHER_LOG_LEVEL: 'warn', name: 'buckets' });
  const lines =
    source === 'dump'
      ? dumpStored(new SeriesStore(log.pool))
      : dumpRecomputed(log, new Registry({ log, logger }));
  await pipeline(lines, process.stdout, { end: false });
  if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain');
} finally {
  await log.close();
}
