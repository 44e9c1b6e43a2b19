import { PROBLEM_JSON } from '@bellwether/contracts';
import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { type Observable, throwError } from 'rxjs';
import type { Logger } from './logger.js';
import { answerTo, type ErrorAnswer } from './problem.js';

/**
 * Answers every error of a request as `application/problem+json` (RFC 9457), those of Fastify's own parsing
 * included. What is our fault is logged in full and answered without detail: no stack, no SQL.
 */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly logger: Logger) {}

  catch(error: unknown, host: ArgumentsHost): Observable<never> | undefined {
    // Over the bus, the transport answers: it needs the error itself, to refuse, retry or park.
    if (host.getType() !== 'http') return throwError(() => error);
    const answer = answerTo(error);
    if (answer.unexpected) this.logger.error({ error }, 'a request failed unexpectedly');
    sendProblem(host.switchToHttp().getResponse<FastifyReply>(), answer);
    return undefined;
  }
}

/** Sends a problem, unless the answer has begun: then the connection is cut, so that no reader takes a part for the whole. */
export function sendProblem(
  reply: FastifyReply,
  { problem, headers }: Omit<ErrorAnswer, 'unexpected'>,
): void {
  if (reply.raw.headersSent) {
    reply.raw.destroy();
    return;
  }
  void reply
    .code(problem.status)
    .headers(headers)
    .header('content-type', PROBLEM_JSON)
    .serializer((body: unknown) => JSON.stringify(body))
    .send(problem);
}
