import type { AddressInfo } from 'node:net';
import type { Clock } from '@bellwether/contracts';
import { type DynamicModule, Module, type Type } from '@nestjs/common';
import type { CustomTransportStrategy } from '@nestjs/microservices';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AdminServer } from './admin-server.js';
import { clockFromEnvironment } from './clock.js';
import { ConfigError, type ServiceConfig } from './config.js';
import { createApplication, type HttpOptions } from './http-application.js';
import { createLogger, type Logger } from './logger.js';
import { Metrics } from './metrics.js';
import { startTracing, type Tracing } from './tracing.js';

/** What a service gets from its process. */
export interface ServiceContext<C extends ServiceConfig = ServiceConfig> {
  readonly name: string;
  readonly config: C;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly tracing: Tracing;
  /** Aborted when the service begins to drain: long answers and loops end on it. */
  readonly signal: AbortSignal;
  /** Ends the process with an error that it cannot go on from; the supervisor starts it again. */
  fail(error: unknown): void;
}

/** What a service is made of. */
export interface ServiceParts {
  /** Nest module with the handlers. */
  module?: Type<unknown> | DynamicModule;
  /** Transports that the handlers listen on. */
  strategies?: CustomTransportStrategy[];
  /** The public HTTP, for the services that have one. */
  http?: HttpOptions;
  /** Null when the service should get work, else why not. */
  ready: () => Promise<string | null>;
  /** Runs once nothing more comes in: finish, then let go of connections. */
  close: () => Promise<void>;
}

export interface ServiceDefinition<C extends ServiceConfig = ServiceConfig> {
  name: string;
  /** The configuration, or what reads it: then {@link startService} tells of a {@link ConfigError} in its own words. */
  config: C | (() => C);
  build: (context: ServiceContext<C>) => Promise<ServiceParts>;
}

/** A service that runs in this process. */
export interface RunningService {
  readonly adminPort: number;
  /** Port of the public HTTP, when there is one. */
  readonly httpPort: number | undefined;
  /** Resolves when the service first says that it is ready. */
  readonly becameReady: Promise<void>;
  /** Drains: no new work, the work in hand is finished, connections are let go. Repeats wait for the first. */
  stop(): Promise<void>;
}

const readinessPollMillis = 50;
const drainDeadlineMillis = 15_000;
/** EX_CONFIG of sysexits.h: starting again with the same environment would not help. */
const exitConfig = 78;

@Module({})
class NoModule {}

/**
 * Starts a service in this process without taking over the process (signals, exit): what tests use, and what
 * {@link startService} is made of.
 */
export async function runService<C extends ServiceConfig>(
  definition: ServiceDefinition<C>,
  options: { onFail?: (error: unknown) => void; logger?: Logger; drainDeadlineMs?: number } = {},
): Promise<RunningService> {
  const { name } = definition;
  const config = configOf(definition);
  const logger = options.logger ?? createLogger({ BELLWETHER_LOG_LEVEL: config.BELLWETHER_LOG_LEVEL, name });
  const metrics = new Metrics(name);
  const tracing = await startTracing(name, config, logger);
  const draining = new AbortController();
  const state: { parts?: ServiceParts; app?: NestFastifyApplication; started: boolean } = { started: false };

  let failure = '';
  const reasons = async (): Promise<string[]> => {
    if (draining.signal.aborted) return ['draining'];
    if (!state.started || state.parts === undefined) return ['starting'];
    const reason = await state.parts.ready().catch((error: unknown) => {
      // It is asked many times a second: the same failure is said once.
      if (String(error) !== failure) logger.warn({ error }, 'the check of readiness failed');
      failure = String(error);
      return 'the check of readiness failed';
    });
    if (reason === null) failure = '';
    return reason === null ? [] : [reason];
  };
  const health = { reasons, metrics };
  const admin = await AdminServer.listen(config.BELLWETHER_ADMIN_HOST, config.BELLWETHER_ADMIN_PORT, health);

  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopping ??= drain();
    return stopping;
  };
  async function drain(): Promise<void> {
    draining.abort();
    // Connections that only wait for an answer get it; those that never end are cut at the deadline.
    const deadline = options.drainDeadlineMs ?? drainDeadlineMillis;
    const cut = setTimeout(() => state.app?.getHttpServer().closeAllConnections(), deadline);
    try {
      await state.app?.close();
      await state.parts?.close();
    } finally {
      clearTimeout(cut);
      await tracing.stop();
      await admin.close();
    }
  }

  try {
    const parts = await definition.build({
      name,
      config,
      logger,
      metrics,
      tracing,
      clock: clockFromEnvironment({ BELLWETHER_CLOCK_FILE: config.BELLWETHER_CLOCK_FILE }),
      signal: draining.signal,
      fail: (error) => options.onFail?.(error),
    });
    state.parts = parts;
    const app = await createApplication(
      parts.module ?? NoModule,
      { logger, tracing, health, signal: draining.signal },
      parts.http,
    );
    state.app = app;
    for (const strategy of parts.strategies ?? []) {
      app.connectMicroservice({ strategy }, { inheritAppConfig: true });
    }
    await app.startAllMicroservices();
    if (parts.http === undefined) await app.init();
    else await app.listen(parts.http.port, parts.http.host);
    state.started = true;
  } catch (error) {
    // What was opened so far would keep the process alive after its start failed.
    await stop().catch((failure: unknown) => logger.error({ error: failure }, 'stopping failed'));
    throw error;
  }

  return {
    adminPort: admin.port,
    httpPort:
      state.parts.http === undefined ? undefined : (state.app.getHttpServer().address() as AddressInfo).port,
    becameReady: untilReady(reasons, draining.signal, logger),
    stop,
  };
}

