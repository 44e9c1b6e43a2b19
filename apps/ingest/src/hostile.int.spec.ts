import { connect } from 'node:net';
import { Headers, LogStreams, MEASUREMENT_CE_TYPE, Streams } from '@bellwether/contracts';
import { eventually } from '@bellwether/testing';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { IngestStage } from './ingest-stage.fixture.js';
import { adminToken, startIngest } from './running-ingest.fixture.js';

let stage: IngestStage;
beforeAll(async () => {
  stage = await IngestStage.start({ BELLWETHER_INGEST_MEMORY_MIB: '2' });
}, 60_000);
afterAll(() => stage?.stop(), 60_000);

async function post(
  body: string | Uint8Array<ArrayBuffer>,
  path = '/v1/measurements/fuzz/any',
  type = 'application/json',
  at = stage.ingest,
) {
  const response = await fetch(at.url + path, {
    method: 'POST',
    headers: { 'content-type': type, authorization: `Bearer ${adminToken}` },
    body,
  });
  return { status: response.status, text: await response.text() };
}

/** Messages over NATS that were refused, whatever the reason. */
async function refused(): Promise<number> {
  const text = await (await fetch(`${stage.ingest.url}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => line.startsWith('measurements_refused_total{way="nats"'))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

const sound = { points: [{ at: new Date().toISOString(), good: 5, total: 10, labels: { region: 'eu' } }] };

/** Sound bodies with something broken in them, and bodies that never were sound. */
const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Uint8Array.from(bytes)),
  fc.json().map((text) => new TextEncoder().encode(text)),
  fc.tuple(fc.nat(120), fc.nat(255)).map(([at, byte]) => {
    const bytes = new TextEncoder().encode(JSON.stringify(sound));
    bytes[at % bytes.length] = byte;
    return bytes;
  }),
  fc.nat(110).map((length) => new TextEncoder().encode(JSON.stringify(sound).slice(0, length))),
  fc
    .tuple(
      fc.constantFrom(
        'at',
        'good',
        'total',
        'bad',
        'value',
        'count',
        'buckets',
        'sum',
        'labels',
        '__proto__',
        'constructor',
        'specversion',
      ),
      fc.oneof(
        fc.jsonValue(),
        fc.constantFrom<unknown>(
          -1,
          1e308,
          1e13,
          'x\u0000',
          '\ud800',
          "'; drop table stage.log.events; --",
          'a\r\nNats-Rollup: all',
          [],
          {},
        ),
      ),
    )
    .map(([key, value]) => {
      const json = JSON.stringify({ ...sound.points[0], [key === '__proto__' ? 'PROTO' : key]: value });
      return new TextEncoder().encode(json.replace('PROTO', '__proto__'));
    }),
);

describe('anything at all', () => {
  test('over HTTP is accepted whole, or refused with a problem and nothing written', async () => {
    await fc.assert(
      fc.asyncProperty(anyBytes, async (bytes) => {
        const before = await stage.total();
        const { status, text } = await post(bytes as Uint8Array<ArrayBuffer>);
        const after = await stage.total();
        const answer = JSON.parse(text) as { status?: number; accepted?: number };
        if (status === 202) expect(answer.accepted).toBeGreaterThan(0);
        else {
          expect([400, 422]).toContain(status);
          expect(answer.status).toBe(status);
          expect(text).not.toMatch(/node_modules|at .*\.(js|ts):\d|select |insert /i);
          expect(after).toBe(before);
        }
      }),
      { numRuns: 150 },
    );
  }, 60_000);

  test('over NATS is recorded or a dead letter, and stops nothing', async () => {
    const letters = async () => (await stage.bus.jsm.streams.info(Streams.DLQ)).state;
    const count = async () => (await letters()).messages;
    const [{ messages: lettersBefore, last_seq: lastBefore }, refusedBefore, before] = [
      await letters(),
      await refused(),
      await stage.log.streamVersion(LogStreams.measurement('fuzz', 'bus')),
    ];
    const bodies = fc.sample(anyBytes, 200);
    for (const body of bodies) await stage.bus.js.publish('sli.fuzz.bus', body);
    await eventually(
      async () => {
        const recorded = (await stage.log.streamVersion(LogStreams.measurement('fuzz', 'bus'))) - before;
        expect(recorded + (await count()) - lettersBefore).toBe(bodies.length);
      },
      { timeoutMs: 30_000 },
    );
    // Each letter says what is wrong and where, and is counted.
    const { last_seq: last } = await letters();
    for (let seq = lastBefore + 1; seq <= last; seq++) {
      const letter = await stage.bus.jsm.streams.getMessage(Streams.DLQ, { seq });
      expect(letter?.subject).toBe('dlq.sli.fuzz.bus');
      expect(letter?.header.get(Headers.error)).not.toBe('');
      expect(letter?.header.keys()).toContain(Headers.path);
    }
    expect(last).toBeGreaterThan(lastBefore);
    expect(await refused()).toBe(refusedBefore + last - lastBefore);
    await stage.bus.js.publish('sli.fuzz.after', JSON.stringify(sound));
    await eventually(async () =>
      expect(await stage.log.streamVersion(LogStreams.measurement('fuzz', 'after'))).toBe(1),
    );
  }, 60_000);

  test('the log verifies afterwards', async () => {
    const report = await stage.log.verify();
    expect(report).toMatchObject({ ok: true });
  }, 60_000);
});

describe('more than is taken at once', () => {
  test('is answered 503 with Retry-After before its body is read, and taken when there is room again', async () => {
    const host = new URL(stage.ingest.url);
    const hold = () =>
      new Promise<import('node:net').Socket>((resolve) => {
        const socket = connect(Number(host.port), host.hostname, () => {
          socket.write(
            `POST /v1/measurements/fuzz/slow HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${adminToken}\r\ncontent-type: application/json\r\ncontent-length: 1048576\r\nexpect: 100-continue\r\n\r\n`,
          );
          // The server says "100 Continue" as it takes the request in hand.
          socket.once('data', () => resolve(socket));
        });
      });
    const held = [await hold(), await hold()];
    await eventually(async () => {
      const response = await fetch(`${stage.ingest.url}/v1/measurements/fuzz/any`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${adminToken}` },
        body: JSON.stringify(sound),
      });
      expect(response.status).toBe(503);
      expect(response.headers.get('retry-after')).toBe('1');
      expect(await response.json()).toMatchObject({
        status: 503,
        type: 'urn:bellwether:problem:unavailable',
      });
    });
    // A caller that goes away in the middle gives its share back.
    for (const socket of held) socket.destroy();
    await eventually(async () => expect((await post(JSON.stringify(sound))).status).toBe(202));
    expect(await (await fetch(`${stage.ingest.url}/metrics`)).text()).toMatch(
      /measurements_turned_away_total\{service="ingest"\} [1-9]/,
    );
  }, 30_000);
});

