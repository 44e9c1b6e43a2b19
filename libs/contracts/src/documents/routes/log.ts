import { z } from 'zod';
import { tokenBody } from '../../commands/catalog.js';
import { eventEnvelope } from '../../envelope.js';
import { eventTypeFilter } from '../../events/event-filter.js';
import { resourceName } from '../../names.js';
import { explanation, listOf } from '../../views/views.js';
import { defineRoutes, integerParameter, pagedQuery } from '../route.js';
import {
  accessToken,
  bucketsState,
  deadLetterList,
  deadLetterRetried,
  deadLetterRetry,
  newToken,
  projectionState,
  systemState,
  whoAmI,
} from '../views.js';
import { warnings } from './resources.js';

const position = integerParameter(0, Number.MAX_SAFE_INTEGER);

/** What to see of the log: event names (`incident.declared`, or `incident.*` for all below), keys, a correlation. */
const eventFilter = {
  type: eventTypeFilter.optional(),
  key: z.string().min(1).max(200).optional(),
  correlation: z.string().min(1).max(200).optional(),
};

export const logRoutes = defineRoutes({
  explain: {
    app: 'api',
    method: 'GET',
    path: '/v1/explain/{id}',
    tag: 'log',
    summary: 'From an event (or a page, or an incident, by its id) back to the measurements',
    access: 'viewer',
    params: z.object({ id: z.string().min(1).max(64) }),
    answers: { 200: { description: 'The chain, the asked-for event first', schema: explanation } },
  },
  listEvents: {
    app: 'api',
    method: 'GET',
    path: '/v1/events',
    tag: 'log',
    summary: 'The control log in order, from after a position',
    access: 'viewer',
    query: z.strictObject({ ...pagedQuery, after: position.optional(), ...eventFilter }),
    answers: {
      200: { description: 'A page of events; secrets are not shown', schema: listOf(eventEnvelope) },
    },
  },
  streamEvents: {
    app: 'api',
    method: 'GET',
    path: '/v1/stream',
    tag: 'log',
    summary:
      'The control log live, as server-sent events: `id` is the position, `data` the event. `Last-Event-ID` (a position or an event id) resumes without a gap or a repeat',
    access: 'viewer',
    query: z.strictObject({ after: position.optional(), ...eventFilter }),
    answers: {
      200: { description: 'Events for as long as the connection lasts', mediaTypes: ['text/event-stream'] },
    },
  },
});

export const accessRoutes = defineRoutes({
  whoAmI: {
    app: 'api',
    method: 'GET',
    path: '/v1/whoami',
    tag: 'access',
    summary: 'Whom the token speaks for',
    access: 'any-token',
    answers: { 200: { description: 'The caller', schema: whoAmI } },
  },
  listTokens: {
    app: 'api',
    method: 'GET',
    path: '/v1/tokens',
    tag: 'access',
    summary: 'Access tokens by when they were created; neither tokens nor hashes are shown',
    access: 'admin',
    query: z.strictObject(pagedQuery),
    answers: { 200: { description: 'A page of tokens', schema: listOf(accessToken) } },
  },
  createToken: {
    app: 'api',
    method: 'POST',
    path: '/v1/tokens',
    tag: 'access',
    summary: 'Create an access token; it is shown in this answer and never again',
    access: 'admin',
    body: { schema: tokenBody },
    answers: { 201: { description: 'The token', schema: newToken.and(warnings) } },
    command: 'paging.token-create',
  },
  revokeToken: {
    app: 'api',
    method: 'DELETE',
    path: '/v1/tokens/{id}',
    tag: 'access',
    summary: 'Revoke an access token',
    access: 'admin',
    params: z.object({ id: z.string().min(1).max(64) }),
    answers: { 200: { description: 'It is revoked', schema: z.object({}).and(warnings) } },
    command: 'paging.token-revoke',
  },
});

