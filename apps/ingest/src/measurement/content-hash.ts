import { hash } from 'node:crypto';

let numbers = new Float64Array(4096);
let bytes = new Uint8Array(numbers.buffer);
let used = 0;
let texts: string[] = [];

/**
 * Digest of what a message says, whatever way it came and however it was spelled: the same identity with another
 * digest is a mistake of the publisher. Fed point by point while the points are read, so that nothing is
 * serialised for it. A time that was left out is fed as such: it does not become another content when sent again.
 *
 * One message at a time: reading is synchronous, and the buffer is reused from message to message.
 */
export const contentHash = {
  begin(service: string, sli: string): void {
    used = 0;
    texts = [service, sli];
  },

  /** Feeds one number; -0 and 0 are the same content. */
  number(value: number): void {
    if (used === numbers.length) grow();
    numbers[used] = value + 0;
    used += 1;
  },

  /** Feeds a text, and marks its place among the numbers. */
  text(value: string): void {
    texts.push(value);
    this.number(Number.NaN);
  },

  /** SHA-256 of all that was fed, in base64url. Stored beside the identity: changing it makes old repeats conflicts. */
  end(): string {
    const of = bytes.subarray(0, used * Float64Array.BYTES_PER_ELEMENT);
    return hash('sha256', `${JSON.stringify(texts)}${hash('sha256', of, 'base64')}`, 'base64url');
  },
};

function grow(): void {
  const larger = new Float64Array(numbers.length * 2);
  larger.set(numbers);
  numbers = larger;
  bytes = new Uint8Array(larger.buffer);
}
