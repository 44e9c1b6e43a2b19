import {
  CommandRefused,
  checkedBy,
  type Fault,
  isStorable,
  NOT_KNOWN,
  problemOf,
  type RouteBody,
  type RouteName,
  type routes,
} from '@bellwether/contracts';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { servedRoute } from './serves.js';

type Table = typeof routes;
type Parsed<T, K extends string> = T extends { [P in K]: infer S extends z.ZodType } ? z.output<S> : object;

/** What a route was asked for, validated by the route table. */
export interface InputOf<N extends RouteName> {
  params: Parsed<Table[N], 'params'>;
  query: Parsed<Table[N], 'query'>;
  body: Table[N] extends { body: { schema: infer S extends z.ZodType } } ? z.output<S> : undefined;
  request: FastifyRequest;
}

/** The validated request, as a handler's parameter. Faults of path, query and body are answered 400, all at once. */
export const Input = createParamDecorator((_: unknown, context: ExecutionContext) => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  const route = servedRoute(context.getHandler());
  const faults: Fault[] = [];
  const take = (schema: z.ZodType | undefined, value: unknown, place: string) => {
    if (!schema) return {};
    const result = checkedBy(schema, value);
    if (result.ok) return result.data;
    for (const { path, message } of result.faults)
      faults.push({
        path: at(place, path),
        message: place === 'query' ? message.replace(NOT_KNOWN, noParameter) : message,
      });
    return {};
  };
  const params = take(route.params, request.params, 'path');
  const query = route.query
    ? take(route.query, request.query, 'query')
    : take(undefined, noQuery(request.query, faults), 'query');
  nameless(faults, request);
  storable(request.query, faults);
  // A path that names nothing would only make every fault of the body appear twice.
  const body =
    route.body && faults.length === 0
      ? take(route.body.schema, bodyOf(request, route.body, faults), '')
      : undefined;
  impossible(route.body, request.body, faults);
  if (faults.length > 0) {
    const first = faults[0] as Fault;
    throw CommandRefused.malformed(
      `the request is not valid: ${first.path === '' ? '(root)' : first.path} ${first.message}`,
      faults,
    );
  }
  return { params, query, body, request };
});

/** Parameters of paths that are ids. */
const GIVEN_OUT: ReadonlySet<string> = new Set(['path.id', 'path.eventId']);

/**
 * Ids are given out here: one that does not look like any of them is of nothing, which callers who keep ids must be able to
 * tell from a request that they made wrongly. Names are chosen by callers, and one that is none is such a request.
 *
 * @throws CommandRefused 404
 */
function nameless(faults: readonly Fault[], { params }: FastifyRequest): void {
  const fault = faults.find(({ path }) => GIVEN_OUT.has(path));
  if (fault === undefined) return;
  const id = (params as Record<string, string>)[fault.path.slice('path.'.length)];
  throw new CommandRefused(problemOf(404, 'not-found', `${id} does not exist: it ${fault.message}`));
}

/**
 * incident.md says that "an unknown or impossible change is 409": a status that there is not is such a change, and
 * the special rule goes before the contract's general one, that what does not fit the schema is 400. Whatever else is
 * wrong with the request makes it malformed. Either way the fault names the field.
 *
 * @throws CommandRefused 409 when nothing but a word is wrong, and it names an impossible change
 */
function impossible(body: RouteBody | undefined, given: unknown, faults: readonly Fault[]): void {
  const fields = body?.conflicts ?? [];
  if (faults.length === 0 || given === null || typeof given !== 'object') return;
  const words = given as Record<string, unknown>;
  if (!faults.every(({ path }) => fields.includes(path) && typeof words[path] === 'string')) return;
  const { path, message } = faults[0] as Fault;
  throw new CommandRefused(
    problemOf(409, `unknown-${path}`, `there is no ${path} like that: ${message}`, [...faults]),
  );
}

const at = (place: string, path: string) => [place, path].filter((part) => part !== '').join('.');

/** No text of a query may hold what the database cannot: it is looked for there. */
function storable(query: unknown, faults: Fault[]): void {
  for (const [name, value] of Object.entries((query ?? {}) as Record<string, unknown>)) {
    const path = `query.${name}`;
    const isSound = [value].flat().every((text) => typeof text !== 'string' || isStorable(text));
    if (!isSound && !faults.some((fault) => fault.path === path))
      faults.push({ path, message: NOT_STORABLE });
  }
}

const NOT_STORABLE = 'must not contain NUL or lone surrogates';
const noParameter = 'is not a parameter of this route';

/** A misspelt filter that is silently ignored shows the wrong thing, so unknown parameters are refused everywhere. */
function noQuery(query: unknown, faults: Fault[]): unknown {
  for (const name of Object.keys((query ?? {}) as object))
    faults.push({ path: `query.${name}`, message: noParameter });
  return query;
}

function bodyOf(request: FastifyRequest, body: RouteBody, faults: Fault[]): unknown {
  // `null` is a body, though a wrong one.
  const absent = body.optional ? {} : undefined;
  const given = request.body === undefined ? absent : request.body;
  if (given === undefined) {
    // Even where the path says all that a resource must have: what replaces it as a whole would wipe the rest.
    throw CommandRefused.malformed('a JSON body is required', [{ path: '', message: 'is required' }]);
  }
  if (!body.fromPath || given === null || typeof given !== 'object' || Array.isArray(given)) return given;
  const params = request.params as Record<string, string>;
  const said: Record<string, unknown> = {};
  const fields = { ...(given as Record<string, unknown>) };
  // So that what a PUT answered can be changed and put again.
  if (Array.isArray(fields.warnings)) delete fields.warnings;
  for (const [parameter, field] of Object.entries(body.fromPath)) {
    said[field] = params[parameter];
    if (fields[field] !== undefined && fields[field] !== params[parameter])
      faults.push({ path: field, message: `must be "${params[parameter]}", as in the path, or be left out` });
  }
  return { ...said, ...fields };
}