export const operationRoutes = defineRoutes({
  getSystem: {
    app: 'api',
    method: 'GET',
    path: '/v1/system',
    tag: 'operation',
    summary: 'Journals, projections and services, as far as this service can see them',
    access: 'viewer',
    answers: { 200: { description: 'The state of the system', schema: systemState } },
  },
  rebuildProjection: {
    app: 'api',
    method: 'POST',
    path: '/v1/system/projections/{name}/rebuild',
    tag: 'operation',
    summary:
      'Rebuild a read model from the log, beside the one in use; `GET /v1/system` shows how far it is, and in `lastBuild` what became of it',
    access: 'admin',
    params: z.object({ name: z.string().min(1).max(64) }),
    body: { schema: z.strictObject({}), optional: true },
    answers: { 202: { description: 'It has begun: `lastBuild` is this build', schema: projectionState } },
  },
  rebuildBuckets: {
    app: 'api',
    method: 'POST',
    path: '/v1/system/buckets/rebuild',
    tag: 'operation',
    summary:
      'Make all buckets anew from the measurements, beside the ones in use; `GET /v1/system` shows how far it is',
    access: 'admin',
    body: { schema: z.strictObject({}), optional: true },
    answers: { 202: { description: 'It has begun', schema: bucketsState } },
  },
  listDeadLetters: {
    app: 'api',
    method: 'GET',
    path: '/v1/system/dead-letters',
    tag: 'operation',
    summary: 'Keys whose events a service could not handle, with how many wait',
    access: 'viewer',
    query: z.strictObject({ ...pagedQuery, service: resourceName.optional() }),
    answers: { 200: { description: 'Keys by service, consumer and position', schema: deadLetterList } },
  },
  retryDeadLetters: {
    app: 'api',
    method: 'POST',
    path: '/v1/system/dead-letters/{service}/retry',
    tag: 'operation',
    summary: 'Handle the parked events of a key, or of all keys, again, in order',
    access: 'admin',
    params: z.object({ service: resourceName }),
    body: { schema: deadLetterRetry, optional: true },
    answers: { 200: { description: 'What became of them', schema: deadLetterRetried } },
  },
  openApi: {
    app: 'api',
    method: 'GET',
    path: '/openapi.json',
    tag: 'documents',
    summary: 'This document',
    access: 'browser-token',
    answers: { 200: { description: 'OpenAPI 3.1', schema: z.record(z.string(), z.unknown()) } },
  },
  asyncApi: {
    app: 'api',
    method: 'GET',
    path: '/asyncapi.json',
    tag: 'documents',
    summary: 'Measurements in and events out over NATS',
    access: 'browser-token',
    answers: { 200: { description: 'AsyncAPI 3.0', schema: z.record(z.string(), z.unknown()) } },
  },
  root: {
    app: 'api',
    method: 'GET',
    path: '/',
    tag: 'documents',
    summary: 'Sends a browser to the documentation',
    access: 'browser-token',
    answers: { 302: { description: 'To `/docs`; who asks for JSON alone is told that there is nothing' } },
  },
  docs: {
    app: 'api',
    method: 'GET',
    path: '/docs',
    tag: 'documents',
    summary: 'This document for people. A browser is asked for the token as password, with any user name',
    access: 'browser-token',
    answers: { 200: { description: 'A page for people', mediaTypes: ['text/html'] } },
  },
  docsFile: {
    app: 'api',
    method: 'GET',
    path: '/docs/{file}',
    tag: 'documents',
    summary: 'A file of that page',
    access: 'browser-token',
    params: z.object({ file: z.string().min(1).max(100) }),
    answers: { 200: { description: 'The file', mediaTypes: ['text/css', 'text/javascript', 'image/png'] } },
  },
  healthz: {
    app: 'api',
    method: 'GET',
    path: '/healthz',
    tag: 'operation',
    summary: 'Whether the process runs',
    access: 'public',
    answers: {
      200: { description: 'It runs', schema: z.object({ status: z.string(), reasons: z.array(z.string()) }) },
    },
  },
  readyz: {
    app: 'api',
    method: 'GET',
    path: '/readyz',
    tag: 'operation',
    summary: 'Whether the process should get work',
    access: 'public',
    answers: {
      200: {
        description: 'It should',
        schema: z.object({ status: z.string(), reasons: z.array(z.string()) }),
      },
      503: {
        description: 'It should not, and why',
        schema: z.object({ status: z.string(), reasons: z.array(z.string()) }),
      },
    },
  },
  metrics: {
    app: 'api',
    method: 'GET',
    path: '/metrics',
    tag: 'operation',
    summary: 'Metrics of the process for Prometheus; in production on the admin port only',
    access: 'public',
    answers: { 200: { description: 'Prometheus text format', mediaTypes: ['text/plain'] } },
  },
});
