import { type Bus, connectBus, JournalStrategy, logReader } from '@bellwether/bus';
import { CONTROL_JOURNAL, type EventEnvelope } from '@bellwether/contracts';
import { EventLog, PgConsumerStore } from '@bellwether/event-log';
import { linkHmac } from '@bellwether/oncall';
import { publicUrl, type ServiceContext, type ServiceParts } from '@bellwether/service';
import type { PoolClient } from 'pg';
import { Caller } from './caller.js';
import type { PagingConfig } from './config.js';
import { Definitions } from './definitions.js';
import { Deliveries } from './deliveries.js';
import { DeliveryMetrics } from './delivery-metrics.js';
import { Dispatcher } from './dispatcher.js';
import { DueTable } from './due-table.js';
import { Overrides } from './overrides.js';
import { PageCommands } from './page-commands.js';
import { incidentOf } from './page-stream.js';
import { Pages } from './pages.js';
import { pagingModule } from './paging.module.js';
import { Reactions } from './reactions.js';
import { Roster } from './roster.js';
import { migratePaging, schema } from './schema.js';
import { Secrets } from './secrets.js';
import type { OnPagingStep } from './steps.js';
import { Tokens } from './tokens.js';
import { Turns } from './turns.js';

/** Name of the service: its consumer, its queue group, its schema. */
export const SERVICE = 'paging';

export interface PagingOptions {
  /** Where the `console` method prints; standard output when absent. */
  print?: (line: string) => void;
  /** How long a receiver may take, milliseconds; 10,000 when absent. */
  callTimeoutMs?: number;
  /** Called at each step of a page; for tests that end a process between two of them. */
  onStep?: OnPagingStep;
}

const callTimeoutMs = 10_000;
const hour = 3_600_000;

type Context = Pick<ServiceContext<PagingConfig>, 'config' | 'logger' | 'metrics' | 'clock' | 'tracing'>;

/** Builds the paging service on the log and the bus that its configuration names. */
export async function buildPagingService(
  context: Context,
  options: PagingOptions = {},
): Promise<ServiceParts> {
  const { config, logger, metrics, clock, tracing } = context;
  const bus = await connectBus({
    servers: config.NATS_URL,
    name: SERVICE,
    log: logger,
    metrics: metrics.consumers,
    tracer: tracing,
  });
  const log = EventLog.open({
    name: 'paging',
    connectionString: config.DATABASE_URL,
    // The log stamps with this clock only when time is being rehearsed; else Postgres' own is the better one.
    ...(config.BELLWETHER_CLOCK_FILE === undefined ? {} : { clock }),
    metrics: metrics.registry,
    tracer: tracing,
    onAppended: (journal, position) => bus.nudge(journal, position),
  });
  try {
    return await build(context, options, bus, log);
  } catch (error) {
    // Open connections would keep the process alive after its start failed.
    await Promise.allSettled([log.close(), bus.drain()]);
    throw error;
  }
}

async function build(
  context: Context,
  options: PagingOptions,
  bus: Bus,
  log: EventLog,
): Promise<ServiceParts> {
  const { config, logger, metrics, clock, tracing } = context;
  await log.available((error) => logger.warn({ error }, 'Postgres does not answer; waiting until it does'));
  await migratePaging(log.pool);
  const store = new PgConsumerStore(log.pool, schema);
  await store.migrate();
  await bus.establish();

  const due = new DueTable(log.pool, config.DATABASE_URL, (error) =>
    logger.warn({ error }, 'the claims on what is due were lost; taking them again'),
  );
  const settings = {
    defaultPolicy: config.BELLWETHER_DEFAULT_POLICY,
    fallback: config.BELLWETHER_FALLBACK_TARGET ?? null,
  };
  const roster = new Roster(log, settings);
  const onStep: OnPagingStep = options.onStep ?? (() => {});
  const turns = new Turns(log.pool);
  const pages = new Pages({ log, roster, due, turns, clock, onStep, onDue: () => dispatcher.wake() });
  const secrets = new Secrets(config.BELLWETHER_SECRET_KEY);
  const hmac = linkHmac(config.BELLWETHER_SECRET_KEY);
  const deliveryMetrics = new DeliveryMetrics(metrics.registry);
  const deliveries = new Deliveries({
    log,
    pages,
    roster,
    caller: new Caller({
      timeoutMs: options.callTimeoutMs ?? callTimeoutMs,
      privateAddresses: config.BELLWETHER_WEBHOOK_PRIVATE_ADDRESSES,
      print: options.print ?? ((line) => process.stdout.write(`${line}\n`)),
      tracer: tracing,
    }),
    clock,
    unseal: (sealed) => secrets.unseal(sealed),
    hmac,
    linkMillis: config.BELLWETHER_ACKNOWLEDGE_LINK_HOURS * hour,
    publicUrl: publicUrl(config),
    onStep,
    logger,
    onOutcome: (kind, outcome, tookMillis) => deliveryMetrics.record(kind, outcome, tookMillis),
  });
  const dispatcher: Dispatcher = new Dispatcher({
    due,
    pages,
    deliveries,
    clock,
    tracing,
    onStep,
    onError: (error, entry) =>
      logger.error({ error, ...entry }, 'what is due could not be done; trying again'),
  });
  const strategy = new JournalStrategy<PoolClient>({
    bus,
    service: SERVICE,
    journal: CONTROL_JOURNAL,
    reader: logReader(log),
    store,
    keyOf: aggregateOf,
  });
  await due.start();
  dispatcher.start();

  return {
    module: pagingModule({
      definitions: new Definitions(log, clock, secrets),
      overrides: new Overrides(log, clock),
      pages: new PageCommands(pages, clock, hmac),
      tokens: new Tokens(log, clock),
      reactions: new Reactions(pages),
    }),
    strategies: [strategy],
    ready: async () =>
      due.alive ? await strategy.unready() : 'there is no connection to Postgres for the claims',
    close: async () => {
      await dispatcher.stop();
      await due.stop();
      await log.close();
      await bus.drain();
    },
  };
}

/** An incident and its pages are one story: where one event of it cannot be handled, the later ones wait. */
function aggregateOf({ subject, type }: EventEnvelope): string {
  return type.startsWith('bellwether.page.') ? incidentOf(subject) : subject;
}
