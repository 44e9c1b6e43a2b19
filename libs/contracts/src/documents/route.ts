import { z } from 'zod';
import type { CommandName } from '../commands/catalog.js';
import { timestamp } from '../time.js';

/**
 * What a route asks of the caller: a token of at least this role (`viewer` < `responder` < `admin`; `publisher` is
 * for measurements), any valid token (`browser-token`: also as the password of Basic authentication, so that a browser
 * can be asked for it), a signed link in place of one, or nothing.
 */
export type Access =
  | 'viewer'
  | 'responder'
  | 'admin'
  | 'publisher'
  | 'any-token'
  | 'browser-token'
  | 'signed-link'
  | 'public';

/** One answer of a route. */
export interface RouteAnswer {
  description: string;
  /** Shape of the JSON body; absent when the body is not JSON or is empty. */
  schema?: z.ZodType;
  /** Other media types in which the same is given (`text/markdown`), or the only one when there is no schema. */
  mediaTypes?: readonly string[];
}

/** What a route takes. */
export interface RouteBody {
  schema: z.ZodType;
  /** The request may come without a body, which then is `{}`. */
  optional?: boolean;
  /** Default `application/json`. */
  mediaTypes?: readonly string[];
  /** Fields that the path says already, by parameter: they may be left out of the body, and must not differ. */
  fromPath?: Readonly<Record<string, string>>;
  /** Fields in which a word that is not one of the known names an impossible change: 409 and not 400. */
  conflicts?: readonly string[];
}

/** One method of one path: what the server serves, OpenAPI describes and the tests call. */
export interface Route {
  /** The service that serves it. */
  app: 'api' | 'ingest';
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** With parameters in braces: `/v1/services/{name}`. */
  path: string;
  /** The word of the field that it is about; groups routes in the documentation. */
  tag: string;
  summary: string;
  access: Access;
  params?: z.ZodObject;
  query?: z.ZodObject;
  body?: RouteBody;
  answers: Readonly<Record<number, RouteAnswer>>;
  /** The command that it asks of a service: the route writes, takes `Idempotency-Key` and, with `versioned`, `If-Match`. */
  command?: CommandName;
  /** It takes `Idempotency-Key` without being a command. */
  idempotent?: boolean;
  /** Its answer is a resource with a version, given as `ETag`. */
  versioned?: boolean;
}

/** Keeps the literal types of a part of the route table. */
export const defineRoutes = <const T extends Record<string, Route>>(routes: T): T => routes;

/** Replaces the JSON schema of a query parameter, whose wire form is text, by the one of its value. */
export const PARAMETER_SCHEMA = 'x-parameter-schema';

/** A whole number in a query: plain decimal digits, no sign, blank, exponent or fraction. */
export const integerParameter = (minimum: number, maximum: number) =>
  z
    .string()
    .regex(/^(0|[1-9][0-9]{0,15})$/, 'must be a whole number')
    .transform(Number)
    .refine((n) => n >= minimum && n <= maximum, `must be from ${minimum} to ${maximum}`)
    .meta({ [PARAMETER_SCHEMA]: { type: 'integer', minimum, maximum } });

/** A version, as a number or as the ETag that said it: `5`, `"5"`, `W/"5"`. */
const versionParameter = z
  .string()
  .transform((value) => /^(?:W\/)?"(.*)"$/.exec(value)?.[1] ?? value)
  .pipe(integerParameter(0, Number.MAX_SAFE_INTEGER))
  .meta({
    [PARAMETER_SCHEMA]: {
      anyOf: [
        { type: 'integer', minimum: 0 },
        { type: 'string', pattern: '^(W/)?"(0|[1-9][0-9]{0,15})"$' },
      ],
    },
  });

/** A time in a query. A `+` of the offset that was not percent-encoded arrives as a blank and is taken as meant. */
export const timeParameter = z
  .string()
  .transform((value) => value.replace(' ', '+'))
  .pipe(timestamp)
  .meta({ [PARAMETER_SCHEMA]: { type: 'string', format: 'date-time' } });

/** One or several values, separated by commas: `status=identified,monitoring`. */
export const listParameter = <T extends string>(values: readonly T[]) =>
  z
    .string()
    .max(1000)
    .transform((value) => value.split(','))
    .pipe(z.array(z.enum(values)))
    .meta({
      [PARAMETER_SCHEMA]: { type: 'array', items: { type: 'string', enum: [...values] } },
    });

/** The highest `limit` of a list, and the one taken when none is named. */
export const ListLimits = { most: 500, default: 50 } as const;

/** A page of a list. */
export const pagedQuery = {
  limit: integerParameter(1, ListLimits.most).optional(),
  cursor: z.string().min(1).max(1024).optional(),
};

/** What a read may name: what was known at a time, and the version that it must at least show. */
export const readQuery = {
  asOf: timeParameter.optional(),
  minVersion: versionParameter.optional(),
};

/** A list of resources, with what a read may name. */
export const resourceListQuery = z.strictObject({ ...pagedQuery, asOf: readQuery.asOf });

/** `{param}` names of a path, in order. */
export function pathParameters(path: string): string[] {
  return [...path.matchAll(/\{([^}]+)\}/g)].map((match) => match[1] as string);
}

/** Whether the route changes something. */
export const isWrite = (route: Route): boolean => route.method !== 'GET';
