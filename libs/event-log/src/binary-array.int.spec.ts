import { createDatabase, type TestDatabase } from '@bellwether/testing';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import pg from 'pg';
import { bigintArray, intArray, textArray } from './binary-array.js';

// Generous: the machine may be busy with other tests.
jest.setTimeout(60_000);

let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await createDatabase();
  client = new pg.Client(database.url);
  await client.connect();
}, 60_000);

afterAll(async () => {
  await client?.end();
  await database?.drop();
});

async function roundTrip(type: string, array: Buffer): Promise<unknown[]> {
  const { rows } = await client.query(`select to_json($1::${type}[]) as value`, [array]);
  return rows[0].value;
}

test('Postgres reads them as they were', async () => {
  const text = fc.option(fc.string({ unit: 'grapheme' }).filter((value) => !value.includes('\0')));
  await fc.assert(
    fc.asyncProperty(
      fc.array(text),
      fc.array(fc.integer()),
      fc.array(fc.maxSafeInteger()),
      async (texts, ints, bigints) => {
        expect(await roundTrip('text', textArray(texts))).toEqual(texts);
        expect(await roundTrip('int', intArray(ints))).toEqual(ints);
        expect(await roundTrip('bigint', bigintArray(bigints))).toEqual(bigints);
      },
    ),
    { numRuns: 100 },
  );
});
