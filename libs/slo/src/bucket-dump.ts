import type { Cells } from './cells.js';
import { HOUR_MINUTES, MINUTE } from './time-grid.js';

/** The buckets of an indicator over an SLI, for {@link dumpBuckets}. */
export interface BucketsOf {
  /** `<service>/<sli>`. */
  sli: string;
  indicator: string;
  /** 60 minutes from `offset` of `cells`, and the sketches of those that have one. */
  hours: Iterable<{
    hour: number;
    cells: Cells;
    offset: number;
    sketches?: ReadonlyMap<number, Uint8Array> | undefined;
  }>;
}

/**
 * The canonical text of buckets: a line for each measured minute, `sli indicator minute good total`, counts as whole
 * number and fraction in hexadecimal units of 2^-32, and the bytes of its sketch in hexadecimal. The same buckets always give the same text, so two ways to come to
 * them are compared byte for byte.
 */
export function* dumpBuckets({ sli, indicator, hours }: BucketsOf): Generator<string> {
  const count = (whole: bigint, fraction: number): string =>
    fraction === 0 ? `${whole}` : `${whole}.${fraction.toString(16).padStart(8, '0')}`;
  for (const { hour, cells, offset, sketches } of [...hours].sort((a, b) => a.hour - b.hour)) {
    for (let i = 0; i < HOUR_MINUTES; i++) {
      const cell = offset + i;
      if (!cells.has(cell)) continue;
      const minute = new Date((hour * HOUR_MINUTES + i) * MINUTE).toISOString();
      const counted = cells.at(cell);
      const good = count(counted.goodWhole, counted.goodFraction);
      const total = count(counted.totalWhole, counted.totalFraction);
      const sketch = sketches?.get(i);
      yield `${sli} ${indicator} ${minute} ${good} ${total}${sketch ? ` ${hex(sketch)}` : ''}\n`;
    }
  }
}

const hex = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
