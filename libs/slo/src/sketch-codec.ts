import { ByteReader, ByteWriter } from './bytes.js';
import { Sketch } from './sketch.js';
import { HOUR_MINUTES } from './time-grid.js';
import { partsOf, wholeValue } from './whole.js';

const VERSION = 1;
const FRACTIONS = 1;

const zigzag = (value: number): number => (value >= 0 ? value * 2 : -value * 2 - 1);
const unzigzag = (value: number): number => (value % 2 === 0 ? value / 2 : -(value + 1) / 2);

/**
 * The stored form of a sketch: one byte of version and flags, the number of bins, then for each bin, ascending, how far
 * it is above the one before (the first from 0, signed) and its count; and the fraction of the count in units of 2^-32
 * where the flag says that there are any. All of it as unsigned varints: two or three bytes a bin. The same observations
 * always give the same bytes.
 */
export function encodeSketch(sketch: Sketch): Uint8Array {
  const { bins } = sketch;
  const hasFractions = bins.some(({ fraction }) => fraction !== 0);
  const writer = new ByteWriter();
  writer.byte((VERSION << 4) | (hasFractions ? FRACTIONS : 0));
  writer.varint(bins.length);
  let previous: number | null = null;
  for (const { bin, whole, fraction, high } of bins) {
    writer.varint(previous === null ? zigzag(bin) : bin - previous);
    writer.varint(high === 0n ? whole : wholeValue(whole, high));
    if (hasFractions) writer.varint(fraction);
    previous = bin;
  }
  return writer.bytes;
}

/**
 * Reads what {@link encodeSketch} wrote.
 * @throws RangeError when the bytes are not a sketch
 */
export function decodeSketch(bytes: Uint8Array): Sketch {
  const reader = new ByteReader(bytes);
  const head = reader.byte();
  if (head >> 4 !== VERSION) throw new RangeError('not a sketch');
  const sketch = new Sketch();
  let bin = 0;
  for (let i = reader.varint(), first = true; i > 0; i--, first = false) {
    bin = first ? unzigzag(reader.varint()) : bin + reader.varint();
    const { low: whole, high } = partsOf(reader.whole());
    sketch.add(bin, { whole, fraction: head & FRACTIONS ? reader.varint() : 0, high });
  }
  if (!reader.atEnd) throw new RangeError('a sketch has bytes to spare');
  return sketch;
}

/** The stored form of an hour of sketches: for each minute that has one, in order, its number, its length, its bytes. */
export function encodeSketchHour(minutes: ReadonlyMap<number, Uint8Array>): Uint8Array {
  const writer = new ByteWriter();
  for (let minute = 0; minute < HOUR_MINUTES; minute++) {
    const bytes = minutes.get(minute);
    if (bytes === undefined) continue;
    writer.byte(minute);
    writer.varint(bytes.length);
    writer.block(bytes);
  }
  return writer.bytes;
}

/** Reads what {@link encodeSketchHour} wrote. @throws RangeError when it is something else */
export function decodeSketchHour(bytes: Uint8Array): Map<number, Uint8Array> {
  const reader = new ByteReader(bytes);
  const minutes = new Map<number, Uint8Array>();
  while (!reader.atEnd) {
    const minute = reader.byte();
    if (minute >= HOUR_MINUTES || minutes.has(minute)) throw new RangeError('not an hour of sketches');
    // Copied: a view would hold the whole row's buffer.
    minutes.set(minute, reader.block(reader.varint()).slice());
  }
  return minutes;
}
