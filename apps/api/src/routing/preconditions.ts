import { CommandRefused, problemOf } from '@bellwether/contracts';
import type { FastifyRequest } from 'fastify';
import { etagOf } from './answer.js';

const tags = /^\s*(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"\s*(?:,\s*(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"\s*)*$/;
const version = /^"(0|[1-9][0-9]{0,15})"$/;

/**
 * The version that a write builds on: that of `If-Match: "<version>"`, 0 for `If-None-Match: *` (create only), and
 * undefined when the caller does not mind. `If-Match: *` asks for any version, so `current` must not be 0. As RFC 9110
 * has it, a list matches by any of its tags, and a weak tag, or one that was never given, matches nothing; nor does any
 * match what is only made by the write (`isNew`).
 *
 * @throws CommandRefused 400 for what is no tag, 412 when nothing matches
 */
export async function expectedVersion(
  request: FastifyRequest,
  { current, isNew = false }: { current: () => Promise<number>; isNew?: boolean | undefined },
): Promise<number | undefined> {
  const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = request.headers;
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch.trim() !== '*' || ifMatch !== undefined)
      throw malformed(
        'If-None-Match',
        'a write may say If-None-Match: * (create only) and nothing else of the kind',
      );
    return 0;
  }
  if (ifMatch === undefined) return undefined;
  if (ifMatch.trim() === '*') {
    if ((await current()) > 0) return undefined;
    throw failed(
      'If-Match: * asks that this exists already, and it does not; leave the header out to create it',
    );
  }
  if (!tags.test(ifMatch))
    throw malformed(
      'If-Match',
      'If-Match must be *, or the ETag as it was given, with its quotes, such as "3"',
    );
  const given = ifMatch.split(',').map((tag) => tag.trim());
  const only = given.length === 1 ? version.exec(given[0] as string)?.[1] : undefined;
  if (only !== undefined && !isNew) return Number(only);
  const now = await current();
  if (now > 0 && given.includes(etagOf(now))) return now;
  throw failed(
    now > 0
      ? `If-Match names ${given.join(', ')}, but the current version is ${etagOf(now)}; read it again and repeat`
      : `If-Match names ${given.join(', ')}, but this does not exist`,
  );
}

function malformed(header: string, message: string): CommandRefused {
  return CommandRefused.malformed(message, [{ path: header, message }]);
}

function failed(detail: string): CommandRefused {
  return new CommandRefused(problemOf(412, 'stale-version', detail));
}
