import { createHash } from 'node:crypto';

const longestPlain = 255;

/**
 * The log's command id of a write with an `Idempotency-Key`. A key is its caller's own, and any text of any length:
 * command ids are short and printable, so what is not is hashed.
 */
export function keyedCommandId(actor: string, key: string): string {
  const plain = key.length <= longestPlain && /^[\x21-\x7e]+$/.test(key);
  return `http:${actor}:${plain ? key : createHash('sha256').update(key).digest('hex')}`;
}
