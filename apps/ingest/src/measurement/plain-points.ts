import { JsonText, MeasurementLimits } from '@bellwether/contracts';
import { contentHash } from './content-hash.js';
import { DecimalColumn } from './decimal-column.js';
import { instantMillis } from './instant.js';
import { kinds, type Points, type PointsContext } from './points.js';

const { points: mostPoints, magnitude, aheadMillis, ageMillis } = MeasurementLimits;

const quote = 0x22;
const comma = 0x2c;
const minus = 0x2d;
const dot = 0x2e;
const zero = 0x30;
const colon = 0x3a;
const letterT = 0x54;
const letterZ = 0x5a;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

// A bit for each key a plain point may have.
const AT = 1;
const GOOD = 2;
const BAD = 4;
const TOTAL = 8;
const VALUE = 16;
const COUNT = 32;
const names: readonly (readonly [name: string, bit: number])[] = [
  ['at', AT],
  ['good', GOOD],
  ['bad', BAD],
  ['total', TOTAL],
  ['value', VALUE],
  ['count', COUNT],
];
/** By its first letter, since no two begin alike: the letters after that with the closing quote, and its bit. */
const keys = new Array<{ rest: Uint8Array; bit: number } | null>(256).fill(null);
for (const [name, bit] of names) {
  keys[name.charCodeAt(0)] = { rest: Buffer.from(`${name.slice(1)}"`), bit };
}
const points = Buffer.from('"points"');

/** Digits that a number may have so that a double holds them without rounding. */
const exactDigits = 15;
const tens = Array.from({ length: exactDigits + 1 }, (_, exponent) => 10 ** exponent);

/**
 * Reads `{"points": […]}` straight from its bytes when all is plain: counts, or values, with times in UTC, numbers
 * without exponents, no labels, nothing to refuse. That is nearly every message there is, and making objects of a
 * hundred points only to take them apart again, and to collect them as garbage, is most of what a message costs.
 *
 * Of all else it knows nothing: it answers null, and `readPoints` reads the parsed body, and says what is wrong.
 * What both accept, they read alike (plain-points.spec.ts proves it).
 */
export function readPlainPoints(
  bytes: Uint8Array,
  from: number,
  context: PointsContext,
): { points: Points; end: number } | null {
  return reader.read(bytes, from, context);
}

/** One message at a time: reading is synchronous, and the columns are used again from message to message. */
class PlainPointsReader {
  readonly #at = new DecimalColumn();
  readonly #first = new DecimalColumn();
  readonly #second = new DecimalColumn();
  #bytes: Uint8Array = new Uint8Array();
  #cursor = 0;
  #day = -1;
  #dayMillis = 0;

