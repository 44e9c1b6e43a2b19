import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { uuidv7 } from 'uuidv7';
import type { Logger } from './logger.js';
import { acceptCorrelationId, acceptTraceparent, requestContext } from './request-context.js';

/**
 * Runs every handler of a bus message (an event or a command) in the story it belongs to: logs carry its
 * correlation id, what it causes carries its trace.
 */
@Injectable()
export class ContextInterceptor implements NestInterceptor {
  constructor(private readonly logger: Pick<Logger, 'debug'>) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() !== 'rpc') return next.handle();
    const story = storyOf(context.switchToRpc().getData());
    const handler = `${context.getClass().name}.${context.getHandler().name}`;
    const run = async () => {
      const begun = performance.now();
      const result = await lastValueFrom(next.handle(), { defaultValue: undefined });
      const took = Math.round((performance.now() - begun) * 10) / 10;
      this.logger.debug({ handler, event: story.causationId, tookMs: took }, 'handled');
      return result;
    };
    return from(requestContext.run(story, run));
  }
}

function storyOf(message: unknown): {
  correlationId: string;
  causationId: string | undefined;
  traceparent: string | undefined;
  actor: string | undefined;
} {
  const fields: Record<string, unknown> =
    message !== null && typeof message === 'object' ? { ...message } : {};
  const id = acceptCorrelationId(fields.id);
  return {
    correlationId:
      acceptCorrelationId(fields.correlationid) ??
      acceptCorrelationId(fields.correlationId) ??
      id ??
      uuidv7(),
    causationId: id,
    traceparent: acceptTraceparent(fields.traceparent),
    actor: typeof fields.actor === 'string' ? fields.actor : undefined,
  };
}
