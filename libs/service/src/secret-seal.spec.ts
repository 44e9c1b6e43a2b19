import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isSealed, open, SealBroken, seal } from './secret-seal.js';

const key = randomBytes(32);

describe('sealed secrets', () => {
  test('open to what was sealed, whatever it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (plain) => {
        const sealed = seal(plain, key);
        expect(isSealed(sealed)).toBe(true);
        expect(open(sealed, key.toString('base64'))).toBe(plain);
      }),
    );
  });

  test('do not repeat themselves', () => {
    expect(seal('whsec_a', key)).not.toBe(seal('whsec_a', key));
  });

  test('refuse another key, any changed byte, and plain text', () => {
    const sealed = seal('whsec_a', key);
    expect(() => open(sealed, randomBytes(32))).toThrow(SealBroken);
    const bytes = Buffer.from(sealed.slice('sealed:v1:'.length), 'base64');
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at] = changed[at]! ^ 1;
      expect(() => open(`sealed:v1:${changed.toString('base64')}`, key)).toThrow(SealBroken);
    }
    expect(() => open('sealed:v1:AAAA', key)).toThrow(SealBroken);
    expect(() => open('whsec_a', key)).toThrow(SealBroken);
    expect(() => seal('a', 'short')).toThrow('32 bytes');
  });
});
