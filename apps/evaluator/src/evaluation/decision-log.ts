import type { AppendRequest, AppendResult, EventLog, NewEvent } from '@bellwether/event-log';
import { type Logger, requestContext, type Tracing } from '@bellwether/service';

/**
 * Appends what was decided about an SLO or an SLI: in a span of the trace of the measurement that tipped it, and with
 * a line in the service's log that belongs to the same story.
 */
export class DecisionLog {
  constructor(
    private readonly log: Pick<EventLog, 'append'>,
    private readonly tracing: Pick<Tracing, 'span'>,
    private readonly logger: Pick<Logger, 'info'>,
  ) {}

  /** Appends one event; a repeat of what was decided before is appended, and told of, once. */
  async append({
    event,
    ...request
  }: Omit<AppendRequest, 'events'> & { event: NewEvent }): Promise<AppendResult> {
    const { stream } = request;
    const { type, data, meta } = event;
    const { correlationId, actor, traceparent } = meta;
    return await requestContext.run({ correlationId, actor, traceparent }, () =>
      this.tracing.span(`evaluate ${type}`, { attributes: { 'bellwether.stream': stream } }, async (span) => {
        const traced = span.traceparent === undefined ? meta : { ...meta, traceparent: span.traceparent };
        const result = await this.log.append({ ...request, events: [{ ...event, meta: traced }] });
        const { duplicate, lastPosition: position } = result;
        if (!duplicate) this.logger.info({ stream, position, data }, type);
        return result;
      }),
    );
  }
}
