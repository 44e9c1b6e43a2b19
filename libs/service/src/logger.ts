import type { LoggerService } from '@nestjs/common';
import { type DestinationStream, type Logger, pino } from 'pino';
import type { ServiceConfig } from './config.js';
import { redact, redactText } from './redact.js';
import { requestContext } from './request-context.js';

export type { Logger } from 'pino';

/**
 * The one logger of a process: JSON lines on standard output, each with the service's name and, inside a
 * request or an event, its `correlationId`. Secrets are hidden wherever they stand.
 */
export function createLogger(
  config: Pick<ServiceConfig, 'BELLWETHER_LOG_LEVEL'> & { name?: string },
  destination?: DestinationStream,
): Logger {
  const options = {
    level: config.BELLWETHER_LOG_LEVEL,
    base: config.name === undefined ? null : { service: config.name },
    timestamp: pino.stdTimeFunctions.isoTime,
    messageKey: 'message',
    errorKey: 'error',
    mixin: () => {
      const context = requestContext.getStore();
      if (context === undefined) return {};
      return context.actor === undefined
        ? { correlationId: context.correlationId }
        : { correlationId: context.correlationId, actor: context.actor };
    },
    formatters: {
      level: (level: string) => ({ level }),
      log: (record: object) => redact(record) as Record<string, unknown>,
    },
    // The record is redacted as a whole above; without this, pino would put the raw error in first.
    serializers: { error: (error: unknown) => error, err: (error: unknown) => error },
    hooks: {
      logMethod(args: unknown[], method: (...args: never[]) => void) {
        const safe = args.map((argument) => (typeof argument === 'string' ? redactText(argument) : argument));
        method.apply(this as never, safe as never[]);
      },
    },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/** Lets Nest write through the process's own logger. */
export class NestLog implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }
  warn(message: unknown, ...rest: unknown[]): void {
    this.write('warn', message, rest);
  }
  error(message: unknown, ...rest: unknown[]): void {
    this.write('error', message, rest);
  }
  fatal(message: unknown, ...rest: unknown[]): void {
    this.write('fatal', message, rest);
  }
  debug(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }
  verbose(message: unknown, ...rest: unknown[]): void {
    this.write('trace', message, rest);
  }

  // Nest tells of every route and module it maps at level `log`: of use to a developer, noise in operation.
  private write(
    level: 'trace' | 'debug' | 'warn' | 'error' | 'fatal',
    message: unknown,
    rest: unknown[],
  ): void {
    const context = typeof rest.at(-1) === 'string' ? { context: rest.at(-1) } : {};
    if (message instanceof Error) this.logger[level]({ ...context, error: message }, message.message);
    else if (typeof message === 'string') this.logger[level](context, message);
    else this.logger[level]({ ...context, detail: message }, 'nest');
  }
}
