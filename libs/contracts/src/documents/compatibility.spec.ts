import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { asyncApiDocument } from './asyncapi.js';
import { asyncApiIncompatibilities, openApiIncompatibilities } from './compatibility.js';
import type { JsonSchema } from './json-schema.js';
import { openApiDocument } from './openapi.js';
import type { Route } from './route.js';

const kind = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('user'), name: z.string() }),
  z.strictObject({ kind: z.literal('group'), size: z.number() }),
]);
const base = {
  title: z.string().max(200),
  level: z.enum(['low', 'high']).default('low'),
  note: z.string().optional(),
  count: z.int().nullable(),
  target: kind,
  tags: z.array(z.string()).max(5).default([]),
  labels: z.record(z.string(), z.string()).default({}),
  at: z.strictObject({ from: z.string(), to: z.string().optional() }),
};

type Shape = z.ZodRawShape;
const route = (shape: Shape, more: Partial<Route> = {}): Record<string, Route> => ({
  thing: {
    app: 'api',
    method: 'POST',
    path: '/v1/things/{name}',
    tag: 'services',
    summary: 'A thing',
    access: 'responder',
    params: z.object({ name: z.string() }),
    query: z.strictObject({ dry: z.string().optional() }),
    body: { schema: z.strictObject(shape) },
    answers: { 200: { description: 'It', schema: z.strictObject(shape) } },
    ...more,
  },
});
const document = (shape: Shape, more?: Partial<Route>) => {
  return openApiDocument({ routes: route(shape, more) });
};
const inBody = (shape: Shape) => document(base, { body: { schema: z.strictObject(shape) } });
const inAnswer = (shape: Shape) =>
  document(base, { answers: { 200: { description: 'It', schema: z.strictObject(shape) } } });
const published = () =>
  document(base, {
    body: { schema: z.strictObject(base) },
    answers: { 200: { description: 'It', schema: z.strictObject(base) } },
  });
const without = (name: keyof typeof base) => {
  const { [name]: _, ...rest } = base;
  return rest;
};
const placesOf = (after: JsonSchema) => openApiIncompatibilities(published(), after).map((i) => i.at);
const body = 'POST /v1/things/{name} body';
const answer = 'POST /v1/things/{name} 200';

test('the same document is compatible with itself', () => {
  expect(placesOf(published())).toEqual([]);
  const real = openApiDocument();
  expect(openApiIncompatibilities(real, structuredClone(real))).toEqual([]);
});

describe('what may be sent', () => {
  test.each<[string, Shape, string]>([
    ['a field that is gone', without('note'), `${body}.note`],
    ['a new required field', { ...base, reason: z.string() }, `${body}.reason`],
    ['an optional field that became required', { ...base, note: z.string() }, `${body}.note`],
    ['another type', { ...base, title: z.number() }, `${body}.title`],
    [
      'a number that must be whole now',
      { ...base, target: z.strictObject({ kind: z.literal('group'), size: z.int() }) },
      `${body}.target`,
    ],
    ['null no longer accepted', { ...base, count: z.int() }, `${body}.count`],
    ['an enum value that is gone', { ...base, level: z.enum(['low']).default('low') }, `${body}.level`],
    [
      'a variant that is gone',
      { ...base, target: z.strictObject({ kind: z.literal('user'), name: z.string() }) },
      `${body}.target`,
    ],
    ['a shorter limit', { ...base, title: z.string().max(100) }, `${body}.title`],
    ['a limit where none was', { ...base, note: z.string().min(3).optional() }, `${body}.note`],
    ['a new pattern', { ...base, title: z.string().max(200).regex(/^x/) }, `${body}.title`],
    ['fewer items', { ...base, tags: z.array(z.string()).max(4).default([]) }, `${body}.tags`],
    ['other items', { ...base, tags: z.array(z.int()).max(5).default([]) }, `${body}.tags[]`],
    [
      'other entries of a map',
      { ...base, labels: z.record(z.string(), z.int()).default({}) },
      `${body}.labels.*`,
    ],
    [
      'a nested field that became required',
      { ...base, at: z.strictObject({ from: z.string(), to: z.string() }) },
      `${body}.at.to`,
    ],
    ['only one value left', { ...base, title: z.literal('x') }, `${body}.title`],
  ])('%s is incompatible', (_, shape, place) => {
    expect(placesOf(inBody(shape))).toContain(place);
  });

  test.each<[string, Shape]>([
    ['a new optional field', { ...base, reason: z.string().optional() }],
    ['a new field with a default', { ...base, reason: z.string().default('') }],
    ['a required field that became optional', { ...base, title: z.string().max(200).optional() }],
    ['a further enum value', { ...base, level: z.enum(['low', 'high', 'top']).default('low') }],
    ['a further type', { ...base, title: z.union([z.string().max(200), z.int()]) }],
    ['a longer limit', { ...base, title: z.string().max(300) }],
    ['a further variant', { ...base, target: z.union([kind, z.strictObject({ kind: z.literal('hook') })]) }],
  ])('%s is compatible', (_, shape) => {
    expect(placesOf(inBody(shape)).filter((at) => at.startsWith(body))).toEqual([]);
  });
});

