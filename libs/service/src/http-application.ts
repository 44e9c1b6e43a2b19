import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { type OpenSpan, PROBLEM_JSON, problemOf } from '@bellwether/contracts';
import type { DynamicModule, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { uuidv7 } from 'uuidv7';
import { type Health, healthAnswer, healthPaths } from './admin-server.js';
import { AllowedMethods } from './allowed-methods.js';
import { AuthGuard, identify, notAuthenticated } from './auth.guard.js';
import { encodingFault } from './body-encoding.js';
import { ContextInterceptor } from './context.interceptor.js';
import { parseJson } from './json-body.js';
import { type Logger, NestLog } from './logger.js';
import { ProblemFilter, sendProblem } from './problem.filter.js';
import { answerTo, HttpProblem } from './problem.js';
import {
  acceptCorrelationId,
  acceptTraceparent,
  type RequestContext,
  requestContext,
} from './request-context.js';
import { isMinted, type TokenAuthority } from './token-authority.js';
import type { Tracing } from './tracing.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route needs no token. */
    public?: boolean;
  }
}

/** The public HTTP of a service. */
export interface HttpOptions {
  host: string;
  /** 0 = any free port */
  port: number;
  /** Whose tokens are valid. Every route needs one, unless it is `@Public()`. */
  authority: TokenAuthority;
  /**
   * Whether the authority knows all that were created by now: asked before a token is refused. Where it does not, the token
   * is answered 503. Always, when absent.
   */
  tokensKnown?: () => Promise<boolean>;
  /** Largest body in bytes; default 1 MiB. */
  bodyLimit?: number;
  /** Paths outside of Nest's controllers that need no token (static files). */
  publicPath?: (path: string) => boolean;
  /** Further set-up of the application before it listens: content types, plug-ins. */
  configure?: (app: NestFastifyApplication) => void | Promise<void>;
}

/** What an application takes from its process. */
export interface ApplicationContext {
  logger: Logger;
  tracing: Tracing;
  health: Health;
  /** Aborted when the process drains. */
  signal: AbortSignal;
}

const maxHeaderBytes = 16_384;
const requestTimeoutMillis = 30_000;
const mebibyte = 1_048_576;

const securityHeaders: Record<string, string> = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
};

interface Story {
  context: RequestContext;
  span: OpenSpan;
}

/**
 * The Nest application on Fastify that every service runs in: stories, tokens, limits, security headers,
 * metrics, health routes and problem documents are the same everywhere. Without `http` it serves transport
 * strategies only and is not to be listened on.
 */
export async function createApplication(
  module: Type<unknown> | DynamicModule,
  context: ApplicationContext,
  http?: HttpOptions,
): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({
    bodyLimit: http?.bodyLimit ?? mebibyte,
    requestTimeout: requestTimeoutMillis,
    routerOptions: { maxParamLength: 256 },
    http: { maxHeaderSize: maxHeaderBytes },
    forceCloseConnections: 'idle',
    frameworkErrors: (error: Error, _request: unknown, reply: FastifyReply) =>
      sendProblem(reply, answerTo(error)),
    clientErrorHandler,
  });
  const server = adapter.getInstance() as unknown as FastifyInstance;
  const methods = new AllowedMethods();
  if (http !== undefined) {
    server.addHook('onRoute', (route) => methods.add(route.url, [route.method].flat()));
    await carryStories(server, context.tracing);
    measure(server, context.health);
    partWhenDraining(server, context.signal);
    requireTokens(server, http);
    readJson(server);
    serveHealth(server, context.health);
  }

  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    logger: new NestLog(context.logger),
    abortOnError: false,
    bodyParser: false,
  });
  app.useGlobalFilters(new ProblemFilter(context.logger));
  app.useGlobalInterceptors(new ContextInterceptor(context.logger));
  if (http !== undefined) {
    app.useGlobalGuards(new AuthGuard(http.authority));
    await http.configure?.(app);
    answerUnknownPaths(adapter, methods);
  }
  return app;
}

/** Each request runs in its story: correlation id and trace come from the caller or begin here. */
async function carryStories(server: FastifyInstance, tracing: Tracing): Promise<void> {
  const stories = new WeakMap<object, Story>();

  server.addHook('onRequest', (request, reply, done) => {
    const { headers } = request;
    const correlationId =
      acceptCorrelationId(headers['x-correlation-id']) ??
      acceptCorrelationId(headers['x-request-id']) ??
      uuidv7();
    const span = tracing.begin(`${request.method} ${routeOf(request)}`, {
      kind: 'server',
      parent: acceptTraceparent(headers.traceparent),
      // Neither path nor query: a link that acknowledges a page is a secret.
      attributes: { 'http.request.method': request.method, 'http.route': routeOf(request) },
    });
    const context: RequestContext = { correlationId, traceparent: span.traceparent };
    stories.set(request.raw, { context, span });
    reply.raw.setHeader('x-correlation-id', correlationId);
    for (const name in securityHeaders) reply.raw.setHeader(name, securityHeaders[name] as string);
    requestContext.run(context, done);
  });
  // Reading the body leaves the asynchronous context of the first hook: events of a socket belong to the socket.
  server.addHook('preValidation', (request, _reply, done) => {
    const story = stories.get(request.raw);
    if (story === undefined) done();
    else requestContext.run(story.context, done);
  });
  server.addHook('onResponse', (request, reply, done) => {
    const { statusCode } = reply;
    const attributes = { 'http.response.status_code': statusCode };
    stories.get(request.raw)?.span.end(
      statusCode < 500
        ? { attributes }
        : {
            error: new Error(`answered ${statusCode}`),
            attributes: { ...attributes, 'error.type': String(statusCode) },
          },
    );
    done();
  });
}

