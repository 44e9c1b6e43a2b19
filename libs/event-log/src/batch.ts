import { bigintArray, intArray, textArray } from './binary-array.js';
import {
  CommandConflict,
  type EventLogError,
  RequirementFailed,
  StaleVersion,
  StreamElsewhere,
  StreamExists,
  StreamMissing,
} from './errors.js';
import type { AppendRequest, AppendResult, ExpectedVersion } from './event.js';
import type { StorableEvent } from './storable.js';

/** A request and its events in stored form. */
export interface Append {
  request: AppendRequest;
  events: StorableEvent[];
}

/** What `log.append` answers. */
export interface BatchRow {
  landed: boolean;
  first_position: string;
  last_position: string;
  request_status: string;
  request_version: string;
  request_detail: string | null;
  request_first: string | null;
  request_last: string | null;
}

/** What became of one request; a duplicate's events are still to be read from where they are. */
export type Outcome =
  | { kind: 'appended'; result: AppendResult }
  | { kind: 'duplicate'; firstPosition: number; lastPosition: number; version: number }
  | { kind: 'refused'; error: EventLogError };

export const APPEND_STATEMENT = `select landed, first_position, last_position, request_status, request_version,
  request_detail, request_first, request_last
  from log.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $19, $17, $18)`;

/**
 * Parameters of `log.append`, all requests of a batch laid out as arrays. The data, by far the largest, come last: `pg`
 * copies what it has of a message each time that it needs more room.
 */
export function batchParameters(
  journal: string,
  appender: string,
  number: number,
  now: Date | null,
  appends: readonly Append[],
): unknown[] {
  const streams = new Map<string, number>();
  const numberOf = (stream: string): number => {
    let index = streams.get(stream);
    if (index === undefined) {
      index = streams.size + 1;
      streams.set(stream, index);
    }
    return index;
  };
  const requestStream: number[] = [];
  const expected: number[] = [];
  const sizes: number[] = [];
  const requires: number[] = [];
  const commands: (string | null)[] = [];
  const hashes: (string | null)[] = [];
  const requiredStream: number[] = [];
  const requiredVersion: number[] = [];
  const events: StorableEvent[] = [];
  for (const append of appends) {
    const { request } = append;
    requestStream.push(numberOf(request.stream));
    expected.push(expectation(request.expectedVersion));
    sizes.push(append.events.length);
    requires.push(request.require?.length ?? 0);
    for (const required of request.require ?? []) {
      requiredStream.push(numberOf(required.stream));
      requiredVersion.push(required.version === 'no-stream' ? 0 : required.version);
    }
    commands.push(request.commandId ?? null);
    hashes.push(request.commandHash ?? null);
    for (const event of append.events) events.push(event);
  }
  const anyCommand = commands.some((id) => id !== null);
  return [
    journal,
    appender,
    number,
    now,
    textArray([...streams.keys()]),
    intArray(requestStream),
    bigintArray(expected),
    intArray(sizes),
    requiredStream.length > 0 ? intArray(requires) : null,
    anyCommand ? textArray(commands) : null,
    anyCommand ? textArray(hashes) : null,
    requiredStream.length > 0 ? intArray(requiredStream) : null,
    requiredStream.length > 0 ? bigintArray(requiredVersion) : null,
    textArray(events.map((event) => event.id)),
    textArray(events.map((event) => event.type)),
    intArray(events.map((event) => event.schema)),
    textArray(events.map((event) => event.meta)),
    textArray(events.map((event) => event.time)),
    textArray(events.map((event) => event.data)),
  ];
}

/** The answer to each request, in the order of the requests. */
export function batchOutcomes(journal: string, appends: readonly Append[], row: BatchRow): Outcome[] {
  const statuses = row.request_status.split(',');
  const versions = row.request_version.split(',');
  const details = (row.request_detail ?? '').split(',');
  const firsts = (row.request_first ?? '').split(',');
  const lasts = (row.request_last ?? '').split(',');
  const required: { stream: string; version: number | 'no-stream' }[] = [];
  const streams = new Set<string>();
  for (const { request } of appends) {
    streams.add(request.stream);
    for (const requirement of request.require ?? []) {
      streams.add(requirement.stream);
      required.push(requirement);
    }
  }
  return appends.map((append, i) => {
    const { request } = append;
    const version = Number(versions[i]);
    const facts = { stream: request.stream, expected: request.expectedVersion, actual: version };
    switch (statuses[i]) {
      case '0':
        return { kind: 'appended', result: appended(append, Number(firsts[i]), version) };
      case '6':
        return {
          kind: 'duplicate',
          firstPosition: Number(firsts[i]),
          lastPosition: Number(lasts[i]),
          version,
        };
      case '1':
        return { kind: 'refused', error: new StaleVersion(facts) };
      case '2':
        return { kind: 'refused', error: new StreamExists(facts) };
      case '3':
        return { kind: 'refused', error: new StreamMissing({ ...facts, actual: 0 }) };
      case '4': {
        const failed = required[Number(details[i]) - 1]!;
        return {
          kind: 'refused',
          error: new RequirementFailed({ stream: failed.stream, expected: failed.version, actual: version }),
        };
      }
      case '5':
        return { kind: 'refused', error: new CommandConflict(request.stream, request.commandId!) };
      case '7':
        return {
          kind: 'refused',
          error: new StreamElsewhere([...streams][Number(details[i]) - 1]!, journal),
        };
      default:
        throw new RangeError(`log.append answered with status ${statuses[i]}`);
    }
  });
}

/** The result of an append whose events start at a position; `version` is the stream's, after. */
export function appended(append: Append, firstPosition: number, version: number): AppendResult {
  const before = version - append.events.length;
  return {
    firstPosition,
    lastPosition: firstPosition + append.events.length - 1,
    version,
    duplicate: false,
    events: append.events.map((event, i) => ({
      id: event.id,
      position: firstPosition + i,
      version: before + i + 1,
    })),
  };
}

function expectation(expected: ExpectedVersion): number {
  if (expected === 'any') return -1;
  if (expected === 'stream-exists') return -2;
  return expected === 'no-stream' ? 0 : expected;
}