/**
 * Runs a service as this process: SIGTERM, SIGINT or the loss of a supervisor's channel drain it, a second
 * signal ends it at once, an unexpected error ends it with code 1. A supervisor gets
 * `{type: 'ready', adminPort, httpPort}` over its channel.
 */
export async function startService<C extends ServiceConfig>(definition: ServiceDefinition<C>): Promise<void> {
  const { name } = definition;
  const config = configOrExit(definition);
  const logger = createLogger({ BELLWETHER_LOG_LEVEL: config.BELLWETHER_LOG_LEVEL, name });
  let running: RunningService | undefined;
  let ending = false;

  const end = (why: string, code: number): void => {
    if (ending) process.exit(1);
    ending = true;
    logger.info({ why }, 'draining');
    const deadline = setTimeout(() => {
      logger.error('draining took too long');
      process.exit(1);
    }, drainDeadlineMillis + 5_000);
    deadline.unref();
    void Promise.resolve(running?.stop()).then(
      () => process.exit(code),
      (error: unknown) => {
        logger.error({ error }, 'draining failed');
        process.exit(1);
      },
    );
  };
  const die = (error: unknown): void => {
    logger.fatal({ error }, 'ending after an error that this process cannot go on from');
    process.exit(1);
  };

  process.on('SIGTERM', () => end('SIGTERM', 0));
  process.on('SIGINT', () => end('SIGINT', 0));
  process.on('uncaughtException', die);
  process.on('unhandledRejection', die);
  if (process.send !== undefined) process.on('disconnect', () => end('the supervisor is gone', 0));

  try {
    running = await runService(
      { ...definition, config },
      {
        logger,
        onFail: (error) => {
          logger.fatal({ error }, 'the service cannot go on');
          end('failed', 1);
        },
      },
    );
  } catch (error) {
    die(error);
    return;
  }
  const { adminPort, httpPort } = running;
  await running.becameReady;
  if (ending) return;
  logger.info({ adminPort, httpPort }, 'ready');
  process.send?.({ type: 'ready', adminPort, httpPort });
}

function configOf<C extends ServiceConfig>({ config }: ServiceDefinition<C>): C {
  return typeof config === 'function' ? config() : config;
}

// Who forgot a variable needs its name, not a stack trace.
function configOrExit<C extends ServiceConfig>(definition: ServiceDefinition<C>): C {
  try {
    return configOf(definition);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(exitConfig);
  }
}

async function untilReady(
  reasons: () => Promise<string[]>,
  signal: AbortSignal,
  logger: Logger,
): Promise<void> {
  let told = '';
  while (!signal.aborted) {
    const now = (await reasons()).join(', ');
    if (now === '') return;
    if (now !== told) logger.info({ reasons: now }, 'not ready yet');
    told = now;
    await new Promise((resolve) => setTimeout(resolve, readinessPollMillis));
  }
}
