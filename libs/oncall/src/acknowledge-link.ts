import { createHmac, timingSafeEqual } from 'node:crypto';
import { pageId } from '@bellwether/contracts';
import type { Instant } from './wall-clock.js';

/** A keyed hash (HMAC-SHA-256) of a text, in base64url; the key stays with whoever made the function. */
export type Hmac = (text: string) => string;

/**
 * The hash that links of an installation are signed with.
 * @param secretKey 32 bytes in base64, as in `BELLWETHER_SECRET_KEY`
 */
export function linkHmac(secretKey: string): Hmac {
  const key = Buffer.from(secretKey, 'base64');
  return (text) => createHmac('sha256', key).update(text, 'utf8').digest('base64url');
}

/** What an acknowledge link stands for: somebody who was sent it may acknowledge one page, for a while. */
export interface AcknowledgeLink {
  page: string;
  /** Whom it was sent to; null for a policy's own webhook target. */
  user: string | null;
  expiresAt: Instant;
}

export type LinkVerdict =
  | { kind: 'valid'; link: AcknowledgeLink }
  | { kind: 'expired'; link: AcknowledgeLink }
  | { kind: 'forged' };

/** The token of a link, safe in a URL: `<page>~<user>~<expiry, seconds, base 36>~<signature>`. */
export function signAcknowledgeLink(link: AcknowledgeLink, hmac: Hmac): string {
  const claim = [link.page, link.user ?? '', Math.floor(link.expiresAt / 1000).toString(36)].join('~');
  return `${claim}~${hmac(purpose + claim)}`;
}

/** Whether a token is one of ours and still good. */
export function verifyAcknowledgeLink(token: string, hmac: Hmac, at: Instant): LinkVerdict {
  const [page = '', user = '', expiry = '', signature = '', ...rest] = token.split('~');
  const claim = [page, user, expiry].join('~');
  const genuine =
    rest.length === 0 && pageId.safeParse(page).success && sameText(signature, hmac(purpose + claim));
  if (!genuine) return { kind: 'forged' };
  const link = { page, user: user === '' ? null : user, expiresAt: Number.parseInt(expiry, 36) * 1000 };
  return link.expiresAt > at ? { kind: 'valid', link } : { kind: 'expired', link };
}

/** The signature is of this and nothing else: the key has other uses. */
const purpose = 'bellwether acknowledge link\n';

/** In a time that says nothing about where two texts differ. */
function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
