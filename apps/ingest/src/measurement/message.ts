import { hash } from 'node:crypto';
import { Headers, isStorable, MeasurementLimits, resourceName } from '@bellwether/contracts';
import { parseBody } from './body.js';
import {
  binaryEvent,
  isBinary,
  isStructured,
  type MeasurementEvent,
  structuredEvent,
} from './cloud-event.js';
import { readPlainMessage } from './plain-message.js';
import { type Points, readPoints } from './points.js';
import { Refusal } from './refusal.js';

/** A measurement that was read and checked, ready for the log. */
export interface MeasurementMessage {
  service: string;
  sli: string;
  /** What makes two messages one; null when each is new. */
  identity: string | null;
  points: Points;
}

/** The clock, as a message is read. */
export interface Reception {
  /** Epoch milliseconds: the `at` of points that have none. */
  receivedAt: number;
  /** Epoch milliseconds: what "ahead" and "too old" are measured from. */
  now: number;
}

/** One header of a message by its lower-case name. */
export type HeaderReader = (name: string) => string | undefined;

const namePattern = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
/** What is said of an `Idempotency-Key` that is there and says nothing. */
export const EMPTY_KEY = 'must not be empty; leave it out of a request that need not be repeatable';
const keyHeader = Headers.messageId.toLowerCase();

/**
 * The log's command id of an identity: the same however the message came. Short, since there is one for each message,
 * in a table and in its index.
 */
export function commandOf(identity: string): string {
  return `m:${hash('sha256', identity, 'base64url')}`;
}

/**
 * Reads a message of the stream SLI: a CloudEvent in structured or binary mode, or the bare measurement.
 *
 * @param fallback its identity when neither event nor header gives one: where it stands in the stream
 * @throws Refusal
 */
export function readFromBus(
  message: { subject: string; data: Uint8Array; header: HeaderReader },
  fallback: () => string,
  reception: Reception,
): MeasurementMessage {
  const { header } = message;
  const [service = '', sli = '', ...more] = message.subject.split('.').slice(1);
  if (more.length > 0) {
    throw Refusal.malformed('the subject must be sli.<service>.<sli>, each a name without dots', 'subject');
  }
  checkNames(service, sli, 'subject');
  if (isBinary(header)) {
    const event = binaryEvent(header, () => parseBody(message.data));
    return measured(service, sli, identityOf(event), event, reception);
  }
  // An empty message id is none to the broker, whose own deduplication passes over it.
  const keyed = () => {
    const key = header(keyHeader);
    return key === undefined || key === '' ? fallback() : keyIdentity(key, Headers.messageId);
  };
  const plain = readPlainMessage(message.data, { service, sli, ...reception });
  if (plain !== null) {
    const { event, points } = plain;
    return { service, sli, identity: event === null ? keyed() : identityOf(event), points };
  }
  const body = parseBody(message.data);
  if (isStructured(body)) {
    const event = structuredEvent(body);
    return measured(service, sli, identityOf(event), event, reception);
  }
  return measured(service, sli, keyed(), { data: body, place: '' }, reception);
}

/**
 * Reads a measurement of one SLI that came over HTTP, in any mode but batch.
 *
 * @throws Refusal
 */
export function readFromRequest(
  request: { service: string; sli: string; body: Uint8Array; structured: boolean; header: HeaderReader },
  reception: Reception,
): MeasurementMessage {
  const { service, sli, header } = request;
  checkNames(service, sli, 'path');
  checkKey(header);
  if (!request.structured && isBinary(header)) {
    const event = binaryEvent(header, () => parseBody(request.body));
    return measured(service, sli, identityOf(event), event, reception);
  }
  const keyed = () => {
    const key = header('idempotency-key');
    return key === undefined ? null : keyIdentity(key, 'Idempotency-Key');
  };
  const plain = readPlainMessage(request.body, { service, sli, ...reception });
  if (plain !== null && (plain.event !== null || !request.structured)) {
    const { event, points } = plain;
    return { service, sli, identity: event === null ? keyed() : identityOf(event), points };
  }
  const body = parseBody(request.body);
  if (request.structured || isStructured(body)) {
    const event = structuredEvent(body);
    return measured(service, sli, identityOf(event), event, reception);
  }
  return measured(service, sli, keyed(), { data: body, place: '' }, reception);
}

