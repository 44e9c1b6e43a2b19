import { connectBus, JetStreamCopy, SubscriberApi } from '@bellwether/bus';
import { durationMillis, JOURNALS } from '@bellwether/contracts';
import { EventLog, Relay } from '@bellwether/event-log';
import type { ServiceContext, ServiceParts } from '@bellwether/service';
import { archiveMeasurements } from './archive.js';
import type { RelayConfig } from './config.js';

/** Puts the relay together. */
export async function build(context: ServiceContext<RelayConfig>): Promise<ServiceParts> {
  const { config, logger, metrics, clock, tracing, signal } = context;
  const bus = await connectBus({
    servers: config.NATS_URL,
    name: 'relay',
    log: logger,
    metrics: metrics.consumers,
    tracer: tracing,
    signal,
  });
  const log = EventLog.open({
    name: 'relay',
    connectionString: config.DATABASE_URL,
    metrics: metrics.registry,
  });
  let archiving: ReturnType<typeof archiveMeasurements> = null;
  const relay = new Relay({
    log,
    target: new JetStreamCopy(bus),
    journals: JOURNALS,
    retention: {
      maxAgeMs: durationMillis(config.BELLWETHER_RELAY_RETENTION),
      maxEvents: config.BELLWETHER_RELAY_RETENTION_EVENTS,
    },
    clock,
    metrics: metrics.registry,
    consumers: metrics.consumers,
    onError: (error, doing) => logger.warn({ error, doing }, 'the relay tries again'),
    onRecovery: (journal, reason, after) =>
      logger.warn({ journal, reason, after }, 'the copy in JetStream is published again from the log'),
    onLead: (leading) => {
      logger.info({ leading }, leading ? 'leading' : 'standing by');
      void archiving?.stop();
      archiving = leading ? archiveMeasurements(config, { clock, logger }) : null;
    },
  });
  const stopListening = bus.onNudge((journal, position) => log.nudge(journal, position));
  // The server may have come back with less than it had.
  const stopWatching = bus.onBack(() => relay.lookAtCopy());
  const subscribers = new SubscriberApi({ bus, service: 'relay' });
  relay.start();

  return {
    // A stand-by is ready, too: it has nothing to do as long as another leads.
    ready: async () => {
      if (!bus.connected) return 'no connection to NATS';
      const reached = await log.heads().then(
        () => true,
        () => false,
      );
      return reached ? null : 'no connection to Postgres';
    },
    close: async () => {
      stopListening();
      stopWatching();
      await subscribers.stop();
      await archiving?.stop();
      await relay.stop();
      await log.close();
      await bus.drain();
    },
  };
}
