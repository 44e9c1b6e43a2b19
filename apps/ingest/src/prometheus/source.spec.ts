import { type Sli, type SliSourceChanged, sli } from '@bellwether/contracts';
import type { EventLog } from '@bellwether/event-log';
import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { IngestMetrics } from '../ingest-metrics.js';
import type { MeasurementMessage } from '../measurement/message.js';
import type { QueryApi, Range, Series } from './query-api.js';
import { Source } from './source.js';
import { SourceFailure } from './source-failure.js';
import { SourceMetrics } from './source-metrics.js';

const MINUTE = 60_000;
const noon = Date.parse('2026-11-22T12:00:00Z');

function definition(
  source: object = { bad: 'bad[{{.window}}]', total: 'total[{{.window}}]' },
  every = '1m',
): Sli {
  const prometheus = { url: 'https://prometheus.example.org/eu', ...source };
  return sli.parse({ service: 'checkout', name: 'availability', source: { prometheus, every } });
}

/** A source on a clock of its own, whose Prometheus answers by `answer`. */
class Stage {
  now = noon;
  /** What a query has at the end of a period; NaN is no data. */
  answer: (query: string, end: number) => number = () => 1;
  failure: string | null = null;
  readonly asked: { query: string; range: Range }[] = [];
  readonly recorded: MeasurementMessage[] = [];
  readonly changes: SliSourceChanged[] = [];
  readonly source: Source;

  constructor(first = definition(), lookBack = 10 * MINUTE) {
    const registry = new Registry();
    const range: QueryApi['range'] = async (_, query, asked): Promise<Series[]> => {
      this.asked.push({ query, range: asked });
      if (this.failure !== null) throw new SourceFailure(this.failure);
      const ends = Array.from(
        { length: (asked.end - asked.start) / asked.step + 1 },
        (__, i) => asked.start + i * asked.step,
      );
      return [{ labels: {}, values: ends.map((end) => [end / 1000, this.answer(query, end)] as const) }];
    };
    this.source = new Source(
      {
        log: {
          streamVersion: async () => 0,
          readStream: async () => [],
          append: async ({ events: [event] }: { events: { data: SliSourceChanged }[] }) => {
            this.changes.push(event?.data as SliSourceChanged);
          },
        } as unknown as EventLog,
        recorder: {
          record: async (message) => {
            this.recorded.push(message);
            return { status: 'accepted', points: 1, position: 1 };
          },
        },
        api: { range } as QueryApi,
        clock: { now: () => new Date(this.now) },
        logger: { info: () => {}, warn: () => {} },
        counts: new IngestMetrics(registry),
        metrics: new SourceMetrics(registry),
        lookBack,
        delay: 5_000,
      },
      first,
    );
  }

  async step(): Promise<void> {
    await this.source.step(new AbortController().signal);
  }

  /** Minutes before noon (or behind it) at which recorded periods ended. */
  get ends(): number[] {
    return this.recorded.map(
      ({ identity }) => (Date.parse(identity?.split(' ').at(-1) as string) - noon) / MINUTE,
    );
  }
}

test('asks for each period with its length as the look-back, and records it for its last moment', async () => {
  const stage = new Stage(definition(), 2 * MINUTE);
  stage.answer = (query) => (query.startsWith('bad') ? 3 : 10);
  await stage.step();
  expect(stage.asked.map(({ query }) => query)).toEqual(['bad[1m]', 'total[1m]']);
  expect(stage.ends).toEqual([-2, -1]);
  const [{ identity, points }] = stage.recorded as [MeasurementMessage];
  expect(identity).toBe('source:prometheus checkout/availability 1m 2026-11-22T11:58:00.000Z');
  expect(JSON.parse(points.columns.text)).toEqual([
    { kind: 'counts', at: [noon - 2 * MINUTE - 1], good: [7], total: [10] },
  ]);
  expect(stage.source.dueAt).toBe(noon + 5_000);
  expect(stage.source.origin).toBe('https://prometheus.example.org');
});

test('rates per second are recorded as the events of a period', async () => {
  const queries = { bad: 'bad', total: 'total', per: 'second' };
  const stage = new Stage(definition(queries, '2m'), 2 * MINUTE);
  stage.answer = (query) => (query === 'bad' ? 0.5 : 3);
  await stage.step();
  const [{ points }] = stage.recorded as [MeasurementMessage];
  expect(JSON.parse(points.columns.text)).toMatchObject([{ good: [300], total: [360] }]);
});

test('what is wrong in one period does not hold up the next ones', async () => {
  const stage = new Stage();
  stage.answer = (query, end) => (query.startsWith('bad') && end === noon - 3 * MINUTE ? 2 : 1);
  await stage.step();
  expect(stage.ends).toEqual([-10, -9, -8, -7, -6, -5, -4, -2, -1]);
  expect(stage.source.dueAt).toBe(noon + 5_000);
  stage.now += 5_000;
  stage.answer = (query) => (query.startsWith('bad') ? 2 : 1);
  await stage.step();
  expect(stage.changes).toMatchObject([
    {
      state: 'failing',
      n: 1,
      error: 'what it answers for 2026-11-22T12:00:00.000Z is left out: "bad" is 2, more than the total of 1',
    },
  ]);
});

test('a source that does not answer is asked less and less often, and for less and less; nothing is skipped', async () => {
  const stage = new Stage();
  stage.failure = 'too much';
  const pauses: number[] = [];
  for (let i = 0; i < 8; i++) {
    await stage.step();
    pauses.push(stage.source.dueAt - stage.now);
    stage.now = stage.source.dueAt;
  }
  expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
  expect(stage.asked.slice(0, 4).map(({ range }) => (range.end - range.start) / MINUTE + 1)).toEqual([
    10, 5, 2, 1,
  ]);
  expect(stage.changes).toMatchObject([{ state: 'failing', error: 'too much', lastSuccessAt: null }]);
  stage.failure = null;
  for (let i = 0; i < 20; i++) await stage.step();
  const { ends } = stage;
  expect(ends).toEqual(ends.map((_, i) => (ends[0] as number) + i));
  expect(stage.changes.map(({ state, n }) => [state, n])).toEqual([
    ['failing', 1],
    ['ok', 2],
  ]);
});

test('absent data is no measurement, and asked for once', async () => {
  const stage = new Stage(definition({ query: 'x' }));
  stage.answer = () => Number.NaN;
  await stage.step();
  await stage.step();
  expect([stage.recorded, stage.asked.length]).toEqual([[], 1]);
});

test('an empty source says which query finds nothing', async () => {
  const stage = new Stage(undefined, MINUTE);
  stage.answer = (query) => (query.startsWith('bad') ? Number.NaN : 1);
  for (let i = 0; i < 12; i++, stage.now = stage.source.dueAt) await stage.step();
  expect(stage.changes).toMatchObject([
    { state: 'empty', error: expect.stringMatching(/^"bad" finds nothing/) },
  ]);
});

test('another query holds from the next period on', async () => {
  const stage = new Stage();
  await stage.step();
  stage.source.redefine(definition({ query: 'x' }));
  expect(stage.source.dueAt).toBeLessThan(stage.now);
  stage.now += MINUTE + 5_000;
  await stage.step();
  expect(stage.ends.slice(-2)).toEqual([0, 1]);
  expect(stage.asked.at(-1)?.query).toBe('x');
});
