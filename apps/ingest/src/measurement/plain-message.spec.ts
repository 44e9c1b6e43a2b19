import { MEASUREMENT_CE_TYPE } from '@bellwether/contracts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { anyBody, now } from './bodies.fixture.js';
import { readPlainMessage } from './plain-message.js';
import { readPoints } from './points.js';
import { Refusal } from './refusal.js';

const context = { service: 'checkout', sli: 'availability', receivedAt: now - 7, now };
const at = '2026-11-22T09:59:00Z';
const plain = (text: string) => readPlainMessage(Buffer.from(text), context);
const parsedFirst = (text: string) => readPoints(JSON.parse(text), context);

/** The same JSON with white space wherever it may be. */
const spaced = (body: unknown) => JSON.stringify(body, null, ' \t\r\n').replaceAll('":', '"\n:');

const wholeNumbers = fc.oneof(fc.nat(), fc.nat(2e6), fc.constantFrom(0, 1e6, 1e12, 1e12 + 1, 2 ** 53));
const numbers = fc.oneof(
  { weight: 5, arbitrary: wholeNumbers },
  { weight: 5, arbitrary: fc.tuple(fc.nat(10_000_000), fc.nat(9)).map(([n, places]) => n / 10 ** places) },
  { weight: 1, arbitrary: fc.oneof(fc.double({ noNaN: true }), fc.integer()) },
);
const times = fc.oneof(
  fc
    .date({ min: new Date(now - 86_400_000 * 401), max: new Date(now + 600_000), noInvalidDate: true })
    .map((date) => date.toISOString()),
  fc.nat(86_400_000).map((before) => new Date(now - before).toISOString().replace(/\.\d+/, '')),
  fc.constantFrom(
    '2026-02-29T10:00:00Z',
    '2026-11-22T24:00:00Z',
    '2026-11-22T09:60:00Z',
    '2026-11-22T09:00:60Z',
    '2026-1-22T09:00:00.0Z',
    '2026-11-22T09:00:00.1Z',
  ),
);
const time = fc.record({ at: times }, { requiredKeys: [] });
const timed = (points: fc.Arbitrary<object>) =>
  fc.tuple(time, points).map(([when, what]): object => ({ ...when, ...what }));
const pair = fc.tuple(numbers, numbers).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
const counts = timed(
  fc.oneof(
    pair.map(([good, total]) => ({ good, total })),
    pair.map(([bad, total]) => ({ total, bad })),
  ),
);
const values = timed(fc.record({ value: numbers, count: numbers }, { requiredKeys: ['value'] }));
const list = (points: fc.Arbitrary<object>) => fc.array(points, { minLength: 1, maxLength: 4 });
const nearlyPlain = fc.record({
  points: fc.oneof(list(counts), list(values), list(fc.oneof(counts, values))),
});

describe('read from its bytes a body says the same as read from its objects', () => {
  function agree(text: string): boolean {
    const read = plain(text);
    if (read === null) return false;
    expect(read.points).toEqual(parsedFirst(text));
    return true;
  }

  test('whatever it is', () => {
    let plainOnes = 0;
    fc.assert(
      fc.property(fc.oneof(nearlyPlain, anyBody), fc.boolean(), (body, wide) => {
        const text = (wide ? spaced(body) : JSON.stringify(body)) ?? '';
        if (agree(text)) plainOnes += 1;
      }),
      { numRuns: 4_000 },
    );
    expect(plainOnes).toBeGreaterThan(300);
  });

  test('with any character changed, left out or put in', () => {
    const text = JSON.stringify({
      points: [
        { at, good: 9.5, total: 10 },
        { at, bad: 1, total: 20 },
      ],
    });
    const character = fc.constantFrom(...'0123456789-+.eE,:"{}[] \n\tTZgx', '\0', 'é', '\u00a0');
    let plainOnes = 0;
    fc.assert(
      fc.property(fc.nat(text.length), fc.nat(2), character, (place, cut, put) => {
        if (agree(text.slice(0, place) + put + text.slice(place + cut))) plainOnes += 1;
      }),
      { numRuns: 4_000 },
    );
    expect(plainOnes).toBeGreaterThan(50);
  });

  test('and cut off anywhere it is not plain', () => {
    const text = JSON.stringify({ points: [{ at, value: -9.5, count: 10 }] });
    for (let length = 0; length < text.length; length += 1) expect(plain(text.slice(0, length))).toBeNull();
  });
});

