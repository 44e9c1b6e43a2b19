import { type EventEnvelope, eventEnvelope, problem } from '@bellwether/contracts';

const pageSize = 500;

export interface EventsApiOptions {
  /** Address of the api: `http://127.0.0.1:8080`. */
  url: string;
  /** A token with the role `viewer` or above. */
  token: string;
  timeoutMs?: number;
}

/** Reads the control log through `GET /v1/events`: the truth that the stream EVENTS is a copy of. */
export class EventsApi {
  constructor(private readonly options: EventsApiOptions) {}

  /**
   * Events above a position, in order.
   *
   * @param types for `type=`; all when absent
   * @throws when there is no answer, or one that is no page of events
   */
  async after(
    position: number,
    signal: AbortSignal,
    options: { types?: string | undefined; limit?: number } = {},
  ): Promise<EventEnvelope[]> {
    const url = new URL('/v1/events', this.options.url);
    url.searchParams.set('after', String(position));
    url.searchParams.set('limit', String(options.limit ?? pageSize));
    if (options.types !== undefined) url.searchParams.set('type', options.types);
    const response = await fetch(url, {
      headers: { authorization: `Bearer ${this.options.token}` },
      signal: AbortSignal.any([signal, AbortSignal.timeout(this.options.timeoutMs ?? 15_000)]),
    });
    const body: unknown = await response.json().catch(() => undefined);
    if (!response.ok) {
      const said = problem.safeParse(body);
      throw new Error(
        `GET /v1/events was answered ${response.status}${said.success ? `: ${said.data.detail}` : ''}`,
      );
    }
    const items = body !== null && typeof body === 'object' && 'items' in body ? body.items : undefined;
    if (!Array.isArray(items)) throw new Error('GET /v1/events did not answer with a page of events');
    return items.map((item) => eventEnvelope.parse(item) as EventEnvelope);
  }

  /** Whether a page of this length is the last one for now. */
  isLast(events: readonly EventEnvelope[]): boolean {
    return events.length < pageSize;
  }
}
