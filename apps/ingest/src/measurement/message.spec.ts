import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { MEASUREMENT_CE_TYPE } from '@bellwether/contracts';
import { describe, expect, test } from '@jest/globals';
import {
  commandOf,
  type MeasurementMessage,
  readAddressed,
  readFromBus,
  readFromRequest,
} from './message.js';
import { Refusal } from './refusal.js';

const now = Date.parse('2026-11-22T10:00:00Z');
const reception = { receivedAt: now, now };
const point = { good: 1, total: 2 };
const event = {
  specversion: '1.0',
  type: MEASUREMENT_CE_TYPE,
  source: '/shop/checkout',
  id: '17',
  subject: 'checkout/availability',
  data: point,
};
const bytes = (body: unknown) => Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
const reader = (headers: Record<string, string>) => (name: string) => headers[name];

function fromBus(body: unknown, headers: Record<string, string> = {}, subject = 'sli.checkout.availability') {
  const data = body instanceof Uint8Array ? body : bytes(body);
  return readFromBus({ subject, data, header: reader(headers) }, () => 'stream:then/9', reception);
}

function fromRequest(body: unknown, headers: Record<string, string> = {}, structured = false) {
  const request = {
    service: 'checkout',
    sli: 'availability',
    body: bytes(body),
    structured,
    header: reader(headers),
  };
  return readFromRequest(request, reception);
}

const binary = {
  'ce-specversion': '1.0',
  'ce-type': MEASUREMENT_CE_TYPE,
  'ce-source': '/shop/checkout',
  'ce-id': '17',
};

