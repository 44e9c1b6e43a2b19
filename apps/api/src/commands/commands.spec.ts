import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { historySpan } from '../controllers/history-span.js';
import { escapeHtml } from '../links/html.js';
import { canonicalJson, requestHash } from './idempotency-key.js';
import { storableOrRefuse } from './storable.js';

describe('the hash of a request', () => {
  test('knows no order of keys, and everything else', () => {
    const hash = requestHash('PUT', '/v1/services/a', { a: 1, b: { c: [1, 2], d: null } });
    expect(requestHash('PUT', '/v1/services/a', { b: { d: null, c: [1, 2] }, a: 1 })).toBe(hash);
    const others = [
      requestHash('POST', '/v1/services/a', { a: 1, b: { c: [1, 2], d: null } }),
      requestHash('PUT', '/v1/services/b', { a: 1, b: { c: [1, 2], d: null } }),
      requestHash('PUT', '/v1/services/a', { a: 1, b: { c: [2, 1], d: null } }),
      requestHash('PUT', '/v1/services/a', { a: 1, b: { c: [1, 2] } }),
      requestHash('PUT', '/v1/services/a', undefined),
    ];
    expect(new Set([hash, ...others]).size).toBe(6);
  });

  test('canonical JSON says the same as JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

test('text that the log cannot keep is found wherever it is', () => {
  expect(() => storableOrRefuse({ a: ['x', { b: 'y' }], c: null, d: 1 })).not.toThrow();
  for (const bad of [{ a: ['\u0000'] }, { a: { b: '\ud800' } }, { 'a\u0000': 1 }])
    expect(() => storableOrRefuse(bad)).toThrow('cannot be kept');
});

describe('the span of a history', () => {
  const now = new Date('2026-11-22T10:00:00.000Z');

  test('is the last day, in steps that make few hundred points', () => {
    expect(historySpan({}, now)).toEqual({
      from: '2026-11-21T10:00:00.000Z',
      to: '2026-11-22T10:00:00.000Z',
      step: '5m',
    });
    expect(historySpan({ from: '2026-10-23T10:00:00Z' }, now)).toMatchObject({ step: '3h' });
    expect(historySpan({ from: '2020-10-23T10:00:00Z' }, now)).toMatchObject({ step: '8d' });
  });

  test('is cut into as many points as were asked for, over as long as measurements are kept', () => {
    const from = '2025-10-18T10:00:00.000Z';
    expect(historySpan({ from, points: 300 }, now)).toEqual({
      from,
      to: '2026-11-22T10:00:00.000Z',
      points: 300,
    });
    expect(() => historySpan({ from: '2025-10-18T09:59:00Z', points: 300 }, now)).toThrow('too long');
    expect(() => historySpan({ points: 300, step: '1h' }, now)).toThrow('exclude each other');
  });

  test('is neither empty nor endless', () => {
    expect(() => historySpan({ from: '2026-11-22T10:00:00Z' }, now)).toThrow('empty');
    expect(() => historySpan({ from: '2026-01-01T00:00:00Z', step: '1m' }, now)).toThrow('5000');
  });
});

test('text in a page is text', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(escapeHtml(text)).not.toMatch(/[<>"']/);
    }),
  );
  expect(escapeHtml(`<b a="x">'&`)).toBe('&lt;b a=&quot;x&quot;&gt;&#39;&amp;');
});
