import {
  MeasurementLimits,
  measurementBody,
  measurementRecorded,
  type PointColumns,
} from '@bellwether/contracts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { anyBody } from './bodies.fixture.js';
import { type Points, readPoints } from './points.js';
import { Refusal } from './refusal.js';

const now = Date.parse('2026-11-22T10:00:00Z');
const context = { service: 'checkout', sli: 'availability', receivedAt: now - 7, now };
const at = '2026-11-22T09:59:00Z';

function read(body: unknown) {
  const points = readPoints(JSON.parse(JSON.stringify(body)), context);
  return { ...points, columns: columnsOf(points) };
}

function columnsOf({ columns }: Points): PointColumns[] {
  return columns.parse() as PointColumns[];
}

function refusal(body: unknown): Refusal {
  try {
    readPoints(typeof body === 'string' ? JSON.parse(body) : body, context);
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  throw new Error('was accepted');
}

describe('points', () => {
  test('counts become columns, bad ones as good', () => {
    const { count, columns, newest } = read({
      points: [
        { at, good: 998, total: 1000 },
        { at: '2026-11-22T10:00:00.250+00:00', bad: 1, total: 10 },
      ],
    });
    expect(count).toBe(2);
    expect(columns).toEqual([
      { kind: 'counts', at: [now - 60_000, now + 250], good: [998, 9], total: [1000, 10] },
    ]);
    expect(newest).toBe(now + 250);
  });

  test('a single point stands in place of points, and its time is when it was received', () => {
    expect(read({ value: 12.5 }).columns).toEqual([
      { kind: 'values', at: [context.receivedAt], value: [12.5] },
    ]);
  });

  test('a count column appears with the first value that stands for several', () => {
    expect(
      read({
        points: [
          { at, value: 1 },
          { at, value: 2, count: 3 },
          { at, value: 4 },
        ],
      }).columns,
    ).toMatchObject([{ value: [1, 2, 4], count: [1, 3, 1] }]);
  });

  test('histograms with the same bounds share columns; sums may be missing', () => {
    const { columns } = read({
      points: [
        {
          at,
          buckets: [
            [0.1, 5],
            [1, 3],
            ['+Inf', 0],
          ],
        },
        {
          at,
          buckets: [
            [0.1, 1],
            [1, 1],
            ['+Inf', 1],
          ],
          sum: 2.5,
        },
        { at, buckets: [['+Inf', 9]] },
      ],
    });
    expect(columns).toMatchObject([
      {
        kind: 'histogram',
        bounds: [0.1, 1],
        counts: [
          [5, 3, 0],
          [1, 1, 1],
        ],
        sum: [null, 2.5],
      },
      { kind: 'histogram', bounds: [], counts: [[9]] },
    ]);
  });

  test('label sets have columns of their own, whatever the order of the labels', () => {
    const { columns } = read({
      points: [
        { at, good: 1, total: 1, labels: { region: 'eu', zone: 'a' } },
        { at, good: 1, total: 2, labels: { zone: 'a', region: 'eu' } },
        { at, good: 1, total: 3, labels: { region: 'us' } },
        { at, good: 1, total: 4, labels: {} },
      ],
    });
    expect(columns.map((column) => [column.labels, (column as { total: number[] }).total])).toEqual([
      [{ region: 'eu', zone: 'a' }, [1, 2]],
      [{ region: 'us' }, [3]],
      [undefined, [4]],
    ]);
  });
});

describe('labels of a message', () => {
  test('are those of each point that does not have them itself', () => {
    const { columns } = read({
      labels: { region: 'eu', zone: 'a' },
      points: [
        { at, good: 1, total: 1 },
        { at, good: 1, total: 2, labels: { zone: 'b', host: '7' } },
        { at, good: 1, total: 3, labels: {} },
      ],
    });
    expect(columns.map((column) => [column.labels, (column as { total: number[] }).total])).toEqual([
      [{ region: 'eu', zone: 'a' }, [1, 3]],
      [{ host: '7', region: 'eu', zone: 'b' }, [2]],
    ]);
  });

  test('are the same content as on each point', () => {
    const points = [
      { at, good: 1, total: 1 },
      { at, value: 3 },
    ];
    const labels = { region: 'eu' };
    expect(read({ labels, points }).hash).toBe(
      read({ points: points.map((point) => ({ ...point, labels })) }).hash,
    );
    expect(read({ labels, points }).hash).not.toBe(read({ points }).hash);
  });

  test('count with those of a point: 16 together', () => {
    const many = (prefix: string, n: number) =>
      Object.fromEntries(Array.from({ length: n }, (_, i) => [`${prefix}${i}`, 'x']));
    const body = (own: number) => ({ labels: many('a', 10), points: [{ value: 1, labels: many('b', own) }] });
    expect(read(body(6)).count).toBe(1);
    expect(refusal(body(7)).problem.errors).toMatchObject([
      { path: 'points.0.labels', message: expect.stringMatching(/at most 16.*message included/) },
    ]);
    const { issues } = measurementBody.safeParse(body(7)).error ?? { issues: [] };
    expect(issues).toHaveLength(1);
    expect(refusal({ labels: ['a'], points: [{ value: 1 }] }).problem.errors).toMatchObject([
      { path: 'labels', message: expect.stringMatching(/object/) },
    ]);
  });
});

test('labels are any texts: names and values of any form and length, also those that JavaScript knows', () => {
  const text = JSON.stringify({
    value: 1,
    labels: { '': '', "a'; drop table": 'ü '.repeat(500), ['k'.repeat(900)]: '1', 7: '0' },
  });
  const body = JSON.parse(text.replace('{"7"', '{"__proto__":"x","constructor":"y","7"'));
  const [column] = columnsOf(readPoints(body, context));
  expect(Object.entries(column?.labels ?? {}).sort()).toEqual(Object.entries(body.labels).sort());
  expect(Object.entries(column?.labels ?? {})).toHaveLength(6);
  expect(measurementBody.safeParse(body).success).toBe(true);
});

describe('refused points', () => {
  test.each<[string, unknown, number, string, RegExp]>([
    ['nothing', null, 400, '', /must be an object/],
    ['a list', [], 400, '', /must be an object/],
    ['an empty object', {}, 400, '', /must have good and total/],
    ['no points', { points: [] }, 400, 'points', /must not be empty/],
    ['points that are no list', { points: {} }, 400, 'points', /must be an array/],
    ['a key beside points', { points: [{ value: 1 }], at }, 400, '', /"at" beside "points"/],
    ['a point that is null', { points: [{ value: 1 }, null] }, 400, 'points.1', /must be an object/],
    ['a negative count', { good: -1, total: 1 }, 400, 'good', /negative/],
    ['good above total', { points: [{ good: 3, total: 2 }] }, 400, 'points.0.good', /above total/],
    ['bad above total', { bad: 3, total: 2 }, 400, 'bad', /above total/],
    ['good without total', { good: 3 }, 400, 'total', /must be a number/],
    ['both good and bad', { good: 1, bad: 1, total: 2 }, 400, 'good', /must not stand beside bad/],
    ['two kinds at once', { value: 1, total: 2 }, 400, '', /"total" beside a value/],
    ['a number as text', { value: '1' }, 400, 'value', /must be a number/],
    ['null for a number', { value: null }, 400, 'value', /must be a number/],
    ['a number above 1e12', { value: 1.000001e12 }, 400, 'value', /above 1e12/],
    ['a number below -1e12', { value: -1e13 }, 400, 'value', /below -1e12/],
    ['1e308', '{"good":1,"total":1e308}', 400, 'total', /above 1e12/],
    ['what overflows to infinity', '{"value":1e999}', 400, 'value', /above 1e12/],
    ['what overflows below', '{"value":-1e999}', 400, 'value', /below -1e12/],
    ['a time without offset', { value: 1, at: '2026-11-22T10:00:00' }, 400, 'at', /RFC 3339/],
    ['a day that is not', { value: 1, at: '2026-02-29T10:00:00Z' }, 400, 'at', /RFC 3339/],
    ['a time as number', { value: 1, at: now }, 400, 'at', /RFC 3339/],
    ['the far future', { value: 1, at: '9999-12-31T23:59:59Z' }, 422, 'at', /5 minutes ahead/],
    ['just over 5 minutes ahead', { value: 1, at: '2026-11-22T10:05:00.001Z' }, 422, 'at', /5 minutes ahead/],
    ['the far past', { value: 1, at: '0000-01-01T00:00:00Z' }, 422, 'at', /400 days/],
    [
      'buckets out of order',
      {
        buckets: [
          [2, 1],
          [1, 1],
          ['+Inf', 0],
        ],
      },
      400,
      'buckets.1.0',
      /ascend/,
    ],
    [
      'buckets without +Inf',
      {
        buckets: [
          [1, 1],
          [2, 1],
        ],
      },
      400,
      'buckets.1.0',
      /last bound/,
    ],
    [
      '+Inf in the middle',
      {
        buckets: [
          ['+Inf', 1],
          ['+Inf', 1],
        ],
      },
      400,
      'buckets.0.0',
      /only the last/,
    ],
    ['no buckets', { buckets: [] }, 400, 'buckets', /at least/],
    [
      'a bucket that is no pair',
      {
        buckets: [
          [1, 1, 1],
          ['+Inf', 0],
        ],
      },
      400,
      'buckets.0',
      /upper bound/,
    ],
    ['a negative bucket', { buckets: [['+Inf', -1]] }, 400, 'buckets.0.1', /negative/],
    ['labels that are a list', { value: 1, labels: ['a'] }, 400, 'labels', /object/],
    ['a label that is a number', { value: 1, labels: { a: 1 } }, 400, 'labels.a', /text/],
    ['a label with NUL', '{"value":1,"labels":{"a":"b\\u0000c"}}', 400, 'labels.a', /NUL/],
    ['a label with a lone surrogate', '{"value":1,"labels":{"a":"\\ud800"}}', 400, 'labels.a', /surrogate/],
    ['a label name with NUL', '{"value":1,"labels":{"a\\u0000":"x"}}', 400, 'labels', /names without NUL/],
    [
      'a label name with a lone surrogate',
      '{"value":1,"labels":{"\\ud800":"x"}}',
      400,
      'labels',
      /names without/,
    ],
    ['a number under a strange label', { value: 1, labels: { 'a\r\nb': 1 } }, 400, 'labels', /text/],
    [
      'a prototype key in a point',
      '{"value":1,"__proto__":{"at":1}}',
      400,
      '__proto__',
      /is not a known field/,
    ],
    ['a constructor key', '{"value":1,"constructor":{}}', 400, 'constructor', /is not a known field/],
    ['a word that is no field', { ok: 9, total: 10 }, 400, 'ok', /is not a known field/],
    ['a field of another kind', { good: 9, total: 10, sum: 3 }, 400, '', /must not have "sum" beside counts/],
    ['a key that is no name', '{"value":1,"a\\r\\nb":1}', 400, '', /must not have a key of that name/],
  ])('%s', (_, body, status, path, message) => {
    const { problem, path: place } = refusal(body);
    expect({ status: problem.status, place }).toEqual({ status, place: path });
    expect(problem.detail).toMatch(message);
    expect(problem.errors?.[0]).toMatchObject({ path, message: expect.stringMatching(message) });
  });

  test('the limits of time are themselves allowed', () => {
    expect(read({ value: 1, at: '2026-11-22T10:05:00Z' }).count).toBe(1);
    expect(read({ value: 1, at: new Date(now - MeasurementLimits.ageMillis).toISOString() }).count).toBe(1);
  });

  test('10,000 points are taken, one more is not', () => {
    const points = Array.from({ length: 10_000 }, () => ({ value: 1 }));
    expect(read({ points }).count).toBe(10_000);
    expect(refusal({ points: [...points, { value: 1 }] }).problem.detail).toMatch(/at most 10000/);
  });

  test('16 labels are taken, one more is not', () => {
    const labels = Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`l${i}`, 'x']));
    expect(read({ value: 1, labels }).count).toBe(1);
    expect(refusal({ value: 1, labels: { ...labels, more: 'x' } }).problem.detail).toMatch(/at most 16/);
  });

  test('every fault is named, up to a number that keeps the answer small', () => {
    const errors = refusal({ points: Array.from({ length: 500 }, () => ({ good: -1, total: 'x' })) }).problem
      .errors;
    expect(errors).toHaveLength(20);
    expect(errors?.slice(0, 3).map(({ path }) => path)).toEqual([
      'points.0.good',
      'points.0.total',
      'points.1.good',
    ]);
  });

  test('a key of any length or content is not repeated in the answer', () => {
    const body = { value: 1, ['x'.repeat(100_000)]: 1, 'a\r\nb': 1 };
    expect(JSON.stringify(refusal(body).problem).length).toBeLessThan(1000);
  });
});

