/** Writes unsigned whole numbers, seven bits a byte, lowest first. */
export class ByteWriter {
  #bytes = new Uint8Array(256);
  #at = 0;

  byte(value: number): void {
    this.#room(1);
    this.#bytes[this.#at++] = value;
  }

  /** @param value a whole number of any size, not negative */
  varint(value: number): void {
    this.#room(16);
    let rest = value;
    while (rest >= 128) {
      this.#bytes[this.#at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#at++] = rest;
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
  #at = 0;

  constructor(readonly bytes: Uint8Array) {}

  get atEnd(): boolean {
    return this.#at === this.bytes.length;
  }

  byte(): number {
    const value = this.bytes[this.#at++];
    if (value === undefined) throw new RangeError('stored bytes end too early');
    return value;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
  }

  block(length: number): Uint8Array {
    if (this.#at + length > this.bytes.length) throw new RangeError('stored bytes end too early');
    this.#at += length;
    return this.bytes.subarray(this.#at - length, this.#at);
  }
}