function refusal(read: () => unknown): Refusal {
  try {
    read();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  throw new Error('was accepted');
}

describe('identity', () => {
  test('of a CloudEvent is source and id, in every mode and way', () => {
    const identities = [
      fromBus(event),
      fromBus(point, binary),
      fromBus(event, { 'nats-msg-id': 'other' }),
      fromRequest(event, { 'idempotency-key': 'other' }),
      fromRequest(event, {}, true),
      fromRequest(point, binary),
      readAddressed(
        { body: bytes([event]), mode: 'batch', header: reader({}) },
        reception,
      )[0] as MeasurementMessage,
    ];
    expect(new Set(identities.map(({ identity }) => identity))).toEqual(new Set(['event:/shop/checkout 17']));
    expect(new Set(identities.map(({ points }) => points.hash)).size).toBe(1);
  });

  test('else it is the message id or the idempotency key, which are one', () => {
    expect(fromBus(point, { 'nats-msg-id': 'abc' }).identity).toBe('key:abc');
    expect(fromRequest(point, { 'idempotency-key': 'abc' }).identity).toBe('key:abc');
  });

  test('else it is the place in the stream, and over HTTP each request is new', () => {
    expect(fromBus(point).identity).toBe('stream:then/9');
    expect(fromBus(point, { 'nats-msg-id': '' }).identity).toBe('stream:then/9');
    expect(fromRequest(point).identity).toBeNull();
  });

  test('is not to be had by an empty key, not even beside an event', () => {
    for (const send of [
      () => fromRequest(point, { 'idempotency-key': '' }),
      () => fromRequest(point, { ...binary, 'idempotency-key': '' }),
    ])
      expect(refusal(send)).toMatchObject({ path: 'Idempotency-Key' });
  });

  test('may be long: only the message and its headers bound it', () => {
    const [id, source] = ['i'.repeat(5_000), `/${'s'.repeat(9_000)}`];
    expect(fromBus({ ...event, id, source }).identity).toBe(`event:${source} ${id}`);
    expect(fromRequest(point, { ...binary, 'ce-id': id, 'ce-source': source }).identity).toBe(
      `event:${source} ${id}`,
    );
    expect(fromBus(point, { 'nats-msg-id': id }).identity).toBe(`key:${id}`);
    expect(fromRequest(point, { 'idempotency-key': id }).identity).toBe(`key:${id}`);
    expect(commandOf(`key:${id}`)).toHaveLength(45);
    expect(commandOf(`key:${id}`)).not.toBe(commandOf(`key:${id}2`));
  });

  test('must be storable, and the fault names the header', () => {
    expect(refusal(() => fromBus(point, { 'nats-msg-id': 'a\u0000' })).path).toBe('Nats-Msg-Id');
    expect(refusal(() => fromRequest(point, { 'idempotency-key': 'a\u0000' })).path).toBe('Idempotency-Key');
  });

  test('kinds of identity do not meet, and commands of the log are hashes of them', () => {
    const command = commandOf(fromBus(event).identity as string);
    expect(command).toMatch(/^m:[\w-]{43}$/);
    expect(commandOf(fromBus(point, { 'nats-msg-id': '/shop/checkout 17' }).identity as string)).not.toBe(
      command,
    );
  });
});

test('labels of a point and of a message arrive alike by every way, and are one content', () => {
  const labels = { region: 'eu', zone: 'a' };
  const bodies = [
    { ...point, labels },
    { points: [{ ...point, labels: { zone: 'a' } }], labels: { region: 'eu' } },
    { labels, points: [point] },
  ];
  for (const body of bodies) {
    const read = [
      fromBus(body),
      fromBus(body, binary),
      fromBus({ ...event, data: body }),
      fromRequest(body),
      fromRequest(body, binary),
      fromRequest({ ...event, data: body }, {}, true),
      readAddressed(
        { body: bytes([{ ...event, data: body }]), mode: 'batch', header: reader({}) },
        reception,
      )[0] as MeasurementMessage,
    ];
    for (const { points } of read) {
      expect(JSON.parse(points.columns.text)).toMatchObject([{ kind: 'counts', labels, good: [1] }]);
      expect(points.hash).toBe(fromBus(bodies[0]).points.hash);
    }
  }
  expect(refusal(() => fromBus({ ...event, data: { points: [point], labels: [] } })).problem.errors).toEqual([
    { path: 'data.labels', message: 'must be an object of texts' },
  ]);
});

describe('CloudEvents', () => {
  test('data may be base64', () => {
    const { data, ...rest } = event;
    const encoded = { ...rest, data_base64: bytes(data).toString('base64') };
    expect(fromBus(encoded).points.columns).toEqual(fromBus(event).points.columns);
  });

  test('attributes in headers are percent-encoded', () => {
    expect(fromBus(point, { ...binary, 'ce-id': 'Euro%20%E2%82%AC' }).identity).toBe(
      'event:/shop/checkout Euro €',
    );
    expect(fromRequest(point, { ...binary, 'ce-id': '"a\\"b"' }).identity).toBe('event:/shop/checkout a"b');
  });

  test('extension attributes and attributes of other uses are let be', () => {
    expect(fromBus({ ...event, traceparent: 'x', dataschema: 'y', comexample: 1 }).identity).toBe(
      'event:/shop/checkout 17',
    );
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['another version', { specversion: '0.3' }, 'specversion'],
    ['a version that is a number', { specversion: 1 }, 'specversion'],
    ['another type', { type: 'com.example.someevent' }, 'type'],
    ['no id', { id: undefined }, 'id'],
    ['an empty id', { id: '' }, 'id'],
    ['an id that is a number', { id: 17 }, 'id'],
    ['an id with NUL', { id: 'a\u0000' }, 'id'],
    ['an id with a lone surrogate', { id: 'a\ud800' }, 'id'],
    ['no source', { source: undefined }, 'source'],
    ['a source with spaces', { source: '/a b' }, 'source'],
    ['a time that is none', { time: 'yesterday' }, 'time'],
    ['data that is not JSON', { datacontenttype: 'application/xml' }, 'datacontenttype'],
    ['no data', { data: undefined }, 'data'],
    ['data twice', { data_base64: 'e30=' }, 'data_base64'],
    ['base64 that is none', { data: undefined, data_base64: '%%%' }, 'data_base64'],
    ['a subject that is a number', { subject: 5 }, 'subject'],
    ['a fault in its data', { data: { points: [{ good: 3, total: 1 }] } }, 'data.points.0.good'],
  ])('%s is refused', (_, change, place) => {
    const { problem, path: found } = refusal(() => fromBus({ ...event, ...change }));
    expect(problem.status).toBe(400);
    expect(found).toBe(place);
    expect(problem.detail).toContain(place);
  });

  test('headers that are half of an event are refused, not taken for a bare body', () => {
    expect(refusal(() => fromBus(point, { 'ce-id': '17' })).path).toBe('ce-specversion');
    expect(refusal(() => fromRequest(point, { ...binary, 'ce-id': '%E2%28' })).path).toBe('ce-id');
  });
});

describe('bodies', () => {
  test.each<[string, unknown, RegExp]>([
    ['empty', '', /empty/],
    ['not JSON', '{"good":1,', /not JSON/],
    ['NaN', '{"value":NaN}', /not JSON/],
    ['Infinity', '{"value":Infinity}', /not JSON/],
    ['not UTF-8', Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x7d]), /UTF-8/],
    ['UTF-16', Buffer.from('\ufeff{"value":1}', 'utf16le'), /UTF-8/],
    ['a text', '"sli"', /must be an object/],
    ['a number', '1', /must be an object/],
    ['nested 500,000 deep', '['.repeat(500_000) + ']'.repeat(500_000), /must be an object/],
    ['nested deep inside', `{"value":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}`, /must be a number/],
  ])('that are %s are refused', (_, body, message) => {
    expect(refusal(() => fromBus(body)).problem).toMatchObject({
      status: 400,
      detail: expect.stringMatching(message),
    });
  });

  test('above 1 MiB are too large', () => {
    expect(refusal(() => fromBus(' '.repeat(1_048_577))).problem.status).toBe(413);
    expect(fromBus(JSON.stringify(point).padEnd(1_048_576)).points.count).toBe(1);
  });
});

