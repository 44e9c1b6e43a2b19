import { ByteReader, putVarint } from './bytes.js';
import { Cells } from './cells.js';
import { Tally } from './tally.js';
import { wholeValue } from './whole.js';

const VERSION = 1;
/** Of a block in which a good count has a residue. */
const WITH_RESIDUES = 2;
const GOOD_FRACTIONS = 1;
const TOTAL_FRACTIONS = 2;
/** Sums of values may be negative: they are stored as floats. */
const SIGNED = 4;
/** Of negative sums, one beyond 2^52: they are stored as varints, with the sign in the lowest bit. */
const WIDE = 8;
/** Of a cell: two varints of up to 116 bits, two fractions, a residue. */
const BYTES_MOST = 46;

/**
 * The stored form of a block of cells (an hour of minutes, a day of hours): one byte of version and flags, a bitmap of
 * measured cells, then for each measured cell good and total as unsigned varints of any length (good as a little-endian
 * 64-bit float where the flags say that there are negative ones, or as a varint of twice its size, and one more for a
 * negative one, where they say that those are wide), and their fractions as little-endian 32-bit numbers where the flags
 * say that there are any. A block with residues is of another version: each cell ends with its residue, a little-endian
 * 32-bit number. The same buckets always give the same bytes.
 * @param offset first cell of the block within `cells`
 * @param size cells of the block
 */
export function encodeCells(cells: Cells, offset = 0, size = cells.size): Uint8Array {
  let flags = 0;
  let version = VERSION;
  for (let i = offset; i < offset + size; i++) {
    if (cells.goodFraction !== null && cells.goodFraction[i] !== 0) flags |= GOOD_FRACTIONS;
    if (cells.goodResidue !== null && cells.goodResidue[i] !== 0) version = WITH_RESIDUES;
    if (cells.totalFraction !== null && cells.totalFraction[i] !== 0) flags |= TOTAL_FRACTIONS;
    if ((cells.good[i] as number) < 0 || (cells.high(i)?.good ?? 0n) < 0n) flags |= SIGNED;
  }
  for (let i = offset; flags & SIGNED && i < offset + size; i++) {
    if ((cells.high(i)?.good ?? 0n) !== 0n) flags |= WIDE;
  }
  const bitmap = (size + 7) >> 3;
  const bytes = new Uint8Array(1 + bitmap + size * BYTES_MOST);
  const view = new DataView(bytes.buffer);
  bytes[0] = (version << 4) | flags;
  let at = 1 + bitmap;
  const varint = (value: number | bigint): void => {
    at = putVarint(bytes, at, value);
  };
  for (let i = 0; i < size; i++) {
    const cell = offset + i;
    if (!cells.has(cell)) continue;
    (bytes[1 + (i >> 3)] as number) |= 1 << (i & 7);
    const good = cells.good[cell] as number;
    const total = cells.total[cell] as number;
    const high = cells.high(cell);
    if (flags & WIDE) {
      varint(zigzag(wholeValue(good, high?.good ?? 0n)));
    } else if (flags & SIGNED) {
      view.setFloat64(at, good, true);
      at += 8;
    } else {
      varint(high === null ? good : wholeValue(good, high.good));
    }
    varint(high === null ? total : wholeValue(total, high.total));
    if (flags & GOOD_FRACTIONS) {
      view.setUint32(at, cells.goodFraction?.[cell] ?? 0, true);
      at += 4;
    }
    if (flags & TOTAL_FRACTIONS) {
      view.setUint32(at, cells.totalFraction?.[cell] ?? 0, true);
      at += 4;
    }
    if (version === WITH_RESIDUES) {
      view.setUint32(at, cells.goodResidue?.[cell] ?? 0, true);
      at += 4;
    }
  }
  return bytes.slice(0, at);
}

const zigzag = (value: bigint): bigint => (value >= 0n ? value << 1n : (-value << 1n) | 1n);
const unzigzag = (value: bigint): bigint => (value & 1n ? -(value >> 1n) : value >> 1n);

/** Takes a cell and what it counted, which is another cell's afterwards: it is to be copied where it is kept. */
export type CellSink = (cell: number, counted: Tally) => void;

/**
 * Reads what {@link encodeCells} wrote.
 * @throws RangeError when the bytes are not a block of `size` cells: a damaged row must not be evaluated as a good one
 */
export function decodeCells(bytes: Uint8Array, size: number): Cells {
  const cells = new Cells(size);
  readCells(bytes, size, (cell, counted) => cells.add(cell, counted));
  return cells;
}

/** Gives each measured cell of what {@link encodeCells} wrote to `sink`, in order. @throws RangeError as {@link decodeCells} */
export function readCells(bytes: Uint8Array, size: number, sink: CellSink): void {
  const bitmap = (size + 7) >> 3;
  const version = (bytes[0] as number) >> 4;
  if (bytes.length < 1 + bitmap || (version !== VERSION && version !== WITH_RESIDUES))
    throw new RangeError('not a block of buckets');
  const flags = (bytes[0] as number) & 15;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const reader = new ByteReader(bytes, 1 + bitmap);
  const signed = (): number | bigint => {
    if (flags & WIDE) return unzigzag(BigInt(reader.whole()));
    return view.getFloat64(reader.skip(8), true);
  };
  const fraction = (flag: number): number => (flags & flag ? view.getUint32(reader.skip(4), true) : 0);
  const counted = new Tally();
  for (let i = 0; i < size; i++) {
    if (!((bytes[1 + (i >> 3)] as number) & (1 << (i & 7)))) continue;
    const good = flags & SIGNED ? signed() : reader.whole();
    const total = reader.whole();
    const goodFraction = fraction(GOOD_FRACTIONS);
    const totalFraction = fraction(TOTAL_FRACTIONS);
    const residue = version === WITH_RESIDUES ? view.getUint32(reader.skip(4), true) : 0;
    counted.set(good, goodFraction, total, totalFraction, residue);
    sink(i, counted);
  }
  if (!reader.atEnd) throw new RangeError('a block of buckets has bytes to spare');
}
