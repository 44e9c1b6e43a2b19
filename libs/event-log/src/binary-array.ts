/**
 * Arrays in Postgres' binary format. The text format quotes and escapes every element on one side and undoes it
 * on the other, which for JSON, all quotes, costs more than the rest of a round trip.
 * Layout: dimensions, has-nulls, element type, size, lower bound, then length and bytes of each element.
 */
const TEXT = 25;
const INT4 = 23;
const INT8 = 20;
const HEADER = 20;

/** @returns a parameter of type `text[]` */
export function textArray(values: readonly (string | null)[]): Buffer {
  let room = HEADER;
  // The exact room: memory outside the heap that is asked for and not used brings on full collections all the same.
  for (const value of values) room += 4 + (value === null ? 0 : Buffer.byteLength(value));
  const buffer = Buffer.allocUnsafe(room);
  let at = header(buffer, TEXT, values.length);
  for (const value of values) {
    if (value === null) {
      at = buffer.writeInt32BE(-1, at);
      continue;
    }
    const written = buffer.write(value, at + 4, 'utf8');
    buffer.writeInt32BE(written, at);
    at += 4 + written;
  }
  return buffer.subarray(0, at);
}

/** @returns a parameter of type `int[]` */
export function intArray(values: readonly number[]): Buffer {
  const buffer = Buffer.allocUnsafe(HEADER + values.length * 8);
  let at = header(buffer, INT4, values.length);
  for (const value of values) {
    at = buffer.writeInt32BE(4, at);
    at = buffer.writeInt32BE(value, at);
  }
  return buffer.subarray(0, at);
}

/** @returns a parameter of type `bigint[]`, of safe integers */
export function bigintArray(values: readonly number[]): Buffer {
  const buffer = Buffer.allocUnsafe(HEADER + values.length * 12);
  let at = header(buffer, INT8, values.length);
  for (const value of values) {
    at = buffer.writeInt32BE(8, at);
    at = buffer.writeBigInt64BE(BigInt(value), at);
  }
  return buffer.subarray(0, at);
}

/** @returns the offset of the first element */
function header(buffer: Buffer, type: number, length: number): number {
  let at = buffer.writeInt32BE(length === 0 ? 0 : 1, 0);
  at = buffer.writeInt32BE(1, at);
  at = buffer.writeInt32BE(type, at);
  if (length === 0) return at;
  at = buffer.writeInt32BE(length, at);
  return buffer.writeInt32BE(1, at);
}