describe('what is given out', () => {
  test.each<[string, Shape, string]>([
    ['a field that is gone', without('note'), `${answer}.note`],
    ['a field that may be missing now', { ...base, title: z.string().optional() }, `${answer}.title`],
    ['another type', { ...base, title: z.number() }, `${answer}.title`],
    ['null where none was', { ...base, title: z.string().nullable() }, `${answer}.title`],
    ['a fraction where whole numbers were', { ...base, count: z.number().nullable() }, `${answer}.count`],
    [
      'a variant that changed',
      {
        ...base,
        target: z.discriminatedUnion('kind', [
          z.strictObject({ kind: z.literal('user') }),
          z.strictObject({ kind: z.literal('group'), size: z.number() }),
        ]),
      },
      `${answer}.target`,
    ],
    ['a nested field that is gone', { ...base, at: z.strictObject({ from: z.string() }) }, `${answer}.at.to`],
    ['free text where there were values', { ...base, level: z.string() }, `${answer}.level`],
  ])('%s is incompatible', (_, shape, place) => {
    expect(placesOf(inAnswer(shape))).toContain(place);
  });

  test.each<[string, Shape]>([
    ['a new field', { ...base, reason: z.string() }],
    ['a further enum value', { ...base, level: z.enum(['low', 'high', 'top']) }],
    ['a further variant', { ...base, target: z.union([kind, z.strictObject({ kind: z.literal('hook') })]) }],
    ['never null any more', { ...base, count: z.int() }],
  ])('%s is compatible', (_, shape) => {
    expect(placesOf(inAnswer(shape)).filter((at) => at.startsWith(answer))).toEqual([]);
  });
});

describe('routes', () => {
  const plain = () => document(base);
  const changes = (more: Partial<Route>) =>
    openApiIncompatibilities(plain(), document(base, more)).map((i) => i.message);

  test.each<[string, Partial<Route>, string]>([
    ['another path', { path: '/v1/stuff/{name}' }, 'the route is gone'],
    ['another method', { method: 'PUT' }, 'the route is gone'],
    ['a higher role', { access: 'admin' }, 'asks for admin, where responder was enough'],
    ['a parameter that is gone', { query: z.strictObject({}) }, 'the parameter is gone'],
    [
      'a parameter that is required now',
      { query: z.strictObject({ dry: z.string() }) },
      'the parameter is required now',
    ],
    [
      'a new required parameter',
      { query: z.strictObject({ dry: z.string().optional(), why: z.string() }) },
      'a new parameter is required',
    ],
    ['another status', { answers: { 202: { description: 'It' } } }, 'the answer is gone'],
    [
      'another media type in',
      { body: { schema: z.strictObject(base), mediaTypes: ['text/plain'] } },
      'application/json is no longer accepted',
    ],
    [
      'another media type out',
      { answers: { 200: { description: 'It', mediaTypes: ['text/plain'] } } },
      'application/json is no longer given',
    ],
  ])('%s is incompatible', (_, more, message) => {
    expect(changes(more)).toContain(message);
  });

  test('a lower role, a further parameter and a further answer are compatible', () => {
    expect(changes({ access: 'viewer' })).toEqual([]);
    expect(
      changes({ query: z.strictObject({ dry: z.string().optional(), why: z.string().optional() }) }),
    ).toEqual([]);
  });
});

describe('the bus', () => {
  const change = (edit: (document: JsonSchema) => void) => {
    const before = asyncApiDocument();
    const after = structuredClone(before);
    edit(after);
    return asyncApiIncompatibilities(before, after).map(({ at, message }) => `${at}: ${message}`);
  };
  const dataOf = (document: JsonSchema, type: string) => {
    const { messages } = document.components as {
      messages: Record<string, { payload: { allOf: JsonSchema[] } }>;
    };
    const payload = messages[type]?.payload.allOf[1] as { properties: { data: JsonSchema } };
    return payload.properties.data as { properties: Record<string, JsonSchema>; required: string[] };
  };

  test('nothing changed', () => expect(change(() => {})).toEqual([]));

  test('an event that is gone is incompatible', () => {
    expect(
      change((document) => {
        delete (document.channels as JsonSchema)['incident.declared'];
      }),
    ).toEqual(['evt.incident.declared.{key}: the channel is gone']);
  });

  test('a field of an event that is gone is incompatible', () => {
    expect(
      change((document) => {
        delete dataOf(document, 'slo.alert.fired').properties.threshold;
      }),
    ).toEqual(['evt.slo.alert.fired.{key}.data.threshold: is gone']);
  });

  test('a field of an event with another type is incompatible', () => {
    expect(
      change((document) => {
        dataOf(document, 'slo.alert.fired').properties.threshold = { type: 'string' };
      }),
    ).toEqual(['evt.slo.alert.fired.{key}.data.threshold: the type was number and is string']);
  });

  test('a new event version in place of the old one is incompatible', () => {
    expect(
      change((document) => {
        const { messages } = document.components as { messages: Record<string, JsonSchema> };
        (messages['incident.declared'] as JsonSchema).name = 'bellwether.incident.declared.v2';
      }),
    ).toContainEqual(expect.stringContaining('the type was bellwether.incident.declared.v1'));
  });

  test('a measurement that must carry more is incompatible', () => {
    expect(
      change((document) => {
        const { schemas } = document.components as { schemas: Record<string, { anyOf: JsonSchema[] }> };
        const points = schemas.MeasurementPoint as { anyOf: JsonSchema[] };
        for (const branch of points.anyOf) branch.required = [...(branch.required as string[]), 'at'];
      }).length,
    ).toBeGreaterThan(0);
  });

  test('a new field of an event is compatible', () => {
    expect(
      change((document) => {
        const data = dataOf(document, 'slo.alert.fired');
        data.properties.region = { type: 'string' };
        data.required.push('region');
      }),
    ).toEqual([]);
  });
});
