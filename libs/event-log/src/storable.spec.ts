import { JsonText } from '@bellwether/contracts';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { UnstorableEvent } from './errors.js';
import { storable } from './storable.js';
import { event } from './testing/events.fixture.js';

const request = (data: unknown) => ({
  journal: 'control',
  stream: 's',
  expectedVersion: 'any' as const,
  events: [{ ...event(), data }],
});

/** A text that Postgres can keep. */
const keeps = (text: string) => text.isWellFormed() && !text.includes('\0');

test('data is taken exactly when all of its texts can be kept', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .array(fc.constantFrom('\\', 'u0000', 'ud800', '\0', '\ud800', '\udc00', '"'), { maxLength: 8 })
      .map((all) => all.join('')),
  );
  fc.assert(
    fc.property(texts, (text) => {
      const attempt = () => storable(request({ text }))[0]!.data;
      if (keeps(text)) expect(JSON.parse(attempt())).toEqual({ text });
      else expect(attempt).toThrow(UnstorableEvent);
    }),
    { numRuns: 500 },
  );
});

test('JSON that is text already is kept as it is, and refused for the same reasons', () => {
  const text = '{"b": 1.0, "a": [1e3]}';
  expect(storable(request(new JsonText(text)))[0]!.data).toBe(text);
  for (const unfit of ['"\\u0000"', '"\\ud800"', '"\0"', '"\ud800"']) {
    expect(() => storable(request(new JsonText(unfit)))).toThrow(UnstorableEvent);
  }
});

test('ids are made, ascend, and given ones are kept in one spelling', () => {
  const [first] = storable(request(1));
  const [second] = storable(request(1));
  expect(first!.id < second!.id).toBe(true);
  const id = '0198C3F0-0000-7000-8000-00000000000A';
  expect(storable({ ...request(1), events: [{ ...event(), id }] })[0]!.id).toBe(id.toLowerCase());
});