function measure(server: FastifyInstance, { metrics }: Health): void {
  server.server.on('connection', (socket: Socket) => {
    metrics.activeConnections.inc();
    socket.once('close', () => metrics.activeConnections.dec());
  });
  server.addHook('onResponse', (request, reply, done) => {
    const labels = { method: request.method, route: routeOf(request), status: String(reply.statusCode) };
    metrics.httpRequests.inc(labels);
    metrics.httpDuration.observe(labels, reply.elapsedTime / 1000);
    done();
  });
}

// A connection that is kept alive behind its last answer would hold the drain up until it times out.
function partWhenDraining(server: FastifyInstance, signal: AbortSignal): void {
  server.addHook('onSend', (_request, reply, payload, done) => {
    if (signal.aborted) void reply.header('connection', 'close');
    done(null, payload);
  });
}

// Before the body is read: who has no token cannot make this process hold a body, and a route that was added
// past Nest's guard is not open by accident.
function requireTokens(server: FastifyInstance, { authority, tokensKnown, publicPath }: HttpOptions): void {
  server.addHook('onRequest', (request, _reply, done) => {
    const principal = identify(request, authority);
    const open =
      request.is404 ||
      request.routeOptions.config.public === true ||
      publicPath?.(request.url.split('?', 1)[0] as string) === true;
    if (principal !== null || open) return done();
    if (tokensKnown === undefined || !isMinted(request.headers.authorization)) {
      return done(notAuthenticated(request));
    }
    // A caller takes 401 for the last word on its token, and gives up what it had to say.
    tokensKnown().then((known) => {
      if (identify(request, authority) !== null) done();
      else if (known) done(notAuthenticated(request));
      else done(HttpProblem.unavailable('the tokens cannot be read now; send the same again in a moment'));
    }, done);
  });
}

function readJson(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const fault = encodingFault(request.headers);
    if (fault !== null) return done(fault);
    try {
      done(null, parseJson(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
}

// In production the admin port alone shows metrics; health itself is no secret.
function serveHealth(server: FastifyInstance, health: Health): void {
  const shown = healthPaths.filter((path) => path !== '/metrics' || process.env.NODE_ENV !== 'production');
  for (const path of shown) {
    server.get(path, { config: { public: true } }, async (_request, reply) => {
      const { status, contentType, body } = await healthAnswer(path, health);
      return reply.code(status).header('content-type', contentType).send(body);
    });
  }
}

function answerUnknownPaths(adapter: FastifyAdapter, methods: AllowedMethods): void {
  // Nest installs its own handler when the application is initialised; this one is put in its place.
  const install = adapter.setNotFoundHandler.bind(adapter);
  adapter.setNotFoundHandler = () =>
    install(((request: FastifyRequest, reply: FastifyReply) => {
      const allowed = methods.at(request.url);
      if (allowed.length === 0) {
        sendProblem(reply, {
          problem: problemOf(404, 'not-found', 'there is nothing at this path'),
          headers: {},
        });
        return;
      }
      const detail = `this path answers ${allowed.join(', ')}`;
      sendProblem(reply, {
        problem: problemOf(405, 'method-not-allowed', detail),
        headers: { allow: allowed.join(', ') },
      });
    }) as never);
}

/** The pattern of the route, never the path: paths would make as many metrics as there are names. */
function routeOf(request: FastifyRequest): string {
  return request.is404 ? 'none' : (request.routeOptions.url ?? 'none');
}

/** A request so broken that Node's parser gave up on it: answered by hand, since there is no reply object. */
function clientErrorHandler(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const status =
    error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
  const detail = {
    400: 'this is not an HTTP request',
    408: 'the request came too slowly',
    431: `the headers are more than ${maxHeaderBytes} bytes: shorten an Idempotency-Key or a cookie, or send a CloudEvent in structured mode`,
  }[status];
  const body = JSON.stringify(problemOf(status, 'malformed', detail));
  if (socket.writable) {
    socket.write(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: ${PROBLEM_JSON}\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    );
  }
  socket.destroySoon();
}
