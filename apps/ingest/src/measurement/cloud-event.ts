import { isStorable, MEASUREMENT_CE_TYPE, timestamp } from '@bellwether/contracts';
import { parseBody } from './body.js';
import { whyNoInstant } from './instant.js';
import { Refusal } from './refusal.js';

/** What a CloudEvent says of its measurement. */
export interface MeasurementEvent {
  source: string;
  id: string;
  subject: string | undefined;
  /** The measurement, still unchecked. */
  data: unknown;
  /** Where `data` stands in the message, for the paths of faults; empty when it is the whole body. */
  place: string;
}

type Attributes = Record<string, unknown>;

const jsonType = /^[a-z0-9!#$&^_.+-]+\/(?:[a-z0-9!#$&^_.+-]+\+)?json(?:\s*;.*)?$/i;
const prefix = 'ce-';
const telling = ['ce-specversion', 'ce-id', 'ce-source', 'ce-type'];

/** Whether a content type says JSON: `application/json`, `…+json`, with parameters or without. */
export function isJsonType(contentType: string): boolean {
  return jsonType.test(contentType.trim());
}

/** Whether a parsed body is a CloudEvent in structured mode; a bare measurement has no such key. */
export function isStructured(body: unknown): body is Attributes {
  return typeof body === 'object' && body !== null && Object.hasOwn(body, 'specversion');
}

/** Whether headers are those of a CloudEvent in binary mode. */
export function isBinary(header: (name: string) => string | undefined): boolean {
  return telling.some((name) => header(name) !== undefined);
}

/** Reads structured mode: the whole event is the body. @throws Refusal */
export function structuredEvent(body: unknown): MeasurementEvent {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw Refusal.malformed('a CloudEvent must be an object');
  }
  const event = body as Attributes;
  const { source, id } = readAttributes((name) => (Object.hasOwn(event, name) ? event[name] : undefined));
  const contentType = event.datacontenttype;
  if (contentType !== undefined && (typeof contentType !== 'string' || !isJsonType(contentType))) {
    throw Refusal.malformed('must be JSON, since a measurement is', 'datacontenttype');
  }
  return { source, id, subject: subjectOf(event.subject), ...dataOf(event) };
}

/** Reads binary mode: attributes in headers `ce-…`, percent-encoded; the body is the data. @throws Refusal */
export function binaryEvent(
  header: (name: string) => string | undefined,
  body: () => unknown,
): MeasurementEvent {
  const attribute = (name: string) => {
    const value = header(prefix + name);
    return value === undefined ? undefined : percentDecoded(value, prefix + name);
  };
  const { source, id } = readAttributes(attribute, prefix);
  return { source, id, subject: subjectOf(attribute('subject')), data: body(), place: '' };
}

function readAttributes(attribute: (name: string) => unknown, where = ''): { source: string; id: string } {
  if (attribute('specversion') !== '1.0') throw Refusal.malformed('must be "1.0"', `${where}specversion`);
  if (attribute('type') !== MEASUREMENT_CE_TYPE) {
    throw Refusal.malformed(`must be "${MEASUREMENT_CE_TYPE}"`, `${where}type`);
  }
  const id = attribute('id');
  if (typeof id !== 'string' || id === '' || !isStorable(id)) {
    throw Refusal.malformed('must be a text, not empty, without NUL or lone surrogates', `${where}id`);
  }
  const source = attribute('source');
  if (typeof source !== 'string' || !isUriReference(source)) {
    throw Refusal.malformed(
      'must be a URI reference: a text, not empty, without white space',
      `${where}source`,
    );
  }
  const time = attribute('time');
  if (time !== undefined && !timestamp.safeParse(time).success) {
    throw Refusal.malformed(whyNoInstant(time), `${where}time`);
  }
  return { source, id };
}

function dataOf(event: Attributes): { data: unknown; place: string } {
  const hasData = Object.hasOwn(event, 'data');
  if (Object.hasOwn(event, 'data_base64')) {
    const encoded = event.data_base64;
    if (hasData) throw Refusal.malformed('must not stand beside data', 'data_base64');
    if (typeof encoded !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(encoded) || encoded.length % 4 !== 0) {
      throw Refusal.malformed('must be base64', 'data_base64');
    }
    return { data: parseBody(Buffer.from(encoded, 'base64')), place: 'data_base64' };
  }
  if (!hasData) throw Refusal.malformed('is missing', 'data');
  return { data: event.data, place: 'data' };
}

function subjectOf(subject: unknown): string | undefined {
  if (subject === undefined) return undefined;
  if (typeof subject !== 'string' || subject === '') {
    throw Refusal.malformed('must be a text, "<service>/<sli>"', 'subject');
  }
  return subject;
}

// Without white space the two parts of an identity, source and id, cannot run into each other.
function isUriReference(text: string): boolean {
  return text !== '' && isStorable(text) && !/\s/.test(text);
}

function percentDecoded(value: string, name: string): string {
  const unquoted = /^"(?:[^"\\]|\\.)*"$/.test(value) ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value;
  if (!unquoted.includes('%')) return unquoted;
  try {
    return decodeURIComponent(unquoted);
  } catch {
    throw Refusal.malformed('is not percent-encoded UTF-8', name);
  }
}