describe('content', () => {
  const hash = (body: unknown) => read(body).hash;

  test('is the same however it is spelled', () => {
    const same = hash({ points: [{ at, good: 8, total: 10, labels: { a: '1', b: '2' } }] });
    expect(hash({ labels: { b: '2', a: '1' }, total: 10, good: 8, at })).toBe(same);
    expect(hash({ at: '2026-11-22T10:59:00+01:00', bad: 2, total: 10, labels: { a: '1', b: '2' } })).toBe(
      same,
    );
  });

  test('without a time is the same content whenever it is received', () => {
    const later = { ...context, receivedAt: now, now: now + 60_000 };
    expect(readPoints({ value: 1 }, later).hash).toBe(hash({ value: 1 }));
  });

  test('differs in every number, label, kind, order and SLI', () => {
    const hashes = [
      hash({ at, good: 8, total: 10 }),
      hash({ at, good: 7, total: 10 }),
      hash({ at, good: 8, total: 11 }),
      hash({ good: 8, total: 10 }),
      hash({ at, value: 8, count: 10 }),
      hash({ at, good: 8, total: 10, labels: { a: '1' } }),
      hash({ at, good: 8, total: 10, labels: { a: '2' } }),
      hash({
        points: [
          { at, value: 1 },
          { at, value: 2 },
        ],
      }),
      hash({
        points: [
          { at, value: 2 },
          { at, value: 1 },
        ],
      }),
      readPoints({ at, good: 8, total: 10 }, { ...context, sli: 'latency' }).hash,
    ];
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});

/** What the contract's own schema makes of a body, in the same columns: the slow way, point by point. */
function bySchema(body: unknown): unknown[] | null {
  const parsed = measurementBody.safeParse(body);
  if (!parsed.success) return null;
  const { points, labels } =
    'points' in parsed.data ? parsed.data : { points: [parsed.data], labels: undefined };
  return points.map((point) => {
    const base = {
      at: point.at === undefined ? context.receivedAt : Date.parse(point.at),
      labels: sorted({ ...labels, ...point.labels }),
    };
    if ('good' in point) return { ...base, good: point.good, total: point.total };
    if ('bad' in point) return { ...base, good: point.total - point.bad, total: point.total };
    if ('value' in point) return { ...base, value: point.value, count: point.count ?? 1 };
    return {
      ...base,
      bounds: point.buckets.slice(0, -1).map(([bound]) => bound),
      counts: point.buckets.map(([, count]) => count),
      sum: point.sum ?? null,
    };
  });
}

function sorted(labels: Record<string, string> | undefined) {
  const entries = Object.entries(labels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

function byColumns(columns: PointColumns[]): unknown[] {
  return columns.flatMap((column) =>
    column.at.map((millis, i) => {
      const base = { at: millis, labels: column.labels };
      if (column.kind === 'counts') return { ...base, good: column.good[i], total: column.total[i] };
      if (column.kind === 'values') return { ...base, value: column.value[i], count: column.count?.[i] ?? 1 };
      return { ...base, bounds: column.bounds, counts: column.counts[i], sum: column.sum?.[i] ?? null };
    }),
  );
}

const sortable = (points: unknown[]) => points.map((point) => JSON.stringify(point)).sort();

/** The schema passes over a key named __proto__; the reader refuses it (see above). */
function hasProto(text: string): boolean {
  return text.includes('"__proto__"');
}

describe('the reader and the contract’s schema', () => {
  test('accept the same bodies and read the same from them', () => {
    let accepted = 0;
    fc.assert(
      fc.property(anyBody, (body) => {
        const text = JSON.stringify(body);
        if (text === undefined || hasProto(text)) return;
        const expected = bySchema(JSON.parse(text));
        let points: ReturnType<typeof readPoints> | null = null;
        try {
          points = readPoints(JSON.parse(text), context);
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          if (error.reason === 'time') return; // the clock's limits are not the schema's
        }
        if (points === null || expected === null) {
          expect(points).toBe(expected);
          return;
        }
        accepted += 1;
        expect(sortable(byColumns(columnsOf(points)))).toEqual(sortable(expected));
        const event = {
          service: 'a',
          sli: 'b',
          identity: 'c',
          points: points.count,
          columns: columnsOf(points),
        };
        expect(measurementRecorded.safeParse(event).success).toBe(true);
      }),
      { numRuns: 1500 },
    );
    expect(accepted).toBeGreaterThan(150);
  });
});
