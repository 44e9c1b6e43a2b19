import { connectBus, WorkConsumer } from '@bellwether/bus';
import { durationMillis, MeasurementLimits } from '@bellwether/contracts';
import { EventLog } from '@bellwether/event-log';
import { type ServiceContext, type ServiceParts, TokenAuthority } from '@bellwether/service';
import type { FastifyInstance } from 'fastify';
import { Admission } from './admission.js';
import { takeBodies } from './body-types.js';
import { BusIntake, isPassing } from './bus-intake.js';
import type { IngestConfig } from './config.js';
import { forgetIdentities } from './identity-window.js';
import { IngestModule } from './ingest.module.js';
import { IngestMetrics } from './ingest-metrics.js';
import { headersFrom } from './prometheus/headers.js';
import { QueryApi } from './prometheus/query-api.js';
import { SourceMetrics } from './prometheus/source-metrics.js';
import { Sources } from './prometheus/sources.js';
import { Recorder } from './recorder.js';
import { SliRegistry } from './sli-registry.js';
import { TokenFollower } from './token-follower.js';

const mebibyte = 1_048_576;
const requestsAtOnce = 2_000;
/** What a Prometheus gives its own queries is two minutes; one of a minute's data that takes so long is no use. */
const sourceTimeoutMillis = 30_000;

/** Puts ingest together. */
export async function build(context: ServiceContext<IngestConfig>): Promise<ServiceParts> {
  const { config, logger, metrics, clock, tracing, signal } = context;
  const bus = await connectBus({
    servers: config.NATS_URL,
    name: 'ingest',
    log: logger,
    metrics: metrics.consumers,
    tracer: tracing,
    signal,
  });
  const log = EventLog.open({
    name: 'ingest',
    connectionString: config.DATABASE_URL,
    metrics: metrics.registry,
    tracer: tracing,
    onAppended: (journal, position) => bus.nudge(journal, position),
    ...(config.BELLWETHER_CLOCK_FILE === undefined ? {} : { clock }),
  });
  const stopListening = bus.onNudge((journal, position) => log.nudge(journal, position));
  const authority = new TokenAuthority(config.BELLWETHER_TOKEN, clock);
  const tokens = new TokenFollower(log, authority, logger, metrics.consumers);
  const counts = new IngestMetrics(metrics.registry);
  const slis = new SliRegistry(log, { strict: config.BELLWETHER_STRICT });
  const recorder = new Recorder(log, slis, clock);
  const intake = new BusIntake({ recorder, bus, clock, metrics: counts, tracer: tracing });
  const consumer = new WorkConsumer({
    bus,
    durable: 'ingest',
    handle: intake.handle,
    isTransient: isPassing,
    // Spread over sixteen journals: a hundred events in each of the log's groups when there is a backlog.
    batch: 2_048,
    concurrency: 2,
    maxBytes: 16 * mebibyte,
  });
  const admission = new Admission(
    {
      bytes: config.BELLWETHER_INGEST_MEMORY_MIB * mebibyte,
      requests: requestsAtOnce,
      bodyLimit: MeasurementLimits.bytes,
    },
    () => counts.turnedAway(),
  );
  const forgetting = forgetIdentities(log, clock, durationMillis(config.BELLWETHER_IDENTITY_WINDOW), logger);
  const sources = new Sources(
    {
      log,
      recorder,
      api: new QueryApi(headersFrom(config.BELLWETHER_PROMETHEUS_HEADERS), sourceTimeoutMillis),
      clock,
      logger,
      counts,
      metrics: new SourceMetrics(metrics.registry),
      lookBack: durationMillis(config.BELLWETHER_PROMETHEUS_LOOKBACK),
      delay: durationMillis(config.BELLWETHER_PROMETHEUS_DELAY),
    },
    metrics.consumers,
  );
  tokens.start();
  sources.start();
  consumer.start();

  return {
    module: IngestModule.with({ log, recorder, metrics: counts, clock }),
    http: {
      host: config.BELLWETHER_HTTP_HOST,
      port: config.BELLWETHER_INGEST_PORT,
      authority,
      // Not waited for before listening: a database that is away must not keep the bootstrap token out.
      tokensKnown: () => tokens.known(),
      bodyLimit: MeasurementLimits.bytes,
      configure: (app) => {
        const server = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
        admission.guard(server);
        takeBodies(server);
      },
    },
    ready: async () => {
      if (!tokens.caughtUp) return 'reading the tokens from the log';
      return bus.connected ? null : 'no connection to NATS';
    },
    close: async () => {
      await Promise.all([forgetting.stop(), sources.stop()]);
      stopListening();
      await Promise.all([consumer.stop(), tokens.stop()]);
      await log.close();
      await bus.drain();
    },
  };
}
