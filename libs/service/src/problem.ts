import { CommandRefused, type Fault, faultsOf, type Problem, problemOf } from '@bellwether/contracts';
import { HttpException } from '@nestjs/common';
import { ZodError } from 'zod';

/** An error that says itself how HTTP answers it, headers included. For whatever is not a refused command. */
export class HttpProblem extends Error {
  override readonly name = 'HttpProblem';

  constructor(
    readonly problem: Problem,
    readonly headers: Readonly<Record<string, string | string[]>> = {},
    options?: ErrorOptions,
  ) {
    super(problem.detail, options);
  }

  static notAuthenticated(detail: string): HttpProblem {
    return new HttpProblem(problemOf(401, 'not-authenticated', detail), {
      'www-authenticate': 'Bearer realm="bellwether"',
    });
  }
  static tooLarge(detail: string, errors?: Fault[]): HttpProblem {
    return new HttpProblem(problemOf(413, 'too-large', detail, errors));
  }
  static mediaType(detail: string): HttpProblem {
    return new HttpProblem(problemOf(415, 'media-type', detail));
  }
  /** 503: nothing was done; the caller may repeat the same request after `retryAfterSeconds`. */
  static unavailable(detail: string, retryAfterSeconds = 1, options?: ErrorOptions): HttpProblem {
    return new HttpProblem(
      problemOf(503, 'unavailable', detail),
      { 'retry-after': String(Math.max(1, Math.ceil(retryAfterSeconds))) },
      options,
    );
  }
}

/** What HTTP answers to an error. `unexpected`: a fault of ours, to be logged; its text stays inside. */
export interface ErrorAnswer {
  problem: Problem;
  headers: Readonly<Record<string, string | string[]>>;
  unexpected: boolean;
}

// Codes of Fastify that a client can cause, with the words of this API. Others of its 4xx fall back to their status.
const fastifyProblems: Record<string, [status: number, slug: string, detail: string]> = {
  FST_ERR_CTP_BODY_TOO_LARGE: [413, 'too-large', 'the body is larger than this route accepts'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    415,
    'media-type',
    'the content type is not one that this route accepts; send JSON as application/json',
  ],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [400, 'malformed', 'the body is not as long as Content-Length says'],
  FST_ERR_CTP_EMPTY_JSON_BODY: [400, 'malformed', 'the body is empty'],
  FST_ERR_CTP_INVALID_JSON_BODY: [400, 'malformed', 'the body is not JSON'],
  FST_ERR_BAD_URL: [400, 'malformed', 'the path is not valid percent-encoded UTF-8'],
  FST_ERR_MAX_PARAM_LENGTH: [414, 'malformed', 'a part of the path is too long'],
  FST_ERR_ASYNC_CONSTRAINT: [400, 'malformed', 'the request could not be routed'],
};

const retrySoon = { 'retry-after': '1' };

const slugs: Record<number, string> = {
  400: 'malformed',
  401: 'not-authenticated',
  403: 'forbidden',
  404: 'not-found',
  405: 'method-not-allowed',
  408: 'timeout',
  409: 'conflict',
  412: 'stale-version',
  413: 'too-large',
  414: 'malformed',
  415: 'media-type',
  422: 'refused',
  431: 'too-large',
};

/** The answer to any error that leaves a handler, a pipe, a guard, or the HTTP server itself. */
export function answerTo(error: unknown): ErrorAnswer {
  const source = error instanceof HttpException && error.cause !== undefined ? error.cause : error;
  const carried = carriedProblem(source);
  if (carried !== undefined) return carried;
  if (source instanceof ZodError) {
    return expected(problemOf(400, 'malformed', 'the request is not valid', faultsOf(source)));
  }
  const fastify = fastifyProblems[codeOf(source)];
  if (fastify !== undefined) return expected(problemOf(...fastify));
  if (error instanceof HttpException) {
    const status = error.getStatus();
    if (status < 500) return expected(problemOf(status, slugs[status] ?? 'refused', error.message));
    if (status === 503)
      return { ...expected(problemOf(503, 'unavailable', error.message)), headers: retrySoon };
  }
  const status = clientStatus(source);
  if (status !== undefined) {
    return expected(problemOf(status, slugs[status] ?? 'refused', 'the request could not be read'));
  }
  return {
    problem: problemOf(500, 'internal', 'an unexpected error; it is in the log under this correlation id'),
    headers: {},
    unexpected: true,
  };
}

/** Errors of any library may carry their problem: commands refused, a bus that does not answer. */
function carriedProblem(error: unknown): ErrorAnswer | undefined {
  if (error instanceof CommandRefused) return expected(error.problem);
  if (error instanceof HttpProblem) return { ...expected(error.problem), headers: error.headers };
  if (error === null || typeof error !== 'object' || !('problem' in error)) return undefined;
  const { problem } = error;
  if (problem === null || typeof problem !== 'object' || !('status' in problem) || !('detail' in problem)) {
    return undefined;
  }
  const { status, detail } = problem;
  if (typeof status !== 'number' || typeof detail !== 'string' || status < 400 || status > 599)
    return undefined;
  return {
    problem: problem as Problem,
    headers: status === 503 ? retrySoon : {},
    unexpected: status === 500,
  };
}

function expected(problem: Problem): ErrorAnswer {
  return { problem, headers: {}, unexpected: false };
}

function codeOf(error: unknown): string {
  return error !== null && typeof error === 'object' && 'code' in error ? String(error.code) : '';
}

function clientStatus(error: unknown): number | undefined {
  if (error === null || typeof error !== 'object' || !('statusCode' in error)) return undefined;
  const { statusCode } = error;
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500 ? statusCode : undefined;
}
