import { CommandRefused, problemOf } from '@bellwether/contracts';
import type { FastifyRequest } from 'fastify';

/**
 * The version that a write builds on: that of `If-Match: "<version>"`, 0 for `If-None-Match: *` (create only), and
 * undefined when the caller does not mind. `If-Match: *` asks for any version, so `current` must not be 0.
 *
 * @throws CommandRefused 400 for tags that no resource ever had, 412 when nothing is there to match
 */
export async function expectedVersion(
  request: FastifyRequest,
  current: () => Promise<number>,
): Promise<number | undefined> {
  const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = request.headers;
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch.trim() !== '*' || ifMatch !== undefined)
      throw CommandRefused.malformed('a write may say If-None-Match: * and nothing else of the kind');
    return 0;
  }
  if (ifMatch === undefined) return undefined;
  const tag = ifMatch.trim();
  if (tag === '*') {
    if ((await current()) > 0) return undefined;
    throw new CommandRefused(
      problemOf(412, 'stale-version', 'If-Match asks for any version, but there is none'),
    );
  }
  const version = /^"(0|[1-9][0-9]{0,15})"$/.exec(tag)?.[1];
  if (version === undefined)
    throw CommandRefused.malformed('If-Match must be one ETag as it was given, such as "3"');
  return Number(version);
}
