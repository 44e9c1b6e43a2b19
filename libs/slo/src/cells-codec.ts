import { Cells } from './cells.js';

const VERSION = 1;
const GOOD_FRACTIONS = 1;
const TOTAL_FRACTIONS = 2;
/** Of a cell: two varints of up to 80 bits, two fractions. */
const BYTES_MOST = 32;
/** Sums of values may be negative: they are stored as floats. */
const SIGNED = 4;

/**
 * The stored form of a block of cells (an hour of minutes, a day of hours): one byte of version and flags, a bitmap of
 * measured cells, then for each measured cell good and total as unsigned varints (good as a little-endian 64-bit float
 * where the flags say that there are negative ones), and their fractions as little-endian 32-bit numbers where the flags
 * say that there are any. The same buckets always give the same bytes.
 * @param offset first cell of the block within `cells`
 * @param size cells of the block
 */
export function encodeCells(cells: Cells, offset = 0, size = cells.size): Uint8Array {
  let flags = 0;
  for (let i = offset; i < offset + size; i++) {
    if (cells.goodFraction !== null && cells.goodFraction[i] !== 0) flags |= GOOD_FRACTIONS;
    if (cells.totalFraction !== null && cells.totalFraction[i] !== 0) flags |= TOTAL_FRACTIONS;
    if ((cells.good[i] as number) < 0) flags |= SIGNED;
  }
  const bitmap = (size + 7) >> 3;
  const bytes = new Uint8Array(1 + bitmap + size * BYTES_MOST);
  const view = new DataView(bytes.buffer);
  bytes[0] = (VERSION << 4) | flags;
  let at = 1 + bitmap;
  const varint = (value: number): void => {
    let rest = value;
    while (rest >= 128) {
      bytes[at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    bytes[at++] = rest;
  };
  for (let i = 0; i < size; i++) {
    const cell = offset + i;
    if (!cells.has(cell)) continue;
    (bytes[1 + (i >> 3)] as number) |= 1 << (i & 7);
    if (flags & SIGNED) {
      view.setFloat64(at, cells.good[cell] as number, true);
      at += 8;
    } else {
      varint(cells.good[cell] as number);
    }
    varint(cells.total[cell] as number);
    if (flags & GOOD_FRACTIONS) {
      view.setUint32(at, cells.goodFraction?.[cell] ?? 0, true);
      at += 4;
    }
    if (flags & TOTAL_FRACTIONS) {
      view.setUint32(at, cells.totalFraction?.[cell] ?? 0, true);
      at += 4;
    }
  }
  return bytes.slice(0, at);
}

/** Takes a cell: good and total, each whole and in fractions of 2^-32. */
export type CellSink = (
  cell: number,
  good: number,
  goodFraction: number,
  total: number,
  totalFraction: number,
) => void;

/**
 * Reads what {@link encodeCells} wrote.
 * @throws RangeError when the bytes are not a block of `size` cells: a damaged row must not be evaluated as a good one
 */
export function decodeCells(bytes: Uint8Array, size: number): Cells {
  const cells = new Cells(size);
  readCells(bytes, size, (cell, good, goodFraction, total, totalFraction) =>
    cells.add(cell, good, goodFraction, total, totalFraction),
  );
  return cells;
}

/** Gives each measured cell of what {@link encodeCells} wrote to `sink`, in order. @throws RangeError as {@link decodeCells} */
export function readCells(bytes: Uint8Array, size: number, sink: CellSink): void {
  const bitmap = (size + 7) >> 3;
  if (bytes.length < 1 + bitmap || (bytes[0] as number) >> 4 !== VERSION)
    throw new RangeError('not a block of buckets');
  const flags = (bytes[0] as number) & 15;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 1 + bitmap;
  const varint = (): number => {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = bytes[at++];
      if (byte === undefined) throw new RangeError('a block of buckets ends too early');
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
  };
  const float = (): number => {
    const value = view.getFloat64(at, true);
    at += 8;
    return value;
  };
  const fraction = (flag: number): number => {
    if (!(flags & flag)) return 0;
    const value = view.getUint32(at, true);
    at += 4;
    return value;
  };
  for (let i = 0; i < size; i++) {
    if (!((bytes[1 + (i >> 3)] as number) & (1 << (i & 7)))) continue;
    const good = flags & SIGNED ? float() : varint();
    const total = varint();
    const goodFraction = fraction(GOOD_FRACTIONS);
    sink(i, good, goodFraction, total, fraction(TOTAL_FRACTIONS));
  }
  if (at !== bytes.length) throw new RangeError('a block of buckets has bytes to spare');
}
