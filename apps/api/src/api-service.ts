import { type Bus, connectBus } from '@bellwether/bus';
import { EventLog, Projector } from '@bellwether/event-log';
import { LatestTokens, type ServiceContext, type ServiceParts, TokenAuthority } from '@bellwether/service';
import { apiModule } from './api.module.js';
import { ApiClock } from './api-clock.js';
import { BacktestJobs } from './backtest/backtest-jobs.js';
import { Backtests, type BacktestsOptions } from './backtest/backtests.js';
import { AnswerStore } from './commands/answer-store.js';
import { CommandGateway } from './commands/gateway.js';
import { Writer } from './commands/writer.js';
import type { ApiConfig } from './config.js';
import { Documents } from './documents/documents.js';
import { Explainer } from './explain/explainer.js';
import { readForms } from './form-body.js';
import { GateReader } from './gate/gate-reader.js';
import { AcknowledgeLinks } from './links/acknowledge-links.js';
import { ControlTail } from './log/control-tail.js';
import { EventStream, type EventStreamOptions } from './log/event-stream.js';
import { Buckets } from './operation/buckets.js';
import { DeadLetters } from './operation/dead-letters.js';
import { System } from './operation/system.js';
import { CorrectionStore } from './read/correction-store.js';
import { EventStore } from './read/event-store.js';
import { GateStore } from './read/gate-store.js';
import { IncidentBudgets } from './read/incident-budgets.js';
import { IncidentEvents } from './read/incident-events.js';
import { IncidentStore } from './read/incident-store.js';
import { OnCallStore } from './read/on-call-store.js';
import { PageStore } from './read/page-store.js';
import { projections } from './read/projections.js';
import { PrometheusRulesReader } from './read/prometheus-rules-reader.js';
import { ReadModels } from './read/read-models.js';
import { ResourceReader } from './read/resource-reader.js';
import { ResourceStore } from './read/resource-store.js';
import { SloAlertStore } from './read/slo-alert-store.js';
import { TokenStore } from './read/token-store.js';
import { ReportReader } from './reports/report-reader.js';

/** Name of the service; owner of its read models. */
export const SERVICE = 'api';

/** What tests set otherwise. */
export interface ApiSettings {
  stream?: Pick<EventStreamOptions, 'heartbeatMs' | 'slowMs' | 'most'>;
  /** How long a command may take, milliseconds. */
  commandTimeoutMs?: number;
  backtests?: Omit<BacktestsOptions, 'databaseUrl' | 'signal'>;
}

type Context = Pick<
  ServiceContext<ApiConfig>,
  'config' | 'logger' | 'metrics' | 'clock' | 'tracing' | 'signal'
>;

/** Builds the api on the log and the bus that its configuration names. */
export async function buildApiService(context: Context, settings: ApiSettings = {}): Promise<ServiceParts> {
  const { config, logger, metrics, tracing } = context;
  const bus = await connectBus({ servers: config.NATS_URL, name: SERVICE, log: logger, tracer: tracing });
  const log = EventLog.open({
    name: 'api',
    connectionString: config.DATABASE_URL,
    metrics: metrics.registry,
    poolSize: 16,
  });
  try {
    return await assemble(context, settings, bus, log);
  } catch (error) {
    // Open connections would keep a process alive whose start has failed.
    await log.close();
    await bus.drain();
    throw error;
  }
}

