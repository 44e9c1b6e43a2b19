import { getMaxListeners } from 'node:events';
import { ManualClock, measurementBody } from '@bellwether/contracts';
import { describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import type { Batch } from './batch.js';
import { MeasurementRefused, NotTakenYet, PublisherClosed, TokenRefused } from './errors.js';
import { MeasurementPublisher, type PublisherOptions } from './publisher.js';
import type { Acknowledgement, Transport } from './transport.js';

/** A way to nowhere, whose answers the test decides. */
class ScriptedTransport implements Transport {
  readonly sent: { id: string; body: string; sli: string }[] = [];
  closed = false;
  signal: AbortSignal | undefined;
  answer: (batch: Batch, attempt: number) => Promise<Acknowledgement> | Acknowledgement = () => 'accepted';

  async send(batch: Batch, signal: AbortSignal): Promise<Acknowledgement> {
    this.signal = signal;
    this.sent.push({ id: batch.id, body: batch.body(), sli: `${batch.service}/${batch.sli}` });
    return await this.answer(batch, this.sent.filter(({ id }) => id === batch.id).length);
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

function publisher(options: PublisherOptions = {}) {
  const transport = new ScriptedTransport();
  const clock = new ManualClock('2026-11-22T10:00:00Z');
  return {
    transport,
    publisher: new MeasurementPublisher(transport, { lingerMs: 1, retryMs: [1, 2], clock, ...options }),
  };
}

const point = { good: 1, total: 2 };
const pointsOf = (body: string) => (JSON.parse(body) as { data: { points: unknown[] } }).data.points;

describe('publishing', () => {
  test('gathers points of one SLI into a CloudEvent with an identity', async () => {
    const { transport, publisher: to } = publisher({ source: '/shop' });
    await Promise.all([
      to.publish('checkout', 'availability', point),
      to.publish('checkout', 'availability', [point, point]),
      to.publish('cart', 'latency', { value: 3 }),
    ]);
    expect(transport.sent.map(({ sli }) => sli)).toEqual(['checkout/availability', 'cart/latency']);
    const event = JSON.parse(transport.sent[0]?.body as string);
    expect(event).toMatchObject({
      specversion: '1.0',
      type: 'bellwether.sli.measurement.v1',
      source: '/shop',
      subject: 'checkout/availability',
    });
    expect(event.id).toMatch(/^[0-9a-f-]{36}$/);
    expect(event.data.points).toEqual(new Array(3).fill({ at: '2026-11-22T10:00:00.000Z', ...point }));
    expect(measurementBody.safeParse(event.data).success).toBe(true);
    await to.close();
  });

  test('cuts messages at the number of points and at their size', async () => {
    const { transport, publisher: to } = publisher({ batchPoints: 3 });
    await to.publish('checkout', 'availability', new Array(7).fill(point));
    expect(transport.sent.map(({ body }) => pointsOf(body).length)).toEqual([3, 3, 1]);
    const large = {
      value: 1,
      labels: Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`label${i}`, 'x'.repeat(256)])),
    };
    const second = publisher({ batchPoints: 10_000, maxPoints: 10_000 });
    await second.publisher.publish('checkout', 'latency', new Array(600).fill(large));
    expect(second.transport.sent.length).toBeGreaterThan(1);
    for (const { body } of second.transport.sent)
      expect(Buffer.byteLength(body)).toBeLessThanOrEqual(1_048_576);
  });

  test('a point whose time Bellwether may refuse takes no other one with it', async () => {
    const { transport, publisher: to } = publisher();
    const ats = [
      '2026-11-22T10:00:30Z',
      '2026-11-22T10:04:00Z',
      '2026-11-22T09:59:00Z',
      '2025-10-19T00:00:00Z',
    ];
    await Promise.all(ats.map((at) => to.publish('checkout', 'latency', { at, value: 1 })));
    const sent = transport.sent.map(({ body }) => pointsOf(body).map((one) => (one as { at: string }).at));
    expect(sent.sort()).toEqual([[ats[3]], [ats[0], ats[2]], [ats[1]]]);
    expect(to.counts.held).toBe(0);
  });

  test('labels of the publisher are those of each point that does not have them itself', async () => {
    const { transport, publisher: to } = publisher({ labels: { region: 'eu', zone: 'a' } });
    await to.publish('checkout', 'availability', [point, { ...point, labels: { zone: 'b' } }]);
    to.record('checkout', 'latency', { value: 1 });
    await to.flush();
    const labels = transport.sent
      .flatMap(({ body }) => pointsOf(body))
      .map((each) => (each as { labels: object }).labels);
    expect(labels).toEqual([
      { region: 'eu', zone: 'a' },
      { region: 'eu', zone: 'b' },
      { region: 'eu', zone: 'a' },
    ]);
    const many = Object.fromEntries(Array.from({ length: 15 }, (_, i) => [`label${i}`, 'x']));
    await expect(to.publish('checkout', 'availability', { ...point, labels: many })).rejects.toMatchObject({
      faults: [{ path: 'points.0.labels' }],
    });
  });

  test('a message keeps its identity and content through every repeat', async () => {
    const { transport, publisher: to } = publisher();
    transport.answer = (_, attempt) => {
      if (attempt < 5) throw new NotTakenYet('later');
      return attempt === 5 ? 'accepted' : 'duplicate';
    };
    await to.publish('checkout', 'availability', point);
    expect(transport.sent).toHaveLength(5);
    expect(new Set(transport.sent.map(({ id, body }) => id + body)).size).toBe(1);
    expect(to.counts).toMatchObject({ held: 0, acknowledged: 1, retries: 4 });
  });

  test('what is refused is not repeated; who waits and who listens hear of it', async () => {
    const refusals: unknown[] = [];
    const { transport, publisher: to } = publisher({ onRefused: (refusal) => refusals.push(refusal) });
    transport.answer = () => {
      throw new MeasurementRefused('at must not be older', [{ path: 'at', message: 'must not be older' }]);
    };
    await expect(to.publish('checkout', 'availability', point)).rejects.toThrow(MeasurementRefused);
    expect(transport.sent).toHaveLength(1);
    expect(refusals).toMatchObject([{ service: 'checkout', sli: 'availability', points: 1 }]);
    expect(to.counts).toMatchObject({ held: 0, refused: 1 });
  });

  test('whose token is refused are kept, and the program hears of it', async () => {
    const heard: unknown[] = [];
    const { transport, publisher: to } = publisher({ onRetry: (failure) => heard.push(failure) });
    const refused = new TokenRefused('answered 401: the token is not known, or was revoked');
    transport.answer = (_, attempt) => {
      if (attempt < 3) throw refused;
      return 'accepted';
    };
    await to.publish('checkout', 'availability', point);
    expect(heard).toEqual(
      [1, 2].map((attempt) => ({ service: 'checkout', sli: 'availability', attempt, error: refused })),
    );
    expect(to.counts).toMatchObject({ acknowledged: 1, refused: 0 });
  });

  test('whose token is refused are a warning of the process, once, when the program does not listen', async () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    try {
      const { transport, publisher: to } = publisher();
      transport.answer = (_, attempt) => {
        if (attempt === 1) throw new NotTakenYet('later');
        if (attempt < 4) throw new TokenRefused('answered 403: this needs the role publisher');
        return 'accepted';
      };
      await to.publish('checkout', 'availability', point);
      expect(warn.mock.calls.map(([text]) => text)).toEqual([
        'measurements are kept and tried again: answered 403: this needs the role publisher',
      ]);
    } finally {
      warn.mockRestore();
    }
  });

  test('however many wait to be sent again, Node takes them for no leak', async () => {
    const { transport, publisher: to } = publisher({ batchPoints: 1, maxInFlight: 32 });
    await to.publish('checkout', 'availability', point);
    // What Node warns above, 0 being never: each message under way may wait on the one signal.
    expect(getMaxListeners(transport.signal as AbortSignal)).toBe(0);
  });

  test('a point that is no measurement is refused before it is sent, and says where', async () => {
    const { transport, publisher: to } = publisher();
    await expect(to.publish('checkout', 'availability', { good: 3, total: 2 })).rejects.toMatchObject({
      faults: [{ path: 'points.0.good', message: 'must not be above total' }],
    });
    await expect(to.publish('Checkout', 'availability', point)).rejects.toThrow(
      /service must be a lower-case/,
    );
    expect(() => to.record('checkout', 'availability', { value: Number.NaN })).toThrow(MeasurementRefused);
    await to.flush();
    expect(transport.sent).toEqual([]);
  });
});

