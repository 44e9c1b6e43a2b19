import { describe, expect, test } from '@jest/globals';
import { asyncApiDocument } from './asyncapi.js';
import { asyncApiIncompatibilities, openApiIncompatibilities } from './compatibility.js';
import type { JsonSchema, Side } from './json-schema.js';
import { openApiDocument } from './openapi.js';
import { schemaIncompatibilities } from './schema-compatibility.js';

/** What breaks when `before` becomes `after`, as `<place>: <message>`; `$defs` of each is found in itself. */
const changed = (before: JsonSchema, after: JsonSchema, side: Side): string[] =>
  schemaIncompatibilities(
    { root: before, document: before },
    { root: after, document: after },
    side,
    'it',
  ).map(({ at, message }) => `${at}: ${message}`);

const text = { type: 'string' };
const number = { type: 'number' };
const list = { type: 'array', items: text };
const map = { type: 'object', additionalProperties: number };

/** A schema, a narrower one, and what is said of going there (as input) or back (as output). */
const NARROWED: [what: string, wide: JsonSchema, narrow: JsonSchema, place: string][] = [
  ['a least number', number, { ...number, minimum: 0 }, 'it: minimum '],
  ['a larger least number', { ...number, minimum: 0 }, { ...number, minimum: 1 }, 'it: minimum '],
  [
    'an exclusive one',
    { ...number, minimum: 0 },
    { ...number, exclusiveMinimum: 0 },
    'it: exclusiveMinimum ',
  ],
  ['a largest number', number, { ...number, maximum: 9 }, 'it: maximum '],
  ['a smaller exclusive one', { ...number, exclusiveMaximum: 9 }, { ...number, exclusiveMaximum: 8 }, 'it: '],
  ['a least length', text, { ...text, minLength: 1 }, 'it: minLength '],
  ['a largest length', text, { ...text, maxLength: 9 }, 'it: maxLength '],
  ['fewer items', { ...list, maxItems: 9 }, { ...list, maxItems: 8 }, 'it: maxItems '],
  ['at least one item', list, { ...list, minItems: 1 }, 'it: minItems '],
  ['fewer keys', map, { ...map, maxProperties: 3 }, 'it: maxProperties '],
  ['a pattern', text, { ...text, pattern: '^a' }, 'it: pattern '],
  ['a format', text, { ...text, format: 'date-time' }, 'it: format '],
  ['a step', number, { ...number, multipleOf: 5 }, 'it: multipleOf '],
  ['items that differ', list, { ...list, uniqueItems: true }, 'it: items '],
  ['something it must not be', text, { ...text, not: { const: 'x' } }, 'it: not '],
  ['keys of one form', map, { ...map, propertyNames: { pattern: '^a' } }, 'it.*: '],
  ['keys of a list', { ...map, propertyNames: text }, { ...map, propertyNames: { enum: ['a'] } }, 'it.*: '],
  ['keys that ask for others', map, { ...map, dependentRequired: { a: ['b'] } }, 'it: dependentRequired '],
  ['an item it must have', list, { ...list, contains: { const: 'x' } }, 'it: contains '],
  ['keys by their pattern', map, { ...map, patternProperties: { '^a': text } }, 'it: patternProperties '],
  ['a condition', map, { ...map, if: { required: ['a'] }, else: { required: ['b'] } }, 'it: if '],
  ['items of a type', { type: 'array' }, list, 'it[]: the type '],
  ['items with a bound', list, { ...list, items: { ...text, maxLength: 3 } }, 'it[]: maxLength '],
  [
    'places with a type',
    list,
    { type: 'array', prefixItems: [{ ...text, minLength: 1 }], items: text },
    'it[0]: minLength ',
  ],
  [
    'no further items',
    { type: 'array', prefixItems: [text] },
    { type: 'array', prefixItems: [text], items: false },
    'it[]: ',
  ],
];