describe('names', () => {
  test.each([
    'sli.checkout',
    'sli.checkout.availability.eu',
    'sli.Checkout.availability',
    'sli.checkout.',
    'sli.che_ckout.availability',
    'sli.-checkout.availability',
    `sli.${'a'.repeat(64)}.availability`,
    'sli.checkout.*',
    'sli.checkout.>',
  ])('the subject %s is refused', (subject) => {
    expect(refusal(() => fromBus(point, {}, subject))).toMatchObject({
      reason: 'malformed',
      path: 'subject',
    });
  });

  test.each([
    ['service', { service: "x'; drop table log.events; --" }],
    ['service', { service: 'a.b' }],
    ['sli', { sli: '../../etc' }],
    ['sli', { sli: 'a\r\nx: y' }],
    ['sli', { sli: '>' }],
  ])('a path with a bad %s is refused', (place, names) => {
    const request = {
      service: 'checkout',
      sli: 'availability',
      body: bytes(point),
      structured: false,
      header: () => undefined,
      ...names,
    };
    expect(refusal(() => readFromRequest(request, reception))).toMatchObject({
      path: place,
      reason: 'malformed',
    });
  });
});

describe('batches', () => {
  const batch = (...events: unknown[]) =>
    readAddressed({ body: bytes(events), mode: 'batch', header: reader({}) }, reception);

  test('name their SLIs in the subject', () => {
    const read = batch(event, { ...event, id: '18', subject: 'cart/latency', data: { value: 3 } });
    expect(read.map(({ service, sli }) => `${service}/${sli}`)).toEqual([
      'checkout/availability',
      'cart/latency',
    ]);
  });

  test('one that is refused refuses all, and says which', () => {
    const wrong = { ...event, id: '18', data: { points: [{ good: -1, total: 1 }] } };
    expect(refusal(() => batch(event, wrong)).path).toBe('1.data.points.0.good');
    expect(refusal(() => batch(event, null)).path).toBe('1');
    for (const subject of [
      undefined,
      'checkout',
      'checkout/availability/eu',
      'Checkout/availability',
      'a/*',
    ]) {
      expect(refusal(() => batch({ ...event, subject })).path).toBe('0.subject');
    }
  });

  test('the same event twice is a repeat, the same identity with other content is refused', () => {
    expect(batch(event, event)).toHaveLength(2);
    expect(refusal(() => batch(event, { ...event, data: { good: 2, total: 2 } }))).toMatchObject({
      reason: 'identity-reused',
      path: '1.id',
    });
  });

  test('are arrays, of nothing too, as CloudEvents has it', () => {
    expect(batch()).toEqual([]);
    const single = () => readAddressed({ body: bytes(event), mode: 'batch', header: reader({}) }, reception);
    expect(refusal(single).problem.detail).toMatch(/array/);
  });

  test('a single event without batch mode may name its SLI too', () => {
    const header = reader({ ...binary, 'ce-subject': 'cart/latency' });
    expect(readAddressed({ body: bytes({ value: 1 }), mode: 'binary', header }, reception)).toMatchObject([
      { service: 'cart' },
    ]);
    expect(
      readAddressed({ body: bytes(event), mode: 'structured', header: reader({}) }, reception),
    ).toHaveLength(1);
    const bare = () => readAddressed({ body: bytes(point), mode: 'binary', header: reader({}) }, reception);
    expect(refusal(bare).problem.detail).toMatch(/name the SLI/);
  });
});

// The project's own conformance features, where they are at hand: their events are of another type, so the reader
// is shown each with the type of a measurement and a measurement as its data.
const sharedData = path.resolve(import.meta.dirname, '../../../../../shared/data');
const features = ['http', 'kafka']
  .map((binding) => path.join(sharedData, 'cloudevents', `${binding}-protocol-binding.feature`))
  .filter((file) => existsSync(file));
const conformance = features.length > 0 ? describe : describe.skip;

conformance('conformance features of CloudEvents', () => {
  test.each(features)('%s', (file) => {
    const text = readFileSync(file, 'utf8').replaceAll('com.example.someevent', MEASUREMENT_CE_TYPE);
    const bodies = [...text.matchAll(/^\s*(\{\s*"specversion"[\s\S]*?\n\s*\}\s*)\n\s*"""/gm)].map(
      ([, body]) => body as string,
    );
    expect(bodies.length).toBeGreaterThan(0);
    for (const body of bodies) {
      const message = fromBus(body.replace(/"data": \{[^}]*\}/, `"data": ${JSON.stringify(point)}`));
      expect(message.identity).toBe('event:/mycontext/subcontext 1234-1234-1234');
    }
    const headers = Object.fromEntries(
      [...text.matchAll(/\bce[-_]([a-z]+)(?::| +\|) +([^\s|]+)/g)].map(([, name, value]) => [
        `ce-${name}`,
        value as string,
      ]),
    );
    expect(fromBus(point, headers).identity).toBe('event:/mycontext/subcontext 1234-1234-1234');
    expect(fromRequest(point, headers).identity).toBe('event:/mycontext/subcontext 1234-1234-1234');
  });
});
