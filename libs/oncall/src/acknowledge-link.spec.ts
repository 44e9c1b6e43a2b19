import { expect, test } from '@jest/globals';
import { linkHmac, signAcknowledgeLink, verifyAcknowledgeLink } from './acknowledge-link.js';

const hmac = linkHmac(Buffer.alloc(32, 1).toString('base64'));
const other = linkHmac(Buffer.alloc(32, 2).toString('base64'));
const now = Date.parse('2026-11-22T10:00:00Z');
const link = { page: 'INC-7-P2', user: 'ada', expiresAt: now + 60_000 };

test('a link says which page, to whom it was sent, and until when', () => {
  const token = signAcknowledgeLink(link, hmac);
  expect(encodeURIComponent(token)).toBe(token);
  expect(verifyAcknowledgeLink(token, hmac, now)).toEqual({ kind: 'valid', link });
  expect(verifyAcknowledgeLink(token, hmac, now + 60_000)).toEqual({ kind: 'expired', link });
  const anonymous = { ...link, user: null };
  expect(verifyAcknowledgeLink(signAcknowledgeLink(anonymous, hmac), hmac, now)).toEqual({
    kind: 'valid',
    link: anonymous,
  });
});

test.each([
  ['of another key', signAcknowledgeLink(link, other)],
  ['with another page', signAcknowledgeLink(link, hmac).replace('INC-7-P2', 'INC-7-P3')],
  ['with another person', signAcknowledgeLink(link, hmac).replace('ada', 'eve')],
  ['with a later end', signAcknowledgeLink(link, hmac).replace(/~([^~]+)~([^~]+)$/, '~zzzzzzz~$2')],
  ['cut short', signAcknowledgeLink(link, hmac).slice(0, -1)],
  ['with more', `${signAcknowledgeLink(link, hmac)}~x`],
  ['without a signature', 'INC-7-P2~ada~zzzzzzz~'],
  ['of nothing', ''],
])('a token %s is forged', (_, token) => {
  expect(verifyAcknowledgeLink(token, hmac, now)).toEqual({ kind: 'forged' });
});
