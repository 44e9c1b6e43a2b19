import { context, propagation, type SpanOptions, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Batch } from './batch.js';

/**
 * Sends a batch in a span of the program that measures, if that has set OpenTelemetry up; else this does nothing but
 * send. `send` gets the headers that carry the trace on.
 */
export async function sendInSpan<T>(
  batch: Batch,
  name: string,
  options: SpanOptions,
  send: (headers: Record<string, string>) => Promise<T>,
): Promise<T> {
  const { origin, links } = batch;
  const tracer = trace.getTracer('@bellwether/client');
  const span = tracer.startSpan(name, { ...options, links: [...links] }, origin);
  const inside = trace.setSpan(origin, span);
  const headers: Record<string, string> = {};
  propagation.inject(inside, headers);
  try {
    return await context.with(inside, () => send(headers));
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    span.setAttribute('error.type', name);
    span.setStatus({ code: SpanStatusCode.ERROR, message });
    throw error;
  } finally {
    span.end();
  }
}
