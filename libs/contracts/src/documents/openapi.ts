import { z } from 'zod';
import { PROBLEM_JSON } from '../envelope.js';
import { problem } from '../problem.js';
import { pageNotification } from '../views/views.js';
import { type JsonSchema, SchemaComponents } from './json-schema.js';
import { isWrite, pathParameters, type Route, type RouteBody } from './route.js';
import { type RouteName, routes as table } from './routes.js';

export interface OpenApiOptions {
  /** Address of `api`; default: where the document came from. */
  apiUrl?: string;
  /** Address of `ingest`; default: its port on this machine. */
  ingestUrl?: string;
  /** Another table, for tests. */
  routes?: Readonly<Record<string, Route>>;
}

const tags: Record<string, string> = {
  services: 'What is kept reliable',
  slis: 'What is measured of a service',
  slos: 'Objectives, error budgets and burn rates',
  gate: 'Whether a service may be changed: budgets, incidents, change freezes, overrides',
  incidents: 'Incident command',
  'on-call': 'Users, schedules, escalation policies',
  pages: 'Notifications that wait for an answer',
  log: 'The events behind everything, and why something happened',
  access: 'Who may ask',
  operation: 'The state of the system itself',
  documents: 'Machine-readable contract',
  measurements: 'Measurements in',
  changes: 'Deploys and other changes in',
};

const DESCRIPTION = [
  'Error budgets, incidents and pages on one append-only log. Lists are `{items, nextCursor}`.',
  'Times are RFC 3339, taken with any offset in the years 1000 to 9999 and given in UTC; leap seconds are refused.',
  'Errors are RFC 9457 problems that name each faulty field. 400: the request by itself cannot be read or does not fit its schema (not JSON, a field that is missing, unknown or of another form, a time that is none, an empty header); it is wrong at any time. 422: it fits its schema, and a rule refuses it by what it asks for or by what there is now (a time too far ahead or too old, a threshold that cannot be reached). 409: it conflicts with the state or with another request.',
].join('\n\n');

/** The OpenAPI 3.1 document of every route, made from the schemas that the servers validate with. */
export function openApiDocument(options: OpenApiOptions = {}): JsonSchema {
  const routes: Readonly<Record<string, Route>> = options.routes ?? table;
  const components = new SchemaComponents('2020-12');
  components.want(problem, 'output');
  components.want(pageNotification, 'output');
  for (const route of Object.values(routes)) announce(components, route);
  const paths: Record<string, JsonSchema> = {};
  for (const [name, route] of Object.entries(routes)) {
    const item = paths[route.path] ?? {};
    paths[route.path] = item;
    if (route.app === 'ingest') item.servers = [{ url: options.ingestUrl ?? 'http://127.0.0.1:8081' }];
    item[route.method.toLowerCase()] = operation(components, name as RouteName, route);
  }
  const used = new Set(Object.values(routes).map((route) => route.tag));
  return {
    openapi: '3.1.0',
    info: {
      title: 'Bellwether',
      version: '1',
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: options.apiUrl ?? '/' }],
    security: [{ token: [] }],
    tags: Object.entries(tags)
      .filter(([name]) => used.has(name))
      .map(([name, description]) => ({ name, description })),
    paths,
    webhooks: {
      page: {
        post: {
          operationId: 'pageWebhook',
          summary: 'What a webhook contact method receives, with the headers of Standard Webhooks',
          security: [],
          parameters: ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((header) => ({
            name: header,
            in: 'header',
            required: true,
            schema: { type: 'string' },
          })),
          requestBody: {
            required: true,
            content: { 'application/json': { schema: components.of(pageNotification, 'output') } },
          },
          responses: {
            200: { description: 'Any 2xx within 10 s is delivered; 410 disables the contact method' },
          },
        },
      },
    },
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'An access token, such as `bw_…`' },
        browser: {
          type: 'http',
          scheme: 'basic',
          description: 'The token as password, for these documents only',
        },
      },
      responses: {
        Problem: {
          description: 'The request was not carried out, and why',
          content: { [PROBLEM_JSON]: { schema: components.of(problem, 'output') } },
        },
      },
      schemas: components.all(),
    },
  };
}

function announce(components: SchemaComponents, route: Route): void {
  if (route.params) components.want(route.params, 'input');
  if (route.query) components.want(route.query, 'input');
  if (route.body) components.want(route.body.schema, 'input');
  for (const { schema } of Object.values(route.answers)) if (schema) components.want(schema, 'output');
}