describe.each(NARROWED)('%s', (_, wide, narrow, place) => {
  test('may not be asked of what is sent, and may be dropped', () => {
    expect(changed(wide, narrow, 'input')).toContainEqual(expect.stringContaining(place));
    expect(changed(narrow, wide, 'input')).toEqual([]);
  });

  test('may not be lost of what is given out, and may be added', () => {
    expect(changed(narrow, wide, 'output')).not.toEqual([]);
    expect(changed(wide, narrow, 'output')).toEqual([]);
  });

  test('is no change to itself', () => {
    for (const side of ['input', 'output'] as const) expect(changed(narrow, narrow, side)).toEqual([]);
  });
});

describe('bounds that imply one another', () => {
  const [least, above] = [
    { ...number, minimum: 1 },
    { ...number, exclusiveMinimum: 1 },
  ];
  const [most, below] = [
    { ...number, maximum: 1 },
    { ...number, exclusiveMaximum: 1 },
  ];

  test.each([
    [above, least],
    [above, { ...number, minimum: 0, exclusiveMinimum: 0 }],
    [{ ...number, minimum: 2 }, above],
    [below, most],
    [{ ...number, maximum: 0 }, below],
  ])('%j is within %j', (within, bound) => {
    expect(changed(within, bound, 'input')).toEqual([]);
    expect(changed(bound, within, 'output')).toEqual([]);
    expect(changed(bound, within, 'input')).not.toEqual([]);
  });
});

describe('values', () => {
  test('one that was certain may not become one of several', () => {
    expect(changed({ const: 'a' }, { enum: ['a', 'b'] }, 'output')).toEqual([
      'it: the value was "a" and is "a","b"',
    ]);
    expect(changed({ const: 'a' }, { enum: ['a'] }, 'output')).toEqual([]);
    expect(changed({ enum: ['a', 'b'] }, { const: 'a' }, 'output')).toEqual([]);
    expect(changed({ const: 'a' }, { enum: ['a', 'b'] }, 'input')).toEqual([]);
  });

  // As new variants and new event types: a reader of a list of values has to expect one that it does not know.
  test('of a list may become more, for who reads, and never fewer, for who sends', () => {
    const [few, many] = [{ enum: ['a', 'b'] }, { enum: ['a', 'b', 'c'] }];
    expect(changed(few, many, 'output')).toEqual([]);
    expect(changed(few, many, 'input')).toEqual([]);
    expect(changed(many, few, 'input')).toEqual(['it: "c" is no longer accepted']);
  });
});

test('rules are compared with what they refer to', () => {
  const forbidden = (value: string) => ({
    ...text,
    not: { $ref: '#/$defs/x' },
    $defs: { x: { const: value } },
  });
  expect(changed(forbidden('a'), forbidden('b'), 'input')).toEqual([
    'it: not was {"const":"a"} and is {"const":"b"}',
  ]);
  expect(changed(forbidden('a'), { ...text, not: { const: 'a' } }, 'input')).toEqual([]);
  const endless = { ...text, not: { $ref: '#/$defs/x' }, $defs: { x: { items: { $ref: '#/$defs/x' } } } };
  expect(changed(endless, structuredClone(endless), 'output')).toEqual([]);
});

// Whatever a document promises of what it gives out is a promise: dropping all of one kind does not go unseen.
describe.each([
  ['OpenAPI', openApiDocument, openApiIncompatibilities],
  ['AsyncAPI', asyncApiDocument, asyncApiIncompatibilities],
])('of %s', (_, documentOf, incompatibilities) => {
  const published = documentOf() as JsonSchema;
  const bare = (keyword: string, value: unknown): unknown => {
    if (Array.isArray(value)) return value.map((each) => bare(keyword, each));
    if (value === null || typeof value !== 'object') return value;
    // A property may have such a name; a rule has no such value.
    const isRule = (key: string, inner: unknown) =>
      key === keyword && (keyword === 'items' || typeof inner !== 'object');
    return Object.fromEntries(
      Object.entries(value)
        .filter(([key, inner]) => !isRule(key, inner))
        .map(([key, inner]) => [key, bare(keyword, inner)]),
    );
  };

  test.each(['format', 'pattern', 'minimum', 'maximum', 'minLength', 'maxLength', 'maxItems', 'const'])(
    'without any %s',
    (keyword) => {
      expect(JSON.stringify(published)).toContain(`"${keyword}":`);
      expect(incompatibilities(published, bare(keyword, published) as JsonSchema)).not.toEqual([]);
    },
  );
});
