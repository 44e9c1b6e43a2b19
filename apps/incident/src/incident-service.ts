import { type Bus, connectBus, JournalStrategy, logReader } from '@bellwether/bus';
import { CONTROL_JOURNAL } from '@bellwether/contracts';
import { EventLog, PgConsumerStore } from '@bellwether/event-log';
import type { ServiceContext, ServiceParts } from '@bellwether/service';
import type { PoolClient } from 'pg';
import { type IncidentConfig, settingsOf } from './config.js';
import { DueIncidents } from './due-incidents.js';
import { incidentModule } from './incident.module.js';
import { IncidentIndex } from './incident-index.js';
import { Incidents } from './incidents.js';
import { LogPool } from './log-pool.js';
import { ReactionHistory } from './reaction-history.js';
import { aggregateOf } from './reactions.controller.js';
import { References } from './references.js';

/** Name of the service: its consumer, its queue group, its schema. */
export const SERVICE = 'incident';

type Context = Pick<ServiceContext<IncidentConfig>, 'config' | 'logger' | 'metrics' | 'clock' | 'tracing'>;

/** Builds the incident service on the log and the bus that its configuration names. */
export async function buildIncidentService(context: Context): Promise<ServiceParts> {
  const { config, logger, metrics, clock, tracing } = context;
  const bus = await connectBus({
    servers: config.NATS_URL,
    name: SERVICE,
    log: logger,
    metrics: metrics.consumers,
    tracer: tracing,
  });
  const log = EventLog.open({
    name: 'incident',
    connectionString: config.DATABASE_URL,
    // The log stamps with this clock only when time is being rehearsed; else Postgres' own is the better one.
    ...(config.BELLWETHER_CLOCK_FILE === undefined ? {} : { clock }),
    metrics: metrics.registry,
    tracer: tracing,
    onAppended: (journal, position) => bus.nudge(journal, position),
  });
  try {
    return await build(context, bus, log);
  } catch (error) {
    // Open connections would keep the process alive after its start failed.
    await Promise.allSettled([log.close(), bus.drain()]);
    throw error;
  }
}

async function build(context: Context, bus: Bus, log: EventLog): Promise<ServiceParts> {
  const { config, logger, clock } = context;
  const settings = settingsOf(config);
  const incidents = new Incidents(log, clock, settings);
  const index = new IncidentIndex(settings);
  const store = new PgConsumerStore(log.pool, SERVICE);
  await log.available((error) => logger.warn({ error }, 'Postgres does not answer; waiting until it does'));
  await store.migrate();
  await index.migrate(log.pool);
  // Due times follow from the settings, too, and those may have changed.
  for (const id of await index.open(log.pool)) {
    const loaded = await incidents.load(id);
    if (loaded) await index.save(log.pool, loaded.state);
  }
  const references = new References(log, {
    defaultPolicy: config.BELLWETHER_DEFAULT_POLICY,
    hasFallback: config.BELLWETHER_FALLBACK_TARGET !== undefined,
  });
  const history = new ReactionHistory(log, store, SERVICE);
  await bus.establish();

  const strategy = new JournalStrategy<PoolClient>({
    bus,
    service: SERVICE,
    journal: CONTROL_JOURNAL,
    reader: logReader(log),
    store,
    keyOf: aggregateOf,
  });
  const due = new DueIncidents({ pool: log.pool, index, incidents, clock, logger });
  due.start();

  return {
    module: incidentModule({ incidents, index, pool: new LogPool(log.pool), history, references }),
    strategies: [strategy],
    ready: () => strategy.unready(),
    close: async () => {
      await due.stop();
      await log.close();
      await bus.drain();
    },
  };
}