function operation(components: SchemaComponents, name: RouteName, route: Route): JsonSchema {
  return {
    operationId: name,
    tags: [route.tag],
    summary: route.summary,
    ...(isOpen(route) ? { security: [] } : { 'x-access': route.access }),
    ...(route.access === 'browser-token' ? { security: [{ token: [] }, { browser: [] }] } : {}),
    parameters: [
      ...fields(components, route.params, 'path'),
      ...fields(components, route.query, 'query'),
      ...headers(route),
    ],
    ...(route.body ? { requestBody: requestBody(components, route.body) } : {}),
    responses: responses(components, route),
  };
}

const isOpen = (route: Route) => route.access === 'public' || route.access === 'signed-link';

function fields(components: SchemaComponents, shape: z.ZodObject | undefined, place: 'path' | 'query') {
  if (!shape) return [];
  return Object.entries(shape.shape).map(([name, schema]) => ({
    name,
    in: place,
    required: place === 'path' || !schema.safeParse(undefined).success,
    ...(isListParameter(components.of(schema as z.ZodType, 'input'))
      ? { style: 'form', explode: false }
      : {}),
    schema: components.of(schema as z.ZodType, 'input'),
  }));
}

const isListParameter = (schema: JsonSchema) => schema.type === 'array';

const text = (name: string, description: string) => ({
  name,
  in: 'header',
  required: false,
  description,
  schema: { type: 'string' },
});

function headers(route: Route): JsonSchema[] {
  const found: JsonSchema[] = [];
  if (isWrite(route) && (route.command || route.idempotent)) {
    found.push(
      text(
        'Idempotency-Key',
        'The same key with the same body has its effect once, and gets the first answer again',
      ),
    );
  }
  if (isWrite(route) && route.command && route.versioned)
    found.push(text('If-Match', 'The ETag that the change builds on; 412 when it is not the current one'));
  if (!isWrite(route) && route.versioned)
    found.push(text('If-None-Match', '304 when the ETag is still the current one'));
  if (route.path === '/v1/stream') found.push(text('Last-Event-ID', 'Position or id of the last event seen'));
  return found;
}

function requestBody(components: SchemaComponents, body: RouteBody): JsonSchema {
  const schema = components.of(body.schema, 'input');
  const mediaTypes = body.mediaTypes ?? ['application/json'];
  const said = Object.values(body.fromPath ?? {});
  return {
    required: body.optional !== true,
    ...(said.length > 0
      ? {
          description: `What the path says (${said.join(', ')}) may be left out, and must not differ. The \`warnings\` of an earlier answer are passed over`,
        }
      : {}),
    content: Object.fromEntries(mediaTypes.map((mediaType) => [mediaType, { schema }])),
  };
}

function responses(components: SchemaComponents, route: Route): JsonSchema {
  const found: JsonSchema = {};
  for (const [status, answer] of Object.entries(route.answers)) {
    const content: JsonSchema = {};
    if (answer.schema) content['application/json'] = { schema: components.of(answer.schema, 'output') };
    for (const mediaType of answer.mediaTypes ?? []) content[mediaType] = { schema: { type: 'string' } };
    found[status] = {
      description: answer.description,
      ...(route.versioned
        ? {
            headers: {
              ETag: {
                description:
                  'Version of the resource; as `?minVersion`, with or without its quotes, it makes a later read show this',
                schema: { type: 'string' },
              },
            },
          }
        : {}),
      ...(Object.keys(content).length > 0 ? { content } : {}),
    };
  }
  if (!isWrite(route) && route.versioned)
    found[304] = { description: 'It is still at the version that `If-None-Match` names' };
  found.default = { $ref: '#/components/responses/Problem' };
  return found;
}

/** The document with every path parameter checked against its path: a mistake in the table fails where it is made. */
export function checkRouteTable(routes: Readonly<Record<string, Route>> = table): string[] {
  const faults: string[] = [];
  const seen = new Set<string>();
  for (const [name, route] of Object.entries(routes)) {
    const wanted = pathParameters(route.path).sort().join();
    const given = Object.keys(route.params?.shape ?? {})
      .sort()
      .join();
    if (wanted !== given) faults.push(`${name}: the path has {${wanted}}, the parameters are {${given}}`);
    const place = `${route.app} ${route.method} ${route.path}`;
    if (seen.has(place)) faults.push(`${name}: ${place} is there twice`);
    seen.add(place);
    if (route.method === 'GET' && (route.body || route.command))
      faults.push(`${name}: a GET changes nothing`);
    if (route.body && route.body.schema instanceof z.ZodOptional) faults.push(`${name}: use body.optional`);
  }
  return faults;
}
