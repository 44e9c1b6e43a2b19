import { type Route, routes } from '@bellwether/contracts';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Rig } from './rig.fixture.js';

jest.setTimeout(60_000);

interface Schema {
  format?: string;
  $ref?: string;
  properties?: Record<string, Schema>;
}
interface Parameter {
  in: string;
  name: string;
  schema: Schema;
}
interface Operation {
  parameters?: Parameter[];
  requestBody?: { content: Record<string, { schema: Schema }> };
}
interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

/** Times that RFC 3339 allows, or nearly does, and that a clock, JavaScript or Postgres may trip over. */
const odd = [
  '0000-01-01T00:00:00Z',
  '0001-01-01T00:00:00Z',
  '0099-12-31T23:59:59Z',
  '1000-01-01T00:00:00Z',
  '1000-01-01T00:00:00+01:00',
  '1969-12-31T23:59:59.999Z',
  '2016-12-31T23:59:60Z',
  '2026-02-29T00:00:00Z',
  '2026-11-22t09:00:00z',
  '9999-12-31T23:59:59.999Z',
  '9999-12-31T23:59:59-01:00',
  '+010000-01-01T00:00:00Z',
  '-000001-01-01T00:00:00Z',
  '1e3',
];

let rig: Rig;
let document: Document;
beforeAll(async () => {
  rig = await Rig.start({ commandTimeoutMs: 2_000 });
  document = (await rig.get<Document>('/openapi.json')).body;
  await rig.put('/v1/services/checkout', { tier: 1 });
  await rig.put('/v1/users/ada', {});
  await rig.put('/v1/schedules/primary', {
    timeZone: 'Europe/Berlin',
    layers: [
      {
        name: 'all',
        rotation: { type: 'hourly', length: 1, start: '2026-11-02T09:00', participants: ['ada', 'grace'] },
      },
    ],
  });
});
afterAll(() => rig?.stop());

const isTime = (schema: Schema | undefined): boolean =>
  schema?.format === 'date-time' || schema?.$ref?.endsWith('/Timestamp') === true;

const resolved = (schema: Schema): Schema =>
  schema.$ref === undefined
    ? schema
    : (document.components.schemas[schema.$ref.split('/').at(-1) as string] as Schema);

/** Names of this installation, where it has one of the kind; well-formed ones elsewhere. */
const named = (path: string): string =>
  path
    .replace('/schedules/{name}', '/schedules/primary')
    .replace('/services/{name}', '/services/checkout')
    .replace('/users/{name}', '/users/ada')
    .replace('/incidents/{id}', '/incidents/INC-1')
    .replace('{eventId}', '019aa000-0000-7000-8000-000000000000')
    .replace(/\{[^}]+\}/g, 'checkout');

const servedHere = (method: string, path: string) =>
  Object.values<Route>(routes).some(
    (route) => route.app === 'api' && route.method === method && route.path === path,
  );

function operations(): [method: string, path: string, operation: Operation][] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, string, Operation] => [
      method.toUpperCase(),
      path,
      operation,
    ]),
  );
}

describe('an odd time is answered, and never by a fault of ours', () => {
  test('in every parameter that is a time', async () => {
    const faults: unknown[] = [];
    let asked = 0;
    for (const [method, path, { parameters = [] }] of operations())
      for (const { name, schema } of parameters.filter((each) => each.in === 'query')) {
        if (!isTime(schema)) continue;
        for (const time of odd) {
          asked += 1;
          const { status } = await rig.ask(method, `${named(path)}?${name}=${encodeURIComponent(time)}`);
          if (status >= 500) faults.push({ method, path, name, time, status });
        }
      }
    expect(asked).toBeGreaterThan(20 * odd.length);
    expect(faults).toEqual([]);
  });

  test('in every field of a body that is a time, named where no clock can keep it', async () => {
    const faults: unknown[] = [];
    let asked = 0;
    for (const [method, path, { requestBody }] of operations()) {
      // What another service serves is tested there.
      if (requestBody === undefined || !servedHere(method, path)) continue;
      const schema = requestBody.content['application/json']?.schema;
      const fields = Object.entries((schema && resolved(schema).properties) ?? {}).filter(([, each]) =>
        isTime(each),
      );
      for (const [field] of fields)
        for (const time of odd) {
          asked += 1;
          const { status, body } = await rig.ask<{ errors?: { path: string }[] }>(method, named(path), {
            body: { ...example(path), [field]: time },
          });
          if (status >= 500) faults.push({ method, path, field, time, status });
          if (time.startsWith('0') && !body.errors?.some((each) => each.path === field))
            faults.push({ method, path, field, time, status, errors: body.errors });
        }
    }
    expect(asked).toBeGreaterThan(8 * odd.length);
    expect(faults).toEqual([]);
  });
});

/** The rest of a body, so that its times are all that may be wrong with it. */
function example(path: string): object {
  if (path === '/v1/incidents') return { title: 'odd', severity: 'sev3', services: ['checkout'] };
  if (path.endsWith('/overrides') && path.includes('schedules'))
    return { kind: 'add', user: 'ada', from: '2026-11-22T11:00:00Z', to: '2026-11-22T12:00:00Z' };
  if (path.endsWith('/overrides')) return { reason: 'odd', until: '2026-11-22T12:00:00Z' };
  return {};
}

test('an incident list takes any time that it can compare with', async () => {
  expect((await rig.get('/v1/incidents?from=1000-01-01T00:00:00Z&to=9999-12-31t23:59:59z')).status).toBe(200);
  const { status, body } = await rig.get('/v1/incidents?from=9999-12-31T23:59:59-01:00');
  expect(status).toBe(400);
  expect(body.errors).toEqual([{ path: 'query.from', message: 'must be in the years 1000 to 9999 of UTC' }]);
});
