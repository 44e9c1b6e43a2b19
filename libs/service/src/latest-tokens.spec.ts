import { describe, expect, test } from '@jest/globals';
import { LatestTokens } from './latest-tokens.js';
import { hashToken, TokenAuthority } from './token-authority.js';

const created = (name: string) => ({
  type: 'token.created',
  data: { id: name, name, role: 'viewer', hash: hashToken(name), expiresAt: null },
});

/** A log whose readings are answered by hand. */
function stage(
  { position, patienceMs }: { position: number | undefined; patienceMs?: number } = { position: 7 },
) {
  const asked: PromiseWithResolvers<{ type: string; data: unknown }[]>[] = [];
  const authority = new TokenAuthority(undefined);
  const readJournal = (journal: string, options: { after: number; limit: number }) => {
    expect([journal, options]).toEqual(['control', { after: 7, limit: 1_000 }]);
    const answer = Promise.withResolvers<{ type: string; data: unknown }[]>();
    asked.push(answer);
    return answer.promise;
  };
  const tokens = new LatestTokens(authority, { readJournal }, () => position, patienceMs);
  return { asked, tokens, knows: (token: string) => authority.authenticate(`Bearer ${token}`) !== null };
}

const turns = () => new Promise((resolve) => setImmediate(resolve));

describe('the latest tokens', () => {
  test('are known once the log was read', async () => {
    const { asked, tokens, knows } = stage();
    const told = tokens.told();
    asked[0]?.resolve([created('new'), { type: 'slo.defined', data: {} }]);
    expect([await told, knows('new')]).toEqual([true, true]);
  });

  test('are read once for all who ask while it is read, after they asked', async () => {
    const { asked, tokens, knows } = stage();
    const first = tokens.told();
    const others = [tokens.told(), tokens.told(), tokens.told()];
    expect(asked).toHaveLength(1);
    asked[0]?.resolve([]); // as the log was before the others asked
    expect(await first).toBe(true);
    await turns();
    expect(asked).toHaveLength(2);
    asked[1]?.resolve([created('new')]);
    expect([await Promise.all(others), knows('new')]).toEqual([[true, true, true], true]);
    void tokens.told();
    expect(asked).toHaveLength(3);
  });

  test('are not said to be known before anything was read, far behind, or while the log is away', async () => {
    expect(await stage({ position: undefined }).tokens.told()).toBe(false);
    const { asked, tokens } = stage();
    const behind = tokens.told();
    asked[0]?.resolve(Array.from({ length: 1_000 }, () => ({ type: 'slo.defined', data: {} })));
    expect(await behind).toBe(false);
    const away = tokens.told();
    asked[1]?.reject(new Error('no connection'));
    expect(await away).toBe(false);
  });

  test('are not waited for where an answer of the log was lost, by nobody', async () => {
    const { asked, tokens } = stage({ position: 7, patienceMs: 1 });
    const lost = tokens.told();
    const next = tokens.told();
    expect(await lost).toBe(false);
    await turns();
    asked[1]?.resolve([]);
    expect(await next).toBe(true);
  });
});
