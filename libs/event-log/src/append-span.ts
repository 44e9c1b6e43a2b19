import type { Tracer } from '@bellwether/contracts';
import type { AppendRequest, AppendResult } from './event.js';

/**
 * Appends in a span of the trace that the events name. They are recorded with the span as their trace context: whatever
 * follows from them, here or in another process, is its child.
 */
export async function appendInSpan(
  tracer: Tracer,
  request: AppendRequest,
  append: (request: AppendRequest) => Promise<AppendResult>,
): Promise<AppendResult> {
  const { journal, stream, events } = request;
  const span = tracer.begin(`append ${events[0]?.type}`, {
    kind: 'client',
    parent: events[0]?.meta.traceparent,
    attributes: {
      'db.system.name': 'postgresql',
      'db.operation.name': 'append',
      'db.stored_procedure.name': 'log.append',
      'bellwether.journal': journal,
      'bellwether.stream': stream,
      'bellwether.events': events.length,
    },
  });
  const { traceparent } = span;
  try {
    const traced = events.map((event) => ({
      ...event,
      meta: traceparent === undefined ? event.meta : { ...event.meta, traceparent },
    }));
    const result = await append({ ...request, events: traced });
    const { lastPosition, duplicate } = result;
    span.end({ attributes: { 'bellwether.position': lastPosition, 'bellwether.duplicate': duplicate } });
    return result;
  } catch (error) {
    span.end({ error });
    throw error;
  }
}

/** The same of requests that are appended together: a span for each, all of them as long as the whole. */
export async function appendTogetherInSpans(
  tracer: Tracer,
  requests: readonly AppendRequest[],
  append: (requests: readonly AppendRequest[]) => Promise<AppendResult[]>,
): Promise<AppendResult[]> {
  const traced: AppendRequest[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<AppendResult[]>();
  const spans = requests.map((request, index) =>
    appendInSpan(tracer, request, async (asked) => {
      traced[index] = asked;
      return (await promise)[index] as AppendResult;
    }),
  );
  append(traced).then(resolve, reject);
  return await Promise.all(spans);
}