describe('back-pressure', () => {
  test('publish waits for room, record does not', async () => {
    const { transport, publisher: to } = publisher({ maxPoints: 2, batchPoints: 1 });
    const open: (() => void)[] = [];
    transport.answer = () => new Promise((resolve) => open.push(() => resolve('accepted')));
    const done: number[] = [];
    const all = [1, 2, 3, 4].map((n) =>
      to.publish('checkout', 'availability', point).then(() => void done.push(n)),
    );
    await turn();
    expect(to.counts.held).toBe(2);
    expect(to.record('checkout', 'availability', point)).toBe(false);
    expect(to.counts.dropped).toBe(1);
    while (done.length < 4) {
      open.shift()?.();
      await turn();
      expect(to.counts.held).toBeLessThanOrEqual(2);
    }
    await Promise.all(all);
    expect(done).toEqual([1, 2, 3, 4]);
    expect(to.record('checkout', 'availability', point)).toBe(true);
  });

  test('what is gathered goes out when somebody waits for room, not when its time has come', async () => {
    const { transport, publisher: to } = publisher({ maxPoints: 2, lingerMs: 3_600_000 });
    const all = to.publish('checkout', 'availability', [point, point, point, point]);
    await turn();
    expect(transport.sent.map(({ body }) => pointsOf(body).length)).toEqual([2]);
    const left = to.flush();
    await Promise.all([all, left]);
    expect(to.counts).toMatchObject({ acknowledged: 4, held: 0 });
  });

  test('never holds more than it may, and loses nothing that it took, whatever the way does', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.integer({ min: 1, max: 5 })), { maxLength: 20 }),
        fc.array(fc.constantFrom('accepted', 'later', 'lost-answer'), { maxLength: 30 }),
        async (publications, script) => {
          const { transport, publisher: to } = publisher({
            maxPoints: 6,
            batchPoints: 3,
            maxInFlight: 2,
            lingerMs: 0,
            retryMs: [0, 0],
          });
          const taken = new Map<string, number>();
          transport.answer = async (batch) => {
            expect(to.counts.held).toBeLessThanOrEqual(6);
            const step = script.shift() ?? 'accepted';
            if (step === 'later') throw new Error('connection refused');
            const again = taken.has(batch.id);
            taken.set(batch.id, pointsOf(batch.body()).length);
            if (step === 'lost-answer') throw new Error('connection reset');
            return again ? 'duplicate' : 'accepted';
          };
          await Promise.all(
            publications.map(([sli, n]) => to.publish('checkout', sli, new Array(n).fill(point))),
          );
          const total = publications.reduce((sum, [, n]) => sum + n, 0);
          expect([...taken.values()].reduce((sum, n) => sum + n, 0)).toBe(total);
          expect(to.counts).toMatchObject({ held: 0, acknowledged: total });
          expect(await to.close()).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('closing', () => {
  test('sends what is gathered, then closes the way', async () => {
    const { transport, publisher: to } = publisher({ lingerMs: 60_000 });
    to.record('checkout', 'availability', point);
    expect(await to.close()).toBe(0);
    expect(transport.sent).toHaveLength(1);
    expect(transport.closed).toBe(true);
    expect(to.record('checkout', 'availability', point)).toBe(false);
    await expect(to.publish('checkout', 'availability', point)).rejects.toThrow(PublisherClosed);
  });

  test('gives up at the deadline, says how much is left, and rejects who waits', async () => {
    const { transport, publisher: to } = publisher({ maxPoints: 1 });
    transport.answer = () => {
      throw new Error('no connection');
    };
    const why = 'the publisher was closed before this measurement was acknowledged';
    const first = to.publish('checkout', 'availability', point);
    const second = to.publish('checkout', 'availability', point);
    const both = Promise.allSettled([first, second]);
    expect(await to.close(5)).toBe(1);
    expect(await both).toMatchObject([
      { reason: { name: 'PublisherClosed', message: `${why}: no connection` } },
      { reason: { name: 'PublisherClosed', message: why } },
    ]);
    expect(transport.closed).toBe(true);
  });
});

/** Lets everything that is ready happen. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
