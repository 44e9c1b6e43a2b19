import { createHash } from 'node:crypto';
import { CommandRefused } from '@bellwether/contracts';
import type { FastifyRequest } from 'fastify';

/** The `Idempotency-Key` of a request: any text. @throws CommandRefused 400 when it is empty */
export function idempotencyKey(request: FastifyRequest): string | undefined {
  const given = request.headers['idempotency-key'];
  if (given === undefined) return undefined;
  const key = String(given);
  if (key !== '') return key;
  throw CommandRefused.malformed('Idempotency-Key must not be empty', [
    {
      path: 'Idempotency-Key',
      message: 'must not be empty; leave it out of a request that need not be repeatable',
    },
  ]);
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
