import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { eventCatalog, isEventType, parseEventData } from '@bellwether/contracts';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFixtures, replayFixture } from './fixtures.js';
import { upcastWith } from './upcast.js';
import { upcasters } from './upcasters.js';

const fixtures = await readFixtures(path.resolve(import.meta.dirname, '../fixtures'));

describe('every event ever recorded can be read', () => {
  test.each(fixtures.map((fixture) => [fixture.file, fixture] as const))('%s', (_, fixture) => {
    const { type } = fixture.recorded;
    const read = replayFixture(fixture, upcastWith(upcasters));
    expect(read).toEqual(fixture.read);
    if (!isEventType(type)) throw new Error(`there is no event ${type} any more`);
    expect(read.schema).toBe(eventCatalog[type].schema);
    parseEventData(type, read.data);
  });

  test('there is a fixture of every version of every event', () => {
    const needed = Object.entries(eventCatalog).flatMap(([type, { schema }]) =>
      Array.from({ length: schema }, (_, i) => `${type}.v${i + 1}`),
    );
    const there = new Set(fixtures.map(({ recorded }) => `${recorded.type}.v${recorded.schema}`));
    expect(needed.filter((name) => !there.has(name))).toEqual([]);
  });
});

describe('the folder of fixtures', () => {
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'fixtures-'));
  });

  afterAll(() => rm(directory, { recursive: true, force: true }));

  const fixture = (schema: number, data: unknown) => ({
    recorded: { type: 'note', schema, data },
    read: { schema: 3, data: { text: 'a', links: [], pinned: false } },
  });
  const put = (file: string, content: unknown) =>
    writeFile(path.join(directory, file), JSON.stringify(content));

  test('holds old shapes, which the steps between versions bring up to date', async () => {
    await put('note.v1.json', fixture(1, 'a'));
    await put('note.v2.with-links.json', fixture(2, { text: 'a', links: [] }));
    const upcast = upcastWith([
      { type: 'note', from: 2, upcast: (data) => ({ ...(data as object), pinned: false }) },
      { type: 'note', from: 1, upcast: (data) => ({ text: data, links: [] }) },
      { type: 'other', from: 3, upcast: () => 'not this one' },
    ]);
    const read = await readFixtures(directory);
    expect(read.map(({ file }) => file)).toEqual(['note.v1.json', 'note.v2.with-links.json']);
    for (const each of read) expect(replayFixture(each, upcast)).toEqual(each.read);
  });

  test('refuses what is named after another event', async () => {
    await put('note.v1.json', fixture(2, 'a'));
    await expect(readFixtures(directory)).rejects.toThrow('note.v1.json holds version 2 of note');
    await put('note.v1.json', { recorded: 1 });
    await expect(readFixtures(directory)).rejects.toThrow('note.v1.json is no fixture');
  });
});

test('two steps from one version of a type are a mistake', () => {
  const step = { type: 'note', from: 1, upcast: (data: unknown) => data };
  expect(() => upcastWith([step, step])).toThrow(RangeError);
});