describe('plain is', () => {
  test.each([
    [
      'counts',
      {
        points: [
          { at, good: 998, total: 1000 },
          { at, bad: 0.25, total: 1e3 },
        ],
      },
    ],
    ['values', { points: [{ value: 0 }, { at, value: 12.5, count: 3 }] }],
    ['10,000 points', { points: Array.from({ length: 10_000 }, (_, i) => ({ value: i / 8 })) }],
  ])('%s', (_, body) => {
    const text = JSON.stringify(body);
    expect(plain(text)?.points).toEqual(parsedFirst(text));
  });

  test.each([
    ['a single point', { good: 1, total: 2 }],
    ['no points', { points: [] }],
    ['labels', { points: [{ good: 1, total: 2, labels: { a: 'b' } }] }],
    ['histograms', { points: [{ buckets: [['+Inf', 1]] }] }],
    ['two kinds', { points: [{ good: 1, total: 2 }, { value: 1 }] }],
    ['more than 10,000 points', { points: Array.from({ length: 10_001 }, () => ({ value: 1 })) }],
    ['more digits than a double holds', { points: [{ value: 0.1234567890123456 }] }],
    ['another offset', { points: [{ at: '2026-11-22T09:59:00+00:00', value: 1 }] }],
    ['good above total', { points: [{ good: 3, total: 2 }] }],
    ['too old', { points: [{ at: '2024-11-22T09:59:00Z', value: 1 }] }],
  ])('not: %s', (_, body) => {
    expect(plain(JSON.stringify(body))).toBeNull();
  });

  test('not: a key twice, of which JSON takes the last', () => {
    expect(plain('{"points":[{"value":1,"value":2}]}')).toBeNull();
  });
});

describe('a CloudEvent', () => {
  const head = { specversion: '1.0', type: MEASUREMENT_CE_TYPE, source: '/shop', id: '17', subject: 'a/b' };
  const body = { points: [{ at, good: 9, total: 10 }] };

  test('whose last member is plain data is plain', () => {
    const read = plain(`${JSON.stringify({ ...head, data: body })}\n`);
    expect(read?.event).toMatchObject({ source: '/shop', id: '17', subject: 'a/b' });
    expect(read?.points).toEqual(parsedFirst(JSON.stringify(body)));
  });

  test.each([
    ['an attribute after the data', { ...head, data: body, time: at }],
    ['data within other data', { ...head, other: { x: 1, data: body } }],
    ['no id', { ...head, id: undefined, data: body }],
    ['another type', { ...head, type: 'x', data: body }],
    ['base64 besides', { ...head, data_base64: 'e30=', data: body }],
  ])('is not with %s', (_, event) => {
    expect(plain(JSON.stringify(event))).toBeNull();
  });

  test('is not with data in a text, data twice, text that is not UTF-8, or members that are none', () => {
    const whole = JSON.stringify({ ...head, data: body });
    expect(plain(JSON.stringify({ ...head, note: whole }))).toBeNull();
    expect(plain(whole.replace('{', '{"data":1,'))).toBeNull();
    expect(plain(whole.replace('"id":"17",', '"id":"17",,'))).toBeNull();
    const bytes = Buffer.from(whole.replace('17', '1é'), 'latin1');
    expect(readPlainMessage(bytes, context)).toBeNull();
  });
});

test('nothing that is refused is plain', () => {
  fc.assert(
    fc.property(fc.oneof(nearlyPlain, anyBody), (body) => {
      const text = JSON.stringify(body);
      if (text === undefined) return;
      try {
        parsedFirst(text);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        expect(plain(text)).toBeNull();
      }
    }),
    { numRuns: 1_000 },
  );
});
