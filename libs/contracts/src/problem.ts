import { z } from 'zod';

/** One fault of a request: where (JSON path, dots and indexes) and what. */
export const fault = z.object({ path: z.string(), message: z.string() }).meta({ id: 'Fault' });
export type Fault = z.infer<typeof fault>;

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
  415: 'Unsupported media type',
  422: 'Refused by a rule',
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
  static staleVersion(expected: number, actual: number): CommandRefused {
    return new CommandRefused(
      problemOf(
        412,
        'stale-version',
        `If-Match names version ${expected}, but the current version is ${actual}; read it again and repeat`,
      ),
    );
  }
  static refused(detail: string, errors?: Fault[]): CommandRefused {
    return new CommandRefused(problemOf(422, 'refused', detail, errors));
  }
  static forbidden(detail: string): CommandRefused {
    return new CommandRefused(problemOf(403, 'forbidden', detail));
  }
}

/** The faults of a zod error, paths in dotted form with indexes: `layers.0.rotation.start`. */
export function faultsOf(error: z.ZodError): Fault[] {
  return error.issues.flatMap((issue) => faultsAt([], issue));
}

function faultsAt(place: readonly PropertyKey[], issue: z.core.$ZodIssue): Fault[] {
  const at = [...place, ...issue.path];
  const path = at.map(String).join('.');
  if (issue.code === 'invalid_union') {
    const meant = meantBranch(issue.errors);
    if (meant) return meant.flatMap((inner) => faultsAt(at, inner));
  }
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...at, key].map(String).join('.'),
      message: 'is not a known field',
    }));
  }
  if (issue.code === 'invalid_key')
    return issue.issues.map(({ message }) => ({ path, message: `its name ${message}` }));
  return [{ path, message: isMissing(issue) ? 'is required' : issue.message }];
}

/** The one alternative whose fields are those given: its faults tell more than that nothing fits. */
function meantBranch(
  branches: readonly (readonly z.core.$ZodIssue[])[],
): readonly z.core.$ZodIssue[] | undefined {
  const distance = (issues: readonly z.core.$ZodIssue[]) =>
    issues.reduce((sum, issue) => {
      if (issue.code === 'unrecognized_keys') return sum + issue.keys.length;
      // A field that must be one of some words tells alternatives apart, as one that is missing does.
      return sum + (issue.path.length === 0 || isMissing(issue) || issue.code === 'invalid_value' ? 1 : 0);
    }, 0);
  const [first, second] = branches
    .map((issues) => ({ issues, far: distance(issues) }))
    .sort((a, b) => a.far - b.far);
  return first && (second === undefined || first.far < second.far) ? first.issues : undefined;
}

function isMissing(issue: z.core.$ZodIssue): boolean {
  return issue.code === 'invalid_type' && issue.message.endsWith('received undefined');
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
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const faults = faultsOf(result.error);
  const first = faults[0];
  throw CommandRefused.malformed(
    `${what} is not valid: ${first ? `${first.path === '' ? '(root)' : first.path} ${first.message}` : 'unknown fault'}`,
    faults,
  );
}
