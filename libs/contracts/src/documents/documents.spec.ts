import { describe, expect, test } from '@jest/globals';
import { eventCatalog } from '../events/catalog.js';
import { keyOfStream, LogStreams } from '../subjects.js';
import { asyncApiDocument, publishedEvents } from './asyncapi.js';
import type { JsonSchema } from './json-schema.js';
import { checkRouteTable, openApiDocument } from './openapi.js';
import { routes } from './routes.js';
import { resolve } from './schema-reading.js';

function everyReference(document: JsonSchema): string[] {
  const found: string[] = [];
  JSON.stringify(document, (key, value: unknown) => {
    if (key === '$ref') found.push(String(value));
    return value;
  });
  return found;
}

test('the route table has no fault', () => {
  expect(checkRouteTable()).toEqual([]);
  expect(
    checkRouteTable({ wrong: { ...routes.getService, params: routes.getSli.params } } as never),
  ).toHaveLength(1);
});

describe('OpenAPI', () => {
  const document = openApiDocument();
  const paths = document.paths as Record<string, Record<string, JsonSchema>>;

  test('has every route once, under its operation id', () => {
    const operations = Object.values(paths)
      .flatMap((item) => Object.values(item))
      .map((operation) => operation.operationId)
      .filter(Boolean);
    expect(operations.sort()).toEqual(Object.keys(routes).sort());
  });

  test('says what 400 and 422 are', () => {
    const { description } = document.info as { description: string };
    for (const status of ['400:', '422:', '409:']) expect(description.split(status)).toHaveLength(2);
  });

  test('refers to nothing that is not there', () => {
    for (const reference of everyReference(document))
      expect(() => resolve(reference, document)).not.toThrow();
  });

  test('shows what may be sent apart from what is given out where defaults make them differ', () => {
    const schemas = (document.components as { schemas: Record<string, JsonSchema> }).schemas;
    expect(schemas.SloDefinitionInput?.required).toEqual([
      'name',
      'service',
      'objective',
      'indicator',
      'budgeting',
      'window',
    ]);
    expect(schemas.SloDefinition?.required).toContain('missingData');
    expect(schemas.SloDefinitionInput?.additionalProperties).toBe(false);
    expect(schemas.SloDefinition).not.toHaveProperty('additionalProperties');
    expect(schemas.ResourceNameInput).toBeUndefined();
  });

  test('gives parameters the type of their value', () => {
    const parameters = paths['/v1/incidents']?.get?.parameters as JsonSchema[];
    expect(parameters.find((p) => p.name === 'limit')).toEqual({
      name: 'limit',
      in: 'query',
      required: false,
      schema: { type: 'integer', minimum: 1, maximum: 500 },
    });
    expect(parameters.find((p) => p.name === 'severity')).toMatchObject({
      explode: false,
      schema: { type: 'array', items: { enum: ['sev1', 'sev2', 'sev3', 'sev4'] } },
    });
  });

  test('says of each write whether it may be repeated under a key', () => {
    const keyed = (path: string) =>
      ((paths[path]?.post?.parameters ?? []) as JsonSchema[]).some(({ name }) => name === 'Idempotency-Key');
    expect(keyed('/v1/incidents')).toBe(true);
    expect(keyed('/v1/changes')).toBe(true);
    expect(keyed('/v1/measurements/{service}/{sli}')).toBe(true);
    // A batch is of CloudEvents, whose own ids count.
    expect(keyed('/v1/measurements')).toBe(false);
  });

  test('asks for a token everywhere but on signed links and health', () => {
    const open = Object.entries(paths).flatMap(([path, item]) =>
      Object.values(item).some((operation) => JSON.stringify(operation.security) === '[]') ? [path] : [],
    );
    expect(open.sort()).toEqual(['/a/{link}', '/healthz', '/metrics', '/readyz']);
  });
});

describe('AsyncAPI', () => {
  const document = asyncApiDocument();

  test('is written in the draft of JSON Schema that it is read by, 07: a later one would refuse every tuple', () => {
    let tuples = 0;
    JSON.stringify(document, (_key, value: unknown) => {
      if (value === null || typeof value !== 'object') return value;
      expect(value).not.toHaveProperty('prefixItems');
      if ('additionalItems' in value) tuples++;
      // What stands beside a reference is passed over in that draft.
      if ('$ref' in value) expect(Object.keys(value)).toEqual(['$ref']);
      return value;
    });
    expect(tuples).toBeGreaterThan(0);
  });

  test('says how many labels there may be', () => {
    const schemas = (document.components as { schemas: Record<string, JsonSchema> }).schemas;
    expect(schemas.Labels).toMatchObject({ maxProperties: 16 });
  });

  test('says what the key of each event is, which is that of its stream', () => {
    const channels = document.channels as Record<string, { parameters?: { key: { description: string } } }>;
    const key = (type: string) => channels[type]?.parameters?.key.description;
    expect(keyOfStream(LogStreams.sli('checkout', 'availability'))).toBe('checkout/availability');
    expect(key('sli.defined')).toContain('`<service>/<sli>`');
    expect(key('slo.defined')).not.toContain('/');
  });

  test('has a channel for every event but those of measurement journals', () => {
    expect(publishedEvents).toHaveLength(Object.keys(eventCatalog).length - 1);
    const channels = document.channels as Record<string, JsonSchema>;
    expect(Object.keys(channels).sort()).toEqual(
      ['measurements', 'receipts', 'refusedMeasurements', ...publishedEvents].sort(),
    );
    expect(channels['incident.declared']?.address).toBe('evt.incident.declared.{key}');
    expect(channels.measurements?.address).toBe('sli.{service}.{sli}');
  });

  test('refers to nothing that is not there', () => {
    for (const reference of everyReference(document))
      expect(() => resolve(reference, document)).not.toThrow();
  });
});
