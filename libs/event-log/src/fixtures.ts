import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { Upcast } from './upcast.js';

const fixtureFile = z.strictObject({
  /** As it was written, by the version of the software of that time; never changed. */
  recorded: z.strictObject({ type: z.string(), schema: z.int().min(1), data: z.unknown() }),
  /** As it is read now. */
  read: z.strictObject({ schema: z.int().min(1), data: z.unknown() }),
});

/** An event as it was recorded once, and what reading must make of it. */
export type EventFixture = z.infer<typeof fixtureFile> & { file: string };

/**
 * Fixtures of a folder: one JSON file each, named `<type>.v<schema>.json` or `<type>.v<schema>.<note>.json`.
 * @throws Error naming a file that is no fixture, or is not named after what is in it
 */
export async function readFixtures(directory: string): Promise<EventFixture[]> {
  const files = (await readdir(directory)).filter((file) => file.endsWith('.json')).sort();
  return Promise.all(
    files.map(async (file) => {
      const parsed = fixtureFile.safeParse(JSON.parse(await readFile(path.join(directory, file), 'utf8')));
      if (!parsed.success) throw new Error(`${file} is no fixture: ${parsed.error.message}`);
      const { type, schema } = parsed.data.recorded;
      if (!file.startsWith(`${type}.v${schema}.`)) {
        throw new Error(`${file} holds version ${schema} of ${type}`);
      }
      return { file, ...parsed.data };
    }),
  );
}

/** What the log's reader makes of the recorded event. */
export function replayFixture({ recorded }: EventFixture, upcast: Upcast): EventFixture['read'] {
  const { type, schema, data } = recorded;
  return upcast(type, schema, structuredClone(data));
}
