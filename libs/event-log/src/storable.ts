import { JsonText } from '@bellwether/contracts';
import { uuidv7 } from 'uuidv7';
import { UnstorableEvent } from './errors.js';
import type { AppendRequest, ExpectedVersion, NewEvent } from './event.js';

/** An event in the form in which it is sent and stored. */
export interface StorableEvent {
  id: string;
  type: string;
  schema: number;
  data: string;
  meta: string;
  time: string;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
// Lone surrogates and NUL are what JSON.stringify writes as escapes and Postgres cannot keep as text.
const SUSPICIOUS = /\\u(?:0000|d[89a-f])/i;
const MAX_SCHEMA = 2 ** 31 - 1;
const MAX_NAME = 1024;

/** @throws UnstorableEvent naming what cannot be kept */
export function storable(request: AppendRequest): StorableEvent[] {
  const { stream } = request;
  checkText(stream, stream, 'its stream name');
  if (request.commandId !== undefined) checkText(stream, request.commandId, 'its command id');
  if (request.events.length === 0) throw new UnstorableEvent(stream, 'there is none');
  checkVersion(request.expectedVersion);
  for (const required of request.require ?? []) {
    checkText(stream, required.stream, 'a required stream');
    checkVersion(required.version);
  }
  return request.events.map((event) => toStorable(stream, event));
}

function toStorable(stream: string, event: NewEvent): StorableEvent {
  checkText(stream, event.type, 'its type');
  const schema = event.schema ?? 1;
  if (!Number.isInteger(schema) || schema < 1 || schema > MAX_SCHEMA) {
    throw new UnstorableEvent(stream, `its schema is ${schema}, not a version number`);
  }
  if (event.id !== undefined && !UUID.test(event.id)) {
    throw new UnstorableEvent(stream, `its id is ${event.id}, not a UUID`);
  }
  return {
    id: event.id === undefined ? uuidv7() : event.id.toLowerCase(),
    type: event.type,
    schema,
    data: json(stream, event.data, 'its data'),
    meta: json(stream, event.meta, 'its meta'),
    time: time(stream, event.occurredAt),
  };
}

/** A negative number would be taken for one of the words. */
function checkVersion(version: ExpectedVersion): void {
  if (typeof version === 'number' && !(Number.isSafeInteger(version) && version >= 0)) {
    throw new RangeError(`${version} is not the version of a stream`);
  }
}

function checkText(stream: string, text: string, what: string): void {
  if (text.length === 0 || text.length > MAX_NAME) {
    throw new UnstorableEvent(stream, `${what} has ${text.length} characters, not 1 to ${MAX_NAME}`);
  }
  // A line break would make the hashed form ambiguous.
  if (!text.isWellFormed() || text.includes('\0') || text.includes('\n')) {
    throw new UnstorableEvent(stream, `${what} has a NUL, a line break or half a surrogate pair in it`);
  }
}

function json(stream: string, value: unknown, what: string): string {
  let text: string | undefined;
  try {
    text = value instanceof JsonText ? wellFormed(value.text) : JSON.stringify(value);
  } catch (error) {
    throw new UnstorableEvent(stream, `${what} has no JSON form`, { cause: error });
  }
  if (text === undefined) throw new UnstorableEvent(stream, `${what} has no JSON form`);
  if (text.includes('\\u') && SUSPICIOUS.test(text) && hasForbiddenEscape(text)) {
    throw new UnstorableEvent(stream, `${what} has a NUL or half a surrogate pair in a text`);
  }
  return text;
}

/** `JSON.stringify` makes no other text; of a text made otherwise it has to be seen. */
function wellFormed(text: string): string {
  if (!text.isWellFormed() || text.includes('\0')) throw new RangeError('a NUL or half a surrogate pair');
  return text;
}

/** An escape is one only after an even number of backslashes: `\\u0000` is a backslash and five characters. */
function hasForbiddenEscape(text: string): boolean {
  for (const match of text.matchAll(new RegExp(SUSPICIOUS, 'gi'))) {
    let backslashes = 0;
    while (text[match.index - 1 - backslashes] === '\\') backslashes += 1;
    if (backslashes % 2 === 0) return true;
  }
  return false;
}

function time(stream: string, at: Date): string {
  const text = Number.isNaN(at.getTime()) ? '' : at.toISOString();
  // Years of another length have another form in Postgres.
  if (text.length !== 24 || text.startsWith('0')) {
    throw new UnstorableEvent(stream, 'its time is not in the years 1000 to 9999');
  }
  return text;
}
