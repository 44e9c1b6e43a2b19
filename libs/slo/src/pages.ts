import type { Cells } from './cells.js';

/** Stands for "no minute of this hour was measured" in a day's first minutes. */
export const NO_MINUTE = 255;

/** An hour's minutes, read from where buckets are stored. */
export interface Page {
  cells: Cells;
  /** Changed since it was stored. */
  dirty: boolean;
}

/** Buckets of a whole hour were needed, but are not in memory: see {@link Series.missing}. */
export class PageMissing extends Error {
  override readonly name = 'PageMissing';
  constructor(readonly hour: number) {
    super(`the minutes of hour ${hour} are not in memory`);
  }
}

/** Whole-hour sums and first minutes of a day, as they are stored. */
export interface DaySums {
  cells: Cells;
  /** Of each hour; {@link NO_MINUTE} where nothing was measured. */
  firstMinutes: Uint8Array;
}
