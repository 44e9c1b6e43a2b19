import { type SliSourceChanged, sli } from '@bellwether/contracts';
import type { RecordedEvent } from '@bellwether/event-log';
import { describe, expect, test } from '@jest/globals';
import { sourceAsOf, sourceNow } from './source.js';

const fetched = sli.parse({
  service: 'checkout',
  name: 'availability',
  source: { prometheus: { url: 'http://127.0.0.1:9090', query: 'up' } },
});
const failing: SliSourceChanged = {
  service: 'checkout',
  sli: 'availability',
  kind: 'prometheus',
  state: 'failing',
  error: 'it does not answer',
  lastSuccessAt: '2026-11-22T10:00:00.000Z',
  at: '2026-11-22T10:00:05.000Z',
  n: 2,
};
const ok: SliSourceChanged = { ...failing, state: 'ok', error: null, lastSuccessAt: null, n: 1 };
const WATERMARK = '2026-11-22T10:07:59.999Z';

const now = (definition = fetched, changed?: SliSourceChanged, watermark: string | null = WATERMARK) =>
  sourceNow(
    {
      slis: new Map([
        ['checkout/availability', { data: definition, version: 1, streamVersion: 1, expectedSince: 0 }],
      ]),
      sources: new Map(changed && [['checkout/availability', changed]]),
    },
    'checkout/availability',
    watermark,
  ).source;

describe('the source of an SLI', () => {
  test('is not shown of one that is published, whatever it was before', () => {
    const { source: _, ...published } = fetched;
    expect(now(published, failing)).toBeUndefined();
    expect(sourceNow({ slis: new Map(), sources: new Map() }, 'checkout/availability', null)).toEqual({});
  });

  test('waits until it is asked', () => {
    expect(now()).toEqual({
      kind: 'prometheus',
      state: 'waiting',
      since: null,
      lastSuccessAt: null,
      lastError: null,
    });
  });

  test('that answers did so last with the newest measurement', () => {
    expect(now(fetched, ok)).toEqual({
      kind: 'prometheus',
      state: 'ok',
      since: ok.at,
      lastSuccessAt: WATERMARK,
      lastError: null,
    });
    expect(now(fetched, ok, null)?.lastSuccessAt).toBeNull();
  });

  test('that fails says why, and when it answered last', () => {
    expect(now(fetched, failing)).toEqual({
      kind: 'prometheus',
      state: 'failing',
      since: failing.at,
      lastSuccessAt: failing.lastSuccessAt,
      lastError: 'it does not answer',
    });
  });

  test('that answers without data had some when it was measured last', () => {
    const empty: SliSourceChanged = {
      ...failing,
      state: 'empty',
      error: 'nothing',
      at: '2026-11-22T10:20:00.000Z',
    };
    const noted = { ...empty, lastSuccessAt: empty.at };
    expect(now(fetched, noted)).toMatchObject({ state: 'empty', lastSuccessAt: WATERMARK });
    expect(now(fetched, noted, null)).toMatchObject({ state: 'empty', lastSuccessAt: null });
  });

  test('is answered for the past as the log had it', async () => {
    const asked: unknown[] = [];
    const log = {
      readStream: async (stream: string, options: object = {}) => {
        asked.push([stream, options]);
        return [{ data: ok }, { data: failing }] as RecordedEvent[];
      },
    };
    const asOf = new Date('2026-11-22T10:01:00Z');
    expect((await sourceAsOf(log, fetched, asOf, WATERMARK)).source?.state).toBe('failing');
    expect(asked).toEqual([['source:checkout/availability', { recordedUntil: asOf }]]);
    expect(await sourceAsOf(log, undefined, asOf, null)).toEqual({});
  });
});
