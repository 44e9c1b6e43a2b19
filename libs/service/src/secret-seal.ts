import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const prefix = 'sealed:v1:';
const nonceBytes = 12;
const tagBytes = 16;

/** What was given is not a value sealed with this key (or it was changed since). */
export class SealBroken extends Error {
  override readonly name = 'SealBroken';
}

/**
 * Encrypts a secret before it enters the log, from which nothing can be deleted: AES-256-GCM with a random
 * nonce, as `sealed:v1:<base64 of nonce, ciphertext, tag>`.
 *
 * @param key 32 bytes, or their base64 as in `BELLWETHER_SECRET_KEY`
 */
export function seal(plain: string, key: string | Uint8Array): string {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', keyBytes(key), nonce);
  const sealed = Buffer.concat([nonce, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return prefix + sealed.toString('base64');
}

/**
 * Opens what {@link seal} made.
 *
 * @throws SealBroken when the value is not sealed, was changed, or was sealed with another key
 */
export function open(sealed: string, key: string | Uint8Array): string {
  if (!isSealed(sealed)) throw new SealBroken('this value is not sealed');
  const bytes = Buffer.from(sealed.slice(prefix.length), 'base64');
  if (bytes.length < nonceBytes + tagBytes) throw new SealBroken('this sealed value is cut short');
  const decipher = createDecipheriv('aes-256-gcm', keyBytes(key), bytes.subarray(0, nonceBytes), {
    authTagLength: tagBytes,
  });
  decipher.setAuthTag(bytes.subarray(bytes.length - tagBytes));
  try {
    const plain = decipher.update(bytes.subarray(nonceBytes, bytes.length - tagBytes));
    return Buffer.concat([plain, decipher.final()]).toString('utf8');
  } catch {
    throw new SealBroken('this value was sealed with another key, or was changed');
  }
}

/** Whether a value has the form that {@link seal} gives. */
export function isSealed(value: string): boolean {
  return value.startsWith(prefix);
}

function keyBytes(key: string | Uint8Array): Uint8Array {
  const bytes = typeof key === 'string' ? Buffer.from(key, 'base64') : key;
  if (bytes.length !== 32) throw new TypeError('a key for sealing has 32 bytes');
  return bytes;
}
