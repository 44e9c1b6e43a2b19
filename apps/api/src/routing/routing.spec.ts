import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { prefers } from './accept.js';
import { refuseFuture } from './as-of.js';
import { Paging } from './cursor.js';
import { expectedVersion } from './preconditions.js';
import { nestPath } from './serves.js';

describe('Accept', () => {
  const offered = ['application/json', 'text/markdown'] as const;
  test.each([
    [undefined, 'application/json'],
    ['*/*', 'application/json'],
    ['text/markdown', 'text/markdown'],
    ['TEXT/Markdown; charset=utf-8', 'text/markdown'],
    ['application/json, text/markdown', 'application/json'],
    ['application/json;q=0.5, text/markdown;q=0.9', 'text/markdown'],
    ['text/*', 'text/markdown'],
    ['text/html', 'application/json'],
    ['text/markdown;q=0', 'application/json'],
  ])('%s prefers %s', (header, type) => {
    expect(prefers(header, offered)).toBe(type);
  });
});

describe('a list', () => {
  /** The items of a list by its pages. */
  function paged(items: number[], limit: number): number[] {
    const found: number[] = [];
    for (let cursor: string | undefined; ; ) {
      const paging = Paging.of({ limit, cursor }, 'numbers', z.int());
      const after = paging.after ?? Number.NEGATIVE_INFINITY;
      const rows = items.filter((item) => item > after).slice(0, paging.limit + 1);
      const page = paging.page(
        rows,
        (item) => item,
        (item) => item,
      );
      expect(page.items.length).toBeLessThanOrEqual(limit);
      found.push(...page.items);
      if (page.nextCursor === null) return found;
      cursor = page.nextCursor;
    }
  }

  test('is the same by pages of any size', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 0 })),
        fc.integer({ min: 1, max: 500 }),
        (items, limit) => {
          const sorted = items.toSorted((a, b) => a - b);
          expect(paged(sorted, limit)).toEqual(sorted);
        },
      ),
    );
  });

  test('takes no cursor but its own', () => {
    const { nextCursor } = Paging.of({ limit: 1 }, 'numbers', z.int()).page(
      [1, 2],
      (item) => item,
      (item) => item,
    );
    const cursor = nextCursor as string;
    expect(Paging.of({ cursor }, 'numbers', z.int()).after).toBe(1);
    expect(() => Paging.of({ cursor }, 'others', z.int())).toThrow('does not belong');
    expect(() => Paging.of({ cursor }, 'numbers', z.string())).toThrow('does not belong');
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(() => Paging.of({ cursor: text }, 'numbers', z.int())).toThrow('does not belong');
      }),
    );
  });
});

describe('preconditions', () => {
  const ask = (headers: Record<string, string>, current = 3, isNew = false) =>
    expectedVersion({ headers } as unknown as FastifyRequest, { current: async () => current, isNew });

  test('name no version of what is only made', async () => {
    expect(await ask({}, 0, true)).toBeUndefined();
    await expect(ask({ 'if-match': '"7"' }, 0, true)).rejects.toMatchObject({ problem: { status: 412 } });
  });

  test('name one version, any version, none, or nothing', async () => {
    expect(await ask({ 'if-match': '"3"' })).toBe(3);
    expect(await ask({ 'if-match': '*' })).toBeUndefined();
    expect(await ask({ 'if-none-match': '*' })).toBe(0);
    expect(await ask({})).toBeUndefined();
    expect(await ask({ 'if-match': '"2", "3"' })).toBe(3);
    await expect(ask({ 'if-match': '*' }, 0)).rejects.toMatchObject({
      problem: { status: 412, detail: expect.stringContaining('leave the header out to create it') },
    });
  });

  test.each(['W/"3"', '"4", "5"', '"03"', '"", W/"3"', '"something-else"'])(
    '%s matches nothing',
    async (tag) => {
      await expect(ask({ 'if-match': tag })).rejects.toMatchObject({
        problem: { status: 412, detail: expect.stringContaining('the current version is "3"') },
      });
      await expect(ask({ 'if-match': tag }, 0)).rejects.toMatchObject({ problem: { status: 412 } });
    },
  );

  test.each([
    { 'if-match': '3' },
    { 'if-match': '' },
    { 'if-match': '"3", 4' },
    { 'if-match': '"3' },
    { 'if-none-match': '"3"' },
    { 'if-none-match': '*', 'if-match': '"3"' },
  ])('%j is malformed', async (headers) => {
    await expect(ask(headers as unknown as Record<string, string>)).rejects.toMatchObject({
      problem: { status: 400 },
    });
  });
});

test('asOf is a time that was, but for what clocks differ', () => {
  const now = new Date('2026-11-22T10:00:00Z');
  for (const known of ['2020-01-01T00:00:00Z', '2026-11-22T11:00:00+01:00', '2026-11-22T10:05:00Z'])
    expect(() => refuseFuture(known, now)).not.toThrow();
  expect(() => refuseFuture('2026-11-22T10:05:01Z', now)).toThrow(
    'asOf must not be in the future: it asks what was known then, and it is 2026-11-22T10:00:00.000Z',
  );
});

test('paths of the table become paths of Nest', () => {
  expect(nestPath('/v1/slis/{service}/{sli}')).toBe('/v1/slis/:service/:sli');
});
