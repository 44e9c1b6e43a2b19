import { hostname } from 'node:os';
import { connectBus, JournalStrategy, logReader } from '@bellwether/bus';
import { CONTROL_JOURNAL } from '@bellwether/contracts';
import { EventLog, PgConsumerStore } from '@bellwether/event-log';
import type { ServiceContext, ServiceParts } from '@bellwether/service';
import type { PoolClient } from 'pg';
import { uuidv7 } from 'uuidv7';
import type { EvaluatorConfig } from './config.js';
import { CorrectionRecord } from './corrections/correction-record.js';
import { Definitions } from './definitions/definitions.js';
import { RuleDefinitions } from './definitions/rule-definitions.js';
import { Evaluator } from './evaluator.js';
import { evaluatorModule } from './evaluator.module.js';
import { GateRecord } from './gate/gate-record.js';
import { RuleReader } from './status/rule-reader.js';
import { SignalReader } from './status/signal-reader.js';
import { StatusReader } from './status/status-reader.js';

/** Name of the service: its queue group, its schema. */
export const SERVICE = 'evaluator';

/** Connections to Postgres: appends, reads, and a flush of each partition that has work. */
const POOL_SIZE = 12;

/** Builds the evaluator on the log and the bus that its configuration names. */
export async function buildEvaluatorService(
  context: Pick<ServiceContext<EvaluatorConfig>, 'config' | 'logger' | 'metrics' | 'clock' | 'tracing'>,
): Promise<ServiceParts> {
  const { config, logger, metrics, clock, tracing } = context;
  const rehearsal = config.BELLWETHER_CLOCK_FILE !== undefined;
  const bus = await connectBus({
    servers: config.NATS_URL,
    name: SERVICE,
    log: logger,
    metrics: metrics.consumers,
    tracer: tracing,
  });
  const log = EventLog.open({
    name: 'evaluator',
    connectionString: config.DATABASE_URL,
    // The log stamps with this clock only when time is being rehearsed; else Postgres' own is the better one.
    ...(rehearsal ? { clock } : {}),
    poolSize: POOL_SIZE,
    metrics: metrics.registry,
    tracer: tracing,
    onAppended: (journal, position) => bus.nudge(journal, position),
  });
  const store = new PgConsumerStore(log.pool, SERVICE);
  const evaluator = new Evaluator({
    log,
    connectionString: config.DATABASE_URL,
    bus,
    instance: `${hostname()}/${process.pid}/${uuidv7()}`,
    clock,
    ...(rehearsal ? { leaseClock: clock } : {}),
    absentCadences: config.BELLWETHER_ABSENT_CADENCES,
    logger,
    metrics: metrics.registry,
    tracing,
  });
  try {
    await log.available((error) => logger.warn({ error }, 'Postgres does not answer; waiting until it does'));
    await store.migrate();
    await bus.establish();
    await evaluator.start();
  } catch (error) {
    // What was opened so far would keep the process from ending.
    await evaluator.stop();
    await Promise.all([log.close(), bus.drain()]);
    throw error;
  }
  // Commands alone: events are folded by each instance for itself, see Registry and Partition.
  const strategy = new JournalStrategy<PoolClient>({
    bus,
    service: SERVICE,
    journal: CONTROL_JOURNAL,
    reader: logReader(log),
    store,
    keyOf: (event) => event.subject,
  });
  return {
    module: evaluatorModule({
      definitions: new Definitions(log, evaluator.registry),
      statuses: new StatusReader(evaluator, log),
      store: evaluator.store,
      gate: new GateRecord(log, evaluator.registry),
      ruleDefinitions: new RuleDefinitions(log, evaluator.registry),
      rules: new RuleReader(evaluator, log),
      signals: new SignalReader(evaluator, log),
      corrections: new CorrectionRecord(log, evaluator.registry),
    }),
    strategies: [strategy],
    ready: () => strategy.unready(),
    close: async () => {
      await evaluator.stop();
      await log.close();
      await bus.drain();
    },
  };
}
