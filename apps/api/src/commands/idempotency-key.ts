import { createHash } from 'node:crypto';
import { CommandRefused } from '@bellwether/contracts';
import type { FastifyRequest } from 'fastify';

/** The `Idempotency-Key` of a request. @throws CommandRefused 400 when it is not 1 to 255 visible ASCII characters */
export function idempotencyKey(request: FastifyRequest): string | undefined {
  const given = request.headers['idempotency-key'];
  if (given === undefined) return undefined;
  if (typeof given !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(given))
    throw CommandRefused.malformed('Idempotency-Key must be 1 to 255 visible ASCII characters');
  return given;
}

/** SHA-256 of what a request asks for: method, path and body, whatever the order of keys in the body. */
export function requestHash(method: string, path: string, body: unknown): string {
  return createHash('sha256')
    .update(`${method} ${path}\n${canonicalJson(body)}`)
    .digest('hex');
}

/** JSON with the keys of every object in order. */
export function canonicalJson(value: unknown): string {
  return (
    JSON.stringify(value, (_, inner: unknown) =>
      inner !== null && typeof inner === 'object' && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
        : inner,
    ) ?? ''
  );
}
