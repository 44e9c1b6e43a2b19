import {
  CLOUDEVENTS_JSON,
  CONTROL_JOURNAL,
  type EventEnvelope,
  Headers,
  JsonText,
  keyOfStream,
  type LoggedEvent,
  parsed,
  Subjects,
  toEnvelope,
} from '@bellwether/contracts';
import { headers, type MsgHdrs } from '@nats-io/transport-node';
import { headerText } from './bus.js';

/** A logged event as it goes over the wire. */
export interface EventMessage {
  subject: string;
  headers: MsgHdrs;
  body: Uint8Array;
}

/** Room for headers and subject beside the body, in bytes. */
const HEADER_ROOM = 4096;
/** Of the services of an event, in characters. */
const LONGEST_LIST = 2048;

/**
 * The message of an event: CloudEvents 1.0, structured JSON, with what filters need repeated in headers.
 *
 * An event too large for the server goes out without its data and with the CloudEvents extension `dataref`, which
 * says where it is to be had. Leaving it out would look like a loss, and insisting on it would stop all that follow.
 */
export function encodeEvent(event: LoggedEvent, maxPayload: number): EventMessage {
  let body = Buffer.from(envelopeText(event));
  if (body.length + HEADER_ROOM > maxPayload) {
    const dataref = `/v1/events?after=${event.position - 1}&limit=1`;
    body = Buffer.from(JSON.stringify({ ...toEnvelope(event), data: null, dataref }));
  }
  const head = headers();
  head.set(Headers.contentType, CLOUDEVENTS_JSON);
  head.set(Headers.position, String(event.position));
  head.set(Headers.journal, event.journal);
  const { service, severity } = filtersOf(event);
  if (service) head.set(Headers.service, service);
  if (severity) head.set(Headers.severity, severity);
  if (event.meta.traceparent) head.set(Headers.traceparent, headerText(event.meta.traceparent));
  return { subject: subjectOf(event), headers: head, body };
}

/** The envelope as JSON; data that is text already goes in as it is. */
function envelopeText(event: LoggedEvent): string {
  const envelope = toEnvelope(event);
  if (!(event.data instanceof JsonText)) return JSON.stringify(envelope);
  const { data, ...rest } = envelope;
  return `${JSON.stringify(rest).slice(0, -1)},"data":${event.data.text}}`;
}

/** Reads an event off the wire; null for one that was too large for it and has to be read from the log. */
export function decodeEvent(body: Uint8Array): EventEnvelope | null {
  const envelope = JSON.parse(Buffer.from(body).toString('utf8')) as EventEnvelope & { dataref?: string };
  return envelope.dataref === undefined ? envelope : null;
}

function subjectOf(event: LoggedEvent): string {
  if (event.journal !== CONTROL_JOURNAL) return Subjects.measured(event.journal);
  // Names are DNS labels by contract; anything else must not turn into wildcards or a broken protocol line.
  return Subjects.event(event.type, keyOfStream(event.stream).replace(/[\s*>\p{Cc}]/gu, '_'));
}

/** What filters need: as the writer of the event says, else as its data does. */
function filtersOf(event: LoggedEvent): { service?: string | undefined; severity?: string | undefined } {
  // The points of a measurement are many, and its stream names the service.
  if (event.journal !== CONTROL_JOURNAL) return { service: keyOfStream(event.stream).split('/', 1)[0] };
  const { services, severity } = event.meta.filters ?? {};
  const data = parsed(event.data);
  return {
    service: services ? listed(services) : serviceOf(event.stream, data),
    severity: severity ? headerText(severity) : textField(data, 'severity'),
  };
}

function serviceOf(stream: string, data: unknown): string | undefined {
  const one = textField(data, 'service');
  if (one) return one;
  if (typeof data === 'object' && data !== null && 'services' in data && Array.isArray(data.services)) {
    return listed(data.services.filter((name) => typeof name === 'string'));
  }
  return /^(service|change):/.test(stream) ? headerText(keyOfStream(stream)) : undefined;
}

/** As many as a header holds, each of them whole: half a name would be another service. */
function listed(names: readonly string[]): string {
  const all = headerText(names.join(','), Number.POSITIVE_INFINITY);
  return all.length <= LONGEST_LIST ? all : all.slice(0, Math.max(0, all.lastIndexOf(',', LONGEST_LIST)));
}

function textField(data: unknown, name: string): string | undefined {
  if (typeof data !== 'object' || data === null) return undefined;
  const value = (data as Record<string, unknown>)[name];
  return typeof value === 'string' && value !== '' ? headerText(value) : undefined;
}
