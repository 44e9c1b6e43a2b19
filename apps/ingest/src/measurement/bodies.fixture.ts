import fc from 'fast-check';

/** When the bodies are read. */
export const now = Date.parse('2026-11-22T10:00:00Z');

const anyNumber = fc.oneof(
  fc.double({ min: 0, max: 1e12, noNaN: true }),
  fc.nat(100),
  fc.constantFrom(0, -0, -1, 1e12, 1e12 + 1, 1e13, 1e308, -1e12, -1e13, 0.1),
  fc.constantFrom<unknown>('1', null, true, [], '+Inf'),
);
/** Times before `now` of the tests, and what is none. */
const anyTime = fc.oneof(
  fc
    .date({ min: new Date(now - 86_400_000 * 300), max: new Date(now), noInvalidDate: true })
    .map((date) => date.toISOString()),
  fc.constantFrom<unknown>(
    '2026-11-22T09:00:00Z',
    '2026-11-22T09:00:00.1Z',
    '2026-11-22T09:00:00.123456789Z',
    '2026-11-22T09:00:00+05:30',
    '2026-11-22T24:00:00Z',
    '2026-11-22T09:60:00Z',
    '2026-11-22T09:00:60Z',
    '2026-11-22t09:00:00z',
    '2026-11-22 09:00:00Z',
    '2026-11-22T09:00Z',
    '2026-11-31T09:00:00Z',
    '2026-11-22T09:00:00,12Z',
    '2026-11-22T0a:00:00Z',
    '2026-11-22T09:00:00.12xZ',
    '2026-11-22T-1:00:00Z',
    '',
    'Z',
    17,
    null,
  ),
);
const anyLabels = fc.oneof(
  fc.dictionary(
    fc.constantFrom('region', 'a.b', 'x/y', '_z', '9bad', 'sp ace', ''),
    fc.string({ maxLength: 5 }),
  ),
  fc.dictionary(fc.string({ minLength: 1, maxLength: 3 }), fc.string({ unit: 'binary', maxLength: 3 })),
  fc.constantFrom<unknown>({}, null, [], 'a', { a: 1 }, { a: 'x'.repeat(257) }, { ['k'.repeat(64)]: 'v' }),
);
const anyBuckets = fc.oneof(
  fc
    .uniqueArray(fc.double({ min: -100, max: 100, noNaN: true }), { maxLength: 5 })
    .map((bounds) => [...bounds.sort((a, b) => a - b).map((bound) => [bound, 1]), ['+Inf', 2]]),
  fc.array(fc.tuple(fc.oneof(anyNumber, fc.constant('+Inf')), anyNumber), { maxLength: 4 }),
  fc.constantFrom<unknown>(null, 'x', [[1]], [['+Inf', 1, 1]], [1]),
);
const anyPoint = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ at: anyTime, good: anyNumber, total: anyNumber }, { requiredKeys: ['total'] }),
  },
  { weight: 2, arbitrary: fc.record({ at: anyTime, bad: fc.nat(5), total: fc.nat(9), labels: anyLabels }) },
  {
    weight: 4,
    arbitrary: fc.record(
      { at: anyTime, value: anyNumber, count: anyNumber, labels: anyLabels },
      { requiredKeys: ['value'] },
    ),
  },
  {
    weight: 4,
    arbitrary: fc.record(
      { buckets: anyBuckets, sum: anyNumber, labels: anyLabels },
      { requiredKeys: ['buckets'] },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.dictionary(
      fc.constantFrom('good', 'bad', 'total', 'value', 'buckets', 'at', 'extra'),
      anyNumber,
    ),
  },
  { weight: 1, arbitrary: fc.jsonValue() },
);
const soundNumber = fc.double({ min: 0, max: 1e11, noNaN: true });
const soundPoint = fc
  .tuple(
    fc.oneof(
      fc.tuple(soundNumber, soundNumber).map(([good, bad]) => ({ good, total: good + bad })),
      fc.tuple(soundNumber, soundNumber).map(([good, bad]) => ({ bad, total: good + bad })),
      fc.record({ value: soundNumber, count: fc.nat(9) }, { requiredKeys: ['value'] }),
      fc.nat(3).map((n) => ({ buckets: [...Array.from({ length: n }, (_, i) => [i / 8, i]), ['+Inf', 1]] })),
    ),
    fc.record(
      { labels: fc.dictionary(fc.constantFrom('region', 'a.b', 'x/y', '_z'), fc.string({ maxLength: 5 })) },
      { requiredKeys: [] },
    ),
  )
  .map(([point, rest]): unknown => ({ ...point, ...rest }));
/** Bodies of measurements: many sound, many almost, some nothing of the kind. */
export const anyBody = fc.oneof(
  fc.record({ points: fc.array(soundPoint, { minLength: 1, maxLength: 5 }) }),
  fc.record({ points: fc.array(anyPoint, { maxLength: 3 }) }),
  fc.record({ points: fc.array(soundPoint, { minLength: 1, maxLength: 5 }), labels: anyLabels }),
  anyPoint,
  fc.record({ points: fc.array(anyPoint, { maxLength: 2 }), extra: anyNumber }),
  fc.jsonValue(),
);
