/** The longest whole number, in bits, that is read: one that is longer is a damaged one. */
const MOST_BITS = 116n;
/** From here on a whole number is read as a bigint. */
const WIDE = 2 ** 49;

/**
 * Writes a whole number, not negative, seven bits a byte, lowest first. A double that is a whole number has the same bytes
 * as the same bigint.
 * @returns where the next byte goes
 */
export function putVarint(bytes: Uint8Array, at: number, value: number | bigint): number {
  let to = at;
  let rest = value;
  for (; typeof rest === 'bigint' && rest >= WIDE; rest >>= 7n) bytes[to++] = Number(rest & 127n) | 128;
  let low = Number(rest);
  while (low >= 128) {
    bytes[to++] = (low % 128) | 128;
    low = Math.floor(low / 128);
  }
  bytes[to++] = low;
  return to;
}

/** Writes unsigned whole numbers, seven bits a byte, lowest first. */
export class ByteWriter {
  #bytes = new Uint8Array(256);
  #at = 0;

  byte(value: number): void {
    this.#room(1);
    this.#bytes[this.#at++] = value;
  }

  /** @param value a whole number of up to 116 bits, not negative */
  varint(value: number | bigint): void {
    this.#room(17);
    this.#at = putVarint(this.#bytes, this.#at, value);
  }

  block(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  get bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#at);
  }

  #room(count: number): void {
    if (this.#at + count <= this.#bytes.length) return;
    const wider = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + count));
    wider.set(this.#bytes);
    this.#bytes = wider;
  }
}

/** Reads what {@link ByteWriter} wrote. Bytes that end too early are a RangeError: a damaged row is no measurement. */
export class ByteReader {
  #at: number;

  /** @param from where to begin */
  constructor(
    readonly bytes: Uint8Array,
    from = 0,
  ) {
    this.#at = from;
  }

  get atEnd(): boolean {
    return this.#at === this.bytes.length;
  }

  byte(): number {
    const value = this.bytes[this.#at++];
    if (value === undefined) throw new RangeError('stored bytes end too early');
    return value;
  }

  /** A number that is known to be small: a length, a difference. */
  varint(): number {
    return Number(this.whole());
  }

  /** A whole number of any size, exactly. */
  whole(): number | bigint {
    let value = 0;
    for (let scale = 1; scale < WIDE; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    let wide = BigInt(value);
    for (let shift = 49n; shift < MOST_BITS; shift += 7n) {
      const byte = this.byte();
      wide |= BigInt(byte & 127) << shift;
      if (byte < 128) {
        if (wide >> MOST_BITS) break;
        return wide;
      }
    }
    throw new RangeError('a stored number is longer than any that is written');
  }

  /** Passes over bytes that are read otherwise. @returns where they begin */
  skip(length: number): number {
    const at = this.#at;
    if (at + length > this.bytes.length) throw new RangeError('stored bytes end too early');
    this.#at += length;
    return at;
  }

  block(length: number): Uint8Array {
    const at = this.skip(length);
    return this.bytes.subarray(at, at + length);
  }
}
