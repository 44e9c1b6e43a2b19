import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { catchError, map, type Observable, throwError } from 'rxjs';
import { asUnavailable } from './unavailable.js';

/** What a handler answers when it is more than a body: a version, another status, headers. */
export class Answer {
  constructor(
    readonly body: unknown,
    readonly options: {
      status?: number | undefined;
      /** Version of the resource, given as `ETag: "<version>"`. */
      version?: number | undefined;
      headers?: Record<string, string>;
    } = {},
  ) {}
}

/** `"3"` */
export const etagOf = (version: number): string => `"${version}"`;

/** Writes {@link Answer}s, and says when the database is away; a reader whose `If-None-Match` is still current gets 304 and no body. */
@Injectable()
export class AnswerInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() !== 'http') return next.handle();
    const http = context.switchToHttp();
    return next.handle().pipe(
      map((result) => write(result, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>())),
      catchError((error: unknown) => throwError(() => asUnavailable(error))),
    );
  }
}

function write(result: unknown, request: FastifyRequest, reply: FastifyReply): unknown {
  if (!(result instanceof Answer)) return result;
  const { status, version, headers } = result.options;
  if (headers) reply.headers(headers);
  if (status !== undefined) reply.code(status);
  if (version === undefined) return result.body;
  reply.header('etag', etagOf(version));
  if (request.method === 'GET' && isCurrent(request.headers['if-none-match'], version)) {
    reply.code(304);
    return '';
  }
  return result.body;
}

/** RFC 9110, weak comparison. */
function isCurrent(header: string | undefined, version: number): boolean {
  if (header === undefined) return false;
  return header
    .split(',')
    .map((tag) => tag.trim().replace(/^W\//, ''))
    .some((tag) => tag === '*' || tag === etagOf(version));
}