  read(bytes: Uint8Array, from: number, context: PointsContext): { points: Points; end: number } | null {
    this.#bytes = bytes;
    this.#cursor = from;
    for (const column of [this.#at, this.#first, this.#second]) column.clear();
    contentHash.begin(context.service, context.sli);
    if (!this.takes(openBrace) || !this.takesAll(points) || !this.takes(colon) || !this.takes(openBracket)) {
      return null;
    }
    const earliest = context.now - ageMillis;
    const latest = context.now + aheadMillis;
    let count = 0;
    let kind = 0;
    let several = false;
    let newest = Number.NEGATIVE_INFINITY;
    do {
      if (count === mostPoints || !this.takes(openBrace)) return null;
      let at = context.receivedAt;
      let part = 0;
      let total = 0;
      let value = 0;
      let observations = 1;
      let seen = 0;
      do {
        const key = this.key();
        if (key === 0 || (seen & key) !== 0 || !this.takes(colon)) return null;
        seen |= key;
        if (key === AT) {
          at = this.time();
          if (!(at >= earliest && at <= latest)) return null;
          continue;
        }
        const number = this.number();
        if (!(number <= magnitude) || number < (key === VALUE ? -magnitude : 0)) return null;
        if (key === TOTAL) total = number;
        else if (key === VALUE) value = number;
        else if (key === COUNT) observations = number;
        else part = number;
      } while (this.takes(comma));
      if (!this.takes(closeBrace)) return null;

      if (at > newest) newest = at;
      this.#at.push(at);
      contentHash.number((seen & AT) === 0 ? -1 : at);
      const what = seen & ~AT;
      if (what === (GOOD | TOTAL) || what === (BAD | TOTAL)) {
        if (part > total || kind === kinds.value) return null;
        kind = kinds.counts;
        const good = what === (GOOD | TOTAL) ? part : total - part;
        contentHash.number(kind);
        contentHash.number(good);
        contentHash.number(total);
        this.#first.push(good);
        this.#second.push(total);
      } else if (what === VALUE || what === (VALUE | COUNT)) {
        if (kind === kinds.counts) return null;
        kind = kinds.value;
        several ||= observations !== 1;
        contentHash.number(kind);
        contentHash.number(value);
        contentHash.number(observations);
        this.#first.push(value);
        this.#second.push(observations);
      } else return null;
      count += 1;
    } while (this.takes(comma));
    if (!this.takes(closeBracket) || !this.takes(closeBrace)) return null;
    const hash = contentHash.end();
    const columns = new JsonText(this.columns(kind === kinds.counts, several));
    return {
      points: { count, columns, countsOnly: kind === kinds.counts, newest, hash },
      end: this.#cursor,
    };
  }

  private columns(areCounts: boolean, several: boolean): string {
    const first = this.#first.text;
    const at = this.#at.text;
    if (areCounts) return `[{"kind":"counts","at":[${at}],"good":[${first}],"total":[${this.#second.text}]}]`;
    const counts = several ? `,"count":[${this.#second.text}]` : '';
    return `[{"kind":"values","at":[${at}],"value":[${first}]${counts}}]`;
  }

  /** Passes over white space and the character, if it is next. */
  private takes(character: number): boolean {
    if (this.#bytes[this.#cursor] !== character) {
      this.skipBlank();
      if (this.#bytes[this.#cursor] !== character) return false;
    }
    this.#cursor += 1;
    return true;
  }

  private takesAll(characters: Uint8Array): boolean {
    this.skipBlank();
    if (!this.isNext(characters)) return false;
    this.#cursor += characters.length;
    return true;
  }

  private isNext(characters: Uint8Array): boolean {
    const bytes = this.#bytes;
    const cursor = this.#cursor;
    for (let i = 0; i < characters.length; i += 1) {
      if (bytes[cursor + i] !== characters[i]) return false;
    }
    return true;
  }

  private skipBlank(): void {
    const bytes = this.#bytes;
    let cursor = this.#cursor;
    for (;;) {
      const character = bytes[cursor];
      if (character !== 0x20 && character !== 0x0a && character !== 0x0d && character !== 0x09) break;
      cursor += 1;
    }
    this.#cursor = cursor;
  }

  /** The bit of the key that is next; 0 for any other. */
  private key(): number {
    if (!this.takes(quote)) return 0;
    const key = keys[this.#bytes[this.#cursor] as number];
    this.#cursor += 1;
    if (!key || !this.isNext(key.rest)) return 0;
    this.#cursor += key.rest.length;
    return key.bit;
  }

  /** A number without an exponent and with no more digits than a double holds; NaN for any other. */
  private number(): number {
    this.skipBlank();
    const negative = this.#bytes[this.#cursor] === minus;
    if (negative) this.#cursor += 1;
    const start = this.#cursor;
    let digits = this.digits(0);
    const whole = this.#cursor - start;
    if (whole === 0 || whole > exactDigits || (whole > 1 && this.#bytes[start] === zero)) return Number.NaN;
    let places = 0;
    if (this.#bytes[this.#cursor] === dot) {
      this.#cursor += 1;
      const fraction = this.#cursor;
      digits = this.digits(digits);
      places = this.#cursor - fraction;
      if (places === 0 || whole + places > exactDigits) return Number.NaN;
    }
    // An exponent would be next: what follows a number is a comma, a brace or white space.
    // Both are exact, so that their quotient is rounded once, as the number's own reading is.
    const value = places === 0 ? digits : digits / (tens[places] as number);
    return negative && value !== 0 ? -value : value;
  }

  /** Appends the digits that are next to a number. */
  private digits(before: number): number {
    const bytes = this.#bytes;
    let cursor = this.#cursor;
    let value = before;
    for (;;) {
      const digit = (bytes[cursor] as number) - zero;
      if (!(digit >= 0 && digit <= 9)) break;
      value = value * 10 + digit;
      cursor += 1;
    }
    this.#cursor = cursor;
    return value;
  }

  /** Epoch milliseconds of `"2026-11-22T10:00:00[.000]Z"`; NaN for any other time. */
  private time(): number {
    this.skipBlank();
    const bytes = this.#bytes;
    const start = this.#cursor + 1;
    const hours = this.two(start + 11);
    const minutes = this.two(start + 14);
    const seconds = this.two(start + 17);
    const isTime =
      bytes[start - 1] === quote &&
      bytes[start + 4] === minus &&
      bytes[start + 7] === minus &&
      bytes[start + 10] === letterT &&
      bytes[start + 13] === colon &&
      bytes[start + 16] === colon &&
      hours <= 23 &&
      minutes <= 59 &&
      seconds <= 59;
    if (!isTime) return Number.NaN;
    let end = start + 19;
    let millis = ((hours * 60 + minutes) * 60 + seconds) * 1000;
    if (bytes[end] === dot) {
      millis += this.two(start + 20) * 10 + this.one(start + 22);
      end = start + 23;
    }
    if (bytes[end] !== letterZ || bytes[end + 1] !== quote) return Number.NaN;
    this.#cursor = end + 2;
    return this.dayMillis(start) + millis;
  }

  /** Midnight of a time's day, which is nearly always that of the time before. */
  private dayMillis(start: number): number {
    const day =
      this.two(start) * 1_000_000 +
      this.two(start + 2) * 10_000 +
      this.two(start + 5) * 100 +
      this.two(start + 8);
    if (day !== this.#day) {
      const text = String.fromCharCode(...this.#bytes.subarray(start, start + 10));
      const midnight = instantMillis(`${text}T00:00:00Z`);
      if (Number.isNaN(midnight)) return Number.NaN;
      this.#day = day;
      this.#dayMillis = midnight;
    }
    return this.#dayMillis;
  }

  /** The number of two digits; NaN where there are none. */
  private two(at: number): number {
    return this.one(at) * 10 + this.one(at + 1);
  }

  private one(at: number): number {
    const digit = (this.#bytes[at] as number) - zero;
    return digit >= 0 && digit <= 9 ? digit : Number.NaN;
  }
}

const reader = new PlainPointsReader();