describe('a strict installation', () => {
  test('refuses measurements of SLIs that are not defined', async () => {
    const strict = await startIngest(stage, { BELLWETHER_STRICT: 'true' });
    const body = JSON.stringify(sound);
    const answer = await post(body, '/v1/measurements/fuzz/undefined', 'application/json', strict);
    expect(answer.status).toBe(422);
    expect(JSON.parse(answer.text)).toMatchObject({ type: 'urn:bellwether:problem:unknown-sli' });
    expect((await post(body, '/v1/measurements/fuzz/any', 'application/json', strict)).status).toBe(202);
    expect(await stage.log.streamVersion(LogStreams.sli('fuzz', 'undefined'))).toBe(0);
    await strict.stop();
  });

  test('takes none of a batch in which one is not defined', async () => {
    await post(JSON.stringify(sound));
    const strict = await startIngest(stage, { BELLWETHER_STRICT: 'true' });
    const before = await stage.total();
    const events = ['fuzz/any', 'fuzz/undefined', 'fuzz/any'].map((subject, id) => ({
      specversion: '1.0',
      type: MEASUREMENT_CE_TYPE,
      source: '/strict',
      id: String(id),
      subject,
      data: sound,
    }));
    const type = 'application/cloudevents-batch+json';
    const send = (batch: object[]) => post(JSON.stringify(batch), '/v1/measurements', type, strict);
    const refusal = await send(events);
    expect(refusal.status).toBe(422);
    expect(JSON.parse(refusal.text)).toMatchObject({
      type: 'urn:bellwether:problem:unknown-sli',
      errors: [{ path: '1' }],
    });
    expect(await stage.total()).toBe(before);
    expect(JSON.parse((await send(events.filter(({ subject }) => subject === 'fuzz/any'))).text)).toEqual({
      accepted: 2,
      duplicates: 0,
    });
    await strict.stop();
  });
});
