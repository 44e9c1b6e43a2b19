import {
  CONTROL_JOURNAL,
  type CommandReply,
  type CommandRequest,
  type EventEnvelope,
  type LoggedEvent,
  type OpenSpan,
  Subjects,
  type Tracer,
} from '@bellwether/contracts';

const system = { 'messaging.system': 'nats' } as const;

/**
 * Carries out one end of a command, the asking (`client`) or the answering (`server`), in a span. `work` gets the
 * command with the span as its trace context.
 */
export async function commandInSpan<R extends CommandReply>(
  tracer: Tracer,
  kind: 'client' | 'server',
  subject: string,
  command: CommandRequest,
  work: (command: CommandRequest) => Promise<R>,
): Promise<R> {
  if (!tracer.enabled) return await work(command);
  const operation = kind === 'client' ? 'request' : 'process';
  const span = tracer.begin(`${operation} ${subject}`, {
    kind,
    parent: command.traceparent,
    attributes: {
      ...system,
      'messaging.destination.name': subject,
      'messaging.operation.name': operation,
      'messaging.operation.type': kind === 'client' ? 'send' : 'process',
      'messaging.message.id': command.id,
      'messaging.message.conversation_id': command.correlationId,
    },
  });
  try {
    const reply = await work(within(command, span));
    span.end(outcomeOf(reply));
    return reply;
  } catch (error) {
    span.end({ error });
    throw error;
  }
}

function outcomeOf(reply: CommandReply): Parameters<OpenSpan['end']>[0] {
  const status = reply.ok ? reply.status : reply.problem.status;
  const attributes = { 'bellwether.status': status };
  // What is refused for good reason is no failure of the one who refuses.
  if (reply.ok || status < 500) return { attributes };
  return {
    error: new Error(reply.problem.detail),
    attributes: { ...attributes, 'error.type': String(status) },
  };
}

/** Handles an event in a span of its trace. `work` gets the event with the span as its trace context. */
export async function eventInSpan(
  tracer: Tracer,
  about: { consumer: string; type: string; attempt: number },
  event: EventEnvelope,
  work: (event: EventEnvelope) => Promise<void>,
): Promise<void> {
  if (!tracer.enabled) return await work(event);
  const span = tracer.begin(`process ${about.type}`, {
    kind: 'consumer',
    parent: event.traceparent,
    attributes: {
      ...system,
      'messaging.destination.template': Subjects.event(about.type, '{key}'),
      'messaging.destination.name': Subjects.event(about.type, event.subject),
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.consumer.group.name': about.consumer,
      'messaging.message.id': event.id,
      'messaging.message.conversation_id': event.correlationid,
      'bellwether.position': event.position,
      'bellwether.attempt': about.attempt,
    },
  });
  try {
    await work(within(event, span));
    span.end();
  } catch (error) {
    span.end({ error });
    throw error;
  }
}

/**
 * Begins a span for each event that is copied to the bus and belongs to a trace.
 * @returns what ends them, with the error where the bus did not take it
 */
export function beginCopySpans(
  tracer: Tracer,
  events: readonly LoggedEvent[],
  messages: readonly { subject: string }[],
): (outcomes: readonly (Error | null)[]) => void {
  if (!tracer.enabled) return () => {};
  const spans = events.map(({ id, type, journal, position, meta }, index) => {
    if (meta.traceparent === undefined) return undefined;
    const subject = messages[index]?.subject ?? '';
    return tracer.begin(`send ${journal === CONTROL_JOURNAL ? Subjects.event(type, '{key}') : subject}`, {
      kind: 'producer',
      parent: meta.traceparent,
      attributes: {
        ...system,
        'messaging.destination.name': subject,
        'messaging.operation.name': 'publish',
        'messaging.operation.type': 'send',
        'messaging.message.id': id,
        'messaging.message.conversation_id': meta.correlationId,
        'bellwether.position': position,
      },
    });
  });
  return (outcomes) => {
    for (const [index, span] of spans.entries()) {
      const error = outcomes[index];
      span?.end(error ? { error } : {});
    }
  };
}

function within<T extends { traceparent?: string | undefined }>(message: T, { traceparent }: OpenSpan): T {
  return traceparent === undefined ? message : { ...message, traceparent };
}
