import { AsyncLocalStorage } from 'node:async_hooks';

/** The story that the code running now belongs to: what it logs, appends and publishes carries this on. */
export interface RequestContext {
  /** Id of the first request or event of the story. */
  readonly correlationId: string;
  /** The id of the event that is the direct cause, when an event is being handled. */
  readonly causationId?: string | undefined;
  /** W3C trace context that came with the request or event, or that this service began. */
  traceparent?: string | undefined;
  /** Who acts: `user:<name>`, `service:<app>` or `key:<id>`; known once authenticated. */
  actor?: string | undefined;
}

/** Follows a request or an event through every `await`. */
export const requestContext = new AsyncLocalStorage<RequestContext>();

const acceptable = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/;

/** A correlation id from outside, if it is one that may safely stand in logs and headers. */
export function acceptCorrelationId(given: unknown): string | undefined {
  return typeof given === 'string' && acceptable.test(given) ? given : undefined;
}

const traceparentForm = /^[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** A `traceparent` from outside, if it has the form of W3C Trace Context (level 1). */
export function acceptTraceparent(given: unknown): string | undefined {
  return typeof given === 'string' &&
    given.length <= 55 &&
    traceparentForm.test(given) &&
    !given.startsWith('ff')
    ? given
    : undefined;
}
