import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { uuidv7 } from 'uuidv7';
import { acceptCorrelationId, acceptTraceparent, requestContext } from './request-context.js';
import type { Tracing } from './tracing.js';

/**
 * Runs every handler of a bus message (an event or a command) in the story it belongs to: logs carry its
 * correlation id, what it causes carries its trace.
 */
@Injectable()
export class ContextInterceptor implements NestInterceptor {
  constructor(private readonly tracing: Tracing) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() !== 'rpc') return next.handle();
    const story = storyOf(context.switchToRpc().getData());
    const name = `handle ${context.getClass().name}.${context.getHandler().name}`;
    return from(
      requestContext.run(story, () =>
        this.tracing.span(name, { kind: 'consumer', parent: story.traceparent }, () =>
          lastValueFrom(next.handle(), { defaultValue: undefined }),
        ),
      ),
    );
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
