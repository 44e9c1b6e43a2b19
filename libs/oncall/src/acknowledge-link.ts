import { pageId } from '@bellwether/contracts';
import type { Instant } from './wall-clock.js';

/** A keyed hash (HMAC-SHA-256) of a text, in base64url; the key stays with whoever made the function. */
export type Hmac = (text: string) => string;

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

/** Whether a token is one of ours and still good. Whoever compares signatures must not tell them apart by time. */
export function verifyAcknowledgeLink(
  token: string,
  hmac: Hmac,
  at: Instant,
  equal: (a: string, b: string) => boolean = sameText,
): LinkVerdict {
  const [page = '', user = '', expiry = '', signature = '', ...rest] = token.split('~');
  const claim = [page, user, expiry].join('~');
  if (rest.length > 0 || !pageId.safeParse(page).success || !equal(signature, hmac(purpose + claim))) {
    return { kind: 'forged' };
  }
  const link = { page, user: user === '' ? null : user, expiresAt: Number.parseInt(expiry, 36) * 1000 };
  return link.expiresAt > at ? { kind: 'valid', link } : { kind: 'expired', link };
}

/** The signature is of this and nothing else, should the key ever sign other things. */
const purpose = 'bellwether acknowledge link\n';

/** Compares every character, so that the time taken says nothing about where two texts differ. */
function sameText(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let place = 0; place < b.length; place += 1) {
    difference |= a.charCodeAt(place % Math.max(a.length, 1)) ^ b.charCodeAt(place);
  }
  return difference === 0;
}
