import { createHash } from 'node:crypto';
import { utcDate } from './rows.js';

/** An event as the chain hashes it: its values as stored, text. */
export interface HashedEvent {
  journal: string;
  position: string;
  id: string;
  stream: string;
  version: string;
  type: string;
  schema: string;
  data: string;
  meta: string;
  occurredAt: Date;
  recordedAt: Date;
}

/** The columns of `log.events` that are hashed, and the hash, hexadecimal. */
export const STORED_COLUMNS =
  "position, event_id, stream, version, type, schema, data, meta, occurred_at, recorded_at, encode(hash, 'hex')";

/** Values of `STORED_COLUMNS`, all text, times as a session in UTC writes them. */
export type StoredRow = [...string[]] & { length: 11 };

/** Where the chain of a journal starts. */
export const GENESIS: Buffer = Buffer.alloc(32);

/**
 * `sha256(previous hash ‖ the event)`, the event being its values as stored, one a line, the data preceded by its
 * length in bytes. The same as `log.append` computes.
 */
export function chainHash(previous: Buffer, event: HashedEvent): Buffer {
  const lines = [
    event.journal,
    event.position,
    event.id,
    event.stream,
    event.version,
    event.type,
    event.schema,
    event.occurredAt.toISOString(),
    event.recordedAt.toISOString(),
    Buffer.byteLength(event.data),
    event.data,
    event.meta,
  ];
  return createHash('sha256').update(previous).update(lines.join('\n')).digest();
}

export function hashedEvent(journal: string, row: StoredRow): HashedEvent {
  return {
    journal,
    position: row[0]!,
    id: row[1]!,
    stream: row[2]!,
    version: row[3]!,
    type: row[4]!,
    schema: row[5]!,
    data: row[6]!,
    meta: row[7]!,
    occurredAt: utcDate(row[8]!),
    recordedAt: utcDate(row[9]!),
  };
}
