import { z } from 'zod';
import { checkedBy, type Fault, fault } from './faults.js';

/** RFC 9457 problem details, `application/problem+json`. */
export const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string(),
    errors: z.array(fault).optional(),
  })
  .meta({ id: 'Problem' });
export type Problem = z.infer<typeof problem>;

const TITLES: Record<number, string> = {
  400: 'Malformed request',
  401: 'Not authenticated',
  403: 'Not permitted',
  404: 'Not found',
  405: 'Method not allowed',
  409: 'Conflict',
  412: 'Precondition failed',
  413: 'Too large',
  408: 'Too slow',
  415: 'Unsupported media type',
  422: 'Refused by a rule',
  431: 'Headers too large',
  500: 'Internal error',
  503: 'Overloaded or unavailable',
  504: 'No answer in time',
};

/** A problem document; `slug` names the kind of problem within `urn:bellwether:problem:`. */
export function problemOf(status: number, slug: string, detail: string, errors?: Fault[]): Problem {
  return {
    type: `urn:bellwether:problem:${slug}`,
    title: TITLES[status] ?? 'Error',
    status,
    detail,
    ...(errors && errors.length > 0 ? { errors } : {}),
  };
}

/** A request that is refused, with the answer to give. Thrown by command handlers and carried back to the caller. */
export class CommandRefused extends Error {
  override readonly name = 'CommandRefused';

  constructor(readonly problem: Problem) {
    super(problem.detail);
  }

  static malformed(detail: string, errors?: Fault[]): CommandRefused {
    return new CommandRefused(problemOf(400, 'malformed', detail, errors));
  }
  static notFound(what: string): CommandRefused {
    return new CommandRefused(problemOf(404, 'not-found', `${what} does not exist`));
  }
  static conflict(detail: string, slug = 'conflict'): CommandRefused {
    return new CommandRefused(problemOf(409, slug, detail));
  }
  /** @param expected 0 asks that there is none yet */
  static staleVersion(expected: number, actual: number): CommandRefused {
    const asked =
      expected === 0
        ? `If-None-Match: * creates only, and this exists already, at version ${actual}`
        : `If-Match names version ${expected}, but the current version is ${actual}; read it again and repeat`;
    return new CommandRefused(problemOf(412, 'stale-version', asked));
  }
  static refused(detail: string, errors?: Fault[]): CommandRefused {
    return new CommandRefused(problemOf(422, 'refused', detail, errors));
  }
  static forbidden(detail: string): CommandRefused {
    return new CommandRefused(problemOf(403, 'forbidden', detail));
  }
}

/**
 * Parses `input` with `schema`.
 * @throws CommandRefused 400 with one entry in `errors` for each fault
 */
export function parseOrRefuse<T extends z.ZodType>(
  schema: T,
  input: unknown,
  what = 'the request',
): z.output<T> {
  const result = checkedBy(schema, input);
  if (result.ok) return result.data;
  const { faults } = result;
  const [first] = faults;
  throw CommandRefused.malformed(
    `${what} is not valid: ${first ? `${first.path === '' ? '(root)' : first.path} ${first.message}` : 'unknown fault'}`,
    faults,
  );
}