async function assemble(
  context: Context,
  settings: ApiSettings,
  bus: Bus,
  log: EventLog,
): Promise<ServiceParts> {
  const { config, logger, metrics, clock, signal } = context;
  const forgetNudges = bus.onNudge((journal, position) => log.nudge(journal, position));
  const projector = new Projector(log, {
    owner: SERVICE,
    projections,
    metrics: metrics.consumers,
    clock,
    onError: (error, at) => {
      const fields = { error, projection: at.projection, position: at.position };
      if (at.outcome === 'halted')
        logger.error(fields, 'a read model stands still at an event that it cannot take');
      else if (at.outcome === 'parked')
        logger.error(fields, 'a read model parks the key of an event that it cannot take; the others go on');
      else logger.warn(fields, 'a read model cannot be brought up to date at the moment');
    },
  });
  await log.available((error) => logger.warn({ error }, 'Postgres does not answer; waiting until it does'));
  await projector.start();
  const answers = new AnswerStore(log.pool);
  await answers.migrate();

  const models = new ReadModels(log, projector);
  const tokens = new TokenStore(models);
  const authority = new TokenAuthority(config.BELLWETHER_TOKEN, clock);
  const tail = new ControlTail({
    log,
    onEvent: (event) => {
      if (event.type.startsWith('token.')) authority.apply(event);
    },
    onError: (error) => logger.warn({ error }, 'the log cannot be followed at the moment'),
  });
  // The position first: what comes while the rows are read is then taken twice, which does no harm, and never missed.
  const position = projector.position('tokens');
  for (const event of await tokens.valid()) authority.apply(event);
  tail.start(position);
  const latest = new LatestTokens(authority, log, () => tail.position);

  const gateway = new CommandGateway({
    bus,
    answers,
    clock,
    shown: (at) => models.shown(at),
    ...(settings.commandTimeoutMs === undefined ? {} : { timeoutMs: settings.commandTimeoutMs }),
  });
  const resources = new ResourceStore(models);
  const resourceReader = new ResourceReader(resources, models);
  const pages = new PageStore(log, models);
  const incidents = new IncidentStore(log, models);
  const gateStore = new GateStore(models);
  const sloAlerts = new SloAlertStore(models);
  const events = new EventStore(log, models);
  const stream = new EventStream({ tail, signal, ...settings.stream });
  const deadLetters = new DeadLetters(gateway);
  const buckets = new Buckets(gateway);
  return {
    module: apiModule({
      clock: new ApiClock(clock),
      authority,
      gateway,
      writer: new Writer(gateway),
      models,
      resources,
      resourceReader,
      prometheusRules: new PrometheusRulesReader(resourceReader, resources),
      incidents,
      corrections: new CorrectionStore(models),
      gateStore,
      gate: new GateReader({ models, resources, incidents, overrides: gateStore, gateway, clock }),
      sloAlerts,
      reports: new ReportReader({ models, resources, incidents, alerts: sloAlerts, gateway, clock }),
      incidentEvents: new IncidentEvents(log, pages, models),
      incidentBudgets: new IncidentBudgets(gateway, clock),
      pages,
      backtestJobs: new BacktestJobs(resources, log, clock),
      backtests: new Backtests({
        databaseUrl: config.DATABASE_URL,
        signal,
        onFailed: (error) => logger.error({ error }, 'a backtest failed unexpectedly'),
        ...settings.backtests,
      }),
      onCall: new OnCallStore(log),
      events,
      tokens,
      explainer: new Explainer(log, events),
      tail,
      stream,
      links: new AcknowledgeLinks(config.BELLWETHER_SECRET_KEY, clock),
      documents: new Documents({
        natsUrl: config.NATS_URL,
        ingestUrl: `http://${config.BELLWETHER_HTTP_HOST}:${config.BELLWETHER_INGEST_PORT}`,
      }),
      deadLetters,
      buckets,
      system: new System({
        log,
        projector,
        deadLetters,
        buckets,
        stream,
        clock,
        onRebuildFailed: (projection, error) =>
          logger.error({ error, projection }, 'a read model could not be rebuilt'),
      }),
    }),
    http: {
      host: config.BELLWETHER_HTTP_HOST,
      port: config.BELLWETHER_API_PORT,
      authority,
      tokensKnown: () => latest.told(),
      configure: readForms,
    },
    ready: async () => {
      const halted = projector.state().find((state) => state.halted);
      if (halted) return `the read model ${halted.name} stands still at event ${halted.halted?.position}`;
      await log.pool.query('select');
      return bus.connected ? null : 'there is no connection to NATS';
    },
    close: async () => {
      forgetNudges();
      await tail.stop();
      await projector.stop();
      await log.close();
      await bus.drain();
    },
  };
}
