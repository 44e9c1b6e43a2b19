import { readFile, rename, writeFile } from 'node:fs/promises';

/** Where a subscriber keeps the position of the last event it handled, so that it can resume after anything. */
export interface PositionStore {
  /** Null when nothing was kept yet. */
  load(): Promise<number | null>;
  save(position: number): Promise<void>;
}

/** Keeps the position for as long as the process runs; after a restart the durable consumer alone knows it. */
export function positionInMemory(position: number | null = null): PositionStore {
  let kept = position;
  return {
    load: async () => kept,
    save: async (reached) => {
      kept = reached;
    },
  };
}

/**
 * Keeps the position in a file. It is replaced as a whole, so that a crash leaves the old or the new position.
 *
 * @throws RangeError on loading a file that holds something else
 */
export function positionInFile(path: string): PositionStore {
  return {
    async load() {
      let text: string;
      try {
        text = (await readFile(path, 'utf8')).trim();
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw error;
      }
      if (!/^\d{1,15}$/.test(text)) throw new RangeError('the file of the position holds something else');
      return Number(text);
    },
    async save(position) {
      const draft = `${path}.new`;
      await writeFile(draft, `${position}\n`);
      await rename(draft, path);
    },
  };
}
