const comma = 0x2c;
const minus = 0x2d;
const zero = 0x30;
/** What the digits of one number need at most, `-1.2345678901234567e-300` and a comma. */
const room = 32;
const million = 1_000_000;

/** Numbers written one behind the other as JSON has them, without a string for each. Used again for every message. */
export class DecimalColumn {
  #bytes = Buffer.allocUnsafe(16_384);
  #length = 0;

  clear(): void {
    this.#length = 0;
  }

  /** @param value finite, and not -0 */
  push(value: number): void {
    if (this.#length + room > this.#bytes.length) this.grow();
    let magnitude = value;
    if (value < 0) {
      this.#bytes[this.#length] = minus;
      this.#length += 1;
      magnitude = -value;
    }
    if (!Number.isSafeInteger(magnitude)) {
      this.#length += this.#bytes.write(String(magnitude), this.#length, 'latin1');
    } else if (magnitude < million) {
      this.writeDigits(magnitude, digitsOf(magnitude));
    } else {
      // Halves that are small integers: dividing them is many times cheaper than dividing the whole.
      const high = Math.floor(magnitude / million);
      if (high < million) this.writeDigits(high, digitsOf(high));
      else this.#length += this.#bytes.write(String(high), this.#length, 'latin1');
      this.writeDigits(magnitude - high * million, 6);
    }
    this.#bytes[this.#length] = comma;
    this.#length += 1;
  }

  /** The numbers, separated by commas. */
  get text(): string {
    return this.#bytes.toString('latin1', 0, Math.max(0, this.#length - 1));
  }

  private writeDigits(value: number, count: number): void {
    let rest = value | 0;
    for (let at = this.#length + count - 1; at >= this.#length; at -= 1) {
      const tenth = (rest / 10) | 0;
      this.#bytes[at] = zero + rest - tenth * 10;
      rest = tenth;
    }
    this.#length += count;
  }

  private grow(): void {
    const larger = Buffer.allocUnsafe(this.#bytes.length * 2);
    this.#bytes.copy(larger);
    this.#bytes = larger;
  }
}

function digitsOf(value: number): number {
  if (value < 1_000) return value < 10 ? 1 : value < 100 ? 2 : 3;
  return value < 10_000 ? 4 : value < 100_000 ? 5 : 6;
}