/**
 * Reads CloudEvents that name their SLI in `subject`, as `<service>/<sli>`: a batch, or one event in structured
 * or binary mode. One that is refused refuses all: nothing of a batch is half accepted.
 *
 * @throws Refusal whose paths begin with the event's index
 */
export function readAddressed(
  request: { body: Uint8Array; mode: 'batch' | 'structured' | 'binary'; header: HeaderReader },
  reception: Reception,
): MeasurementMessage[] {
  checkKey(request.header);
  if (request.mode === 'binary') {
    if (!isBinary(request.header)) {
      throw Refusal.malformed(
        'name the SLI: POST /v1/measurements/{service}/{sli}, or send a CloudEvent with a subject',
      );
    }
    return [
      addressed(
        binaryEvent(request.header, () => parseBody(request.body)),
        'ce-subject',
        reception,
      ),
    ];
  }
  const body = parseBody(request.body);
  if (request.mode === 'structured') return [addressed(structuredEvent(body), 'subject', reception)];
  if (!Array.isArray(body)) throw Refusal.malformed('a batch must be an array of CloudEvents');
  if (body.length > MeasurementLimits.points) {
    throw Refusal.malformed(`a batch must have at most ${MeasurementLimits.points} CloudEvents`);
  }
  const messages = body.map((event, index) => {
    try {
      return addressed(structuredEvent(event), 'subject', reception);
    } catch (error) {
      throw error instanceof Refusal ? error.within(String(index)) : error;
    }
  });
  refuseContradictions(messages);
  return messages;
}

/** Two events of one identity with other content cannot both be right. */
function refuseContradictions(messages: readonly MeasurementMessage[]): void {
  const hashes = new Map<string, string>();
  for (const [index, { identity, points }] of messages.entries()) {
    if (identity === null) continue;
    const before = hashes.get(identity);
    if (before !== undefined && before !== points.hash) {
      throw Refusal.identityReused().within(`${index}.id`);
    }
    hashes.set(identity, points.hash);
  }
}

function addressed(event: MeasurementEvent, path: string, reception: Reception): MeasurementMessage {
  const [service = '', sli = '', ...more] = (event.subject ?? '').split('/');
  if (more.length > 0 || !namePattern.test(service) || !namePattern.test(sli)) {
    throw Refusal.malformed('must name the SLI, "<service>/<sli>"', path);
  }
  return measured(service, sli, identityOf(event), event, reception);
}

function measured(
  service: string,
  sli: string,
  identity: string | null,
  body: { data: unknown; place: string },
  { receivedAt, now }: Reception,
): MeasurementMessage {
  try {
    return { service, sli, identity, points: readPoints(body.data, { service, sli, receivedAt, now }) };
  } catch (error) {
    throw error instanceof Refusal && body.place !== '' ? error.within(body.place) : error;
  }
}

function checkNames(service: string, sli: string, place: 'subject' | 'path'): void {
  for (const [what, name] of [
    ['service', service],
    ['sli', sli],
  ] as const) {
    if (namePattern.test(name)) continue;
    const why = resourceName.safeParse(name).error?.issues[0]?.message ?? 'must be a name';
    throw Refusal.malformed(why, place === 'subject' ? 'subject' : what);
  }
}

function identityOf({ source, id }: MeasurementEvent): string {
  return `event:${source} ${id}`;
}

/** Also beside an event, which has an identity of its own: what the sender meant by it is not known. */
function checkKey(header: HeaderReader): void {
  if (header('idempotency-key') === '') throw Refusal.malformed(EMPTY_KEY, 'Idempotency-Key');
}

// A message id and an idempotency key are the same thing said to two protocols, so they are one identity.
function keyIdentity(key: string, name: string): string {
  if (!isStorable(key)) throw Refusal.malformed('must not contain NUL or lone surrogates', name);
  return `key:${key}`;
}
