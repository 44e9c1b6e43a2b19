import type { Role } from '@bellwether/contracts';
import { ManualClock } from '@bellwether/contracts';
import { describe, expect, test } from '@jest/globals';
import { hashToken, may, mintToken, TokenAuthority } from './token-authority.js';

const created = (id: string, token: string, role: Role) => ({
  type: 'token.created',
  data: { id, name: `${id} of ada`, role, hash: hashToken(token), expiresAt: null },
});

describe('bearer tokens', () => {
  test('the bootstrap token is an admin', () => {
    const principal = new TokenAuthority('root-token').authenticate('Bearer root-token');
    expect(principal).toEqual({ actor: 'key:bootstrap', name: 'bootstrap', role: 'admin' });
  });

  test('a created token speaks for its id until it is revoked, and then never again', () => {
    const authority = new TokenAuthority(undefined);
    const { token, hash } = mintToken();
    expect(hash).toBe(hashToken(token));
    authority.apply(created('t1', token, 'viewer'));
    expect(authority.authenticate(`Bearer ${token}`)).toMatchObject({ actor: 'key:t1', role: 'viewer' });
    authority.apply({ type: 'bellwether.token.revoked.v1', data: { id: 't1' } });
    expect(authority.authenticate(`Bearer ${token}`)).toBeNull();
    authority.apply(created('t1', token, 'viewer'));
    expect(authority.authenticate(`Bearer ${token}`)).toBeNull();
  });

  test('a person’s token acts as the person, until it expires', () => {
    const clock = new ManualClock('2026-11-22T10:00:00Z');
    const authority = new TokenAuthority(undefined, clock);
    const { type, data } = created('t1', 'abc', 'responder');
    authority.apply({ type, data: { ...data, user: 'ada', expiresAt: '2026-11-22T11:00:00Z' } });
    expect(authority.authenticate('Bearer abc')).toMatchObject({ actor: 'user:ada' });
    clock.set('2026-11-22T11:00:00Z');
    expect(authority.authenticate('Bearer abc')).toBeNull();
  });

  test('the wire form of an event is understood too, other events are not its business', () => {
    const authority = new TokenAuthority(undefined);
    authority.apply({ ...created('t1', 'abc', 'admin'), type: 'bellwether.token.created.v1' });
    authority.apply({ type: 'incident.declared', data: null });
    expect(authority.authenticate('bearer   abc')).toMatchObject({ actor: 'key:t1' });
  });

  test.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer other',
    'Basic root-token',
    'root-token',
    'Bearer root-token extra',
    'Bearer ROOT-TOKEN',
    `Bearer ${'a'.repeat(5000)}`,
  ])('%p is nobody', (header) => {
    expect(new TokenAuthority('root-token').authenticate(header)).toBeNull();
  });

  test('without a bootstrap token nobody is let in', () => {
    expect(new TokenAuthority('').authenticate('Bearer ')).toBeNull();
    expect(new TokenAuthority(undefined).authenticate('Bearer undefined')).toBeNull();
  });

  test.each<[Role, Role[]]>([
    ['publisher', ['publisher']],
    ['viewer', ['viewer']],
    ['responder', ['viewer', 'responder']],
    ['admin', ['publisher', 'viewer', 'responder', 'admin']],
  ])('%s may do what is asked of %p only', (role, allowed) => {
    const principal = { actor: 'key:x', name: 'x', role };
    for (const asked of ['publisher', 'viewer', 'responder', 'admin'] as const) {
      expect(may(principal, [asked])).toBe(allowed.includes(asked));
    }
  });
});
