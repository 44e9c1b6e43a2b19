import { Headers, LogStreams, MEASUREMENT_CE_TYPE, publishReceipt } from '@bellwether/contracts';
import { eventually } from '@bellwether/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { createInbox } from '@nats-io/transport-node';
import { dataOf, IngestStage, point } from './ingest-stage.fixture.js';

// Real servers on a busy machine.
jest.setTimeout(30_000);

let stage: IngestStage;
let service: string;
beforeAll(async () => {
  stage = await IngestStage.start();
}, 60_000);
afterAll(() => stage?.stop(), 60_000);
beforeEach(() => {
  service = stage.next();
});

describe('measurements over NATS', () => {
  test('are recorded, bare or as CloudEvents, once for each identity', async () => {
    const body = point();
    await stage.publish(body, { [Headers.messageId]: `${service}-1` });
    await eventually(async () => expect(await stage.recorded()).toHaveLength(1));
    const event = {
      specversion: '1.0',
      type: MEASUREMENT_CE_TYPE,
      source: `/${service}`,
      id: '1',
      data: { value: 1 },
    };
    await stage.publish(event);
    await stage.publish(event);
    await eventually(async () => expect(await stage.recorded()).toHaveLength(2));
    await stage.publish({ value: 2 });
    const events = await eventually(async () => {
      const found = await stage.recorded();
      expect(found).toHaveLength(3);
      return found;
    });
    expect(events.map((found) => dataOf(found).identity)).toEqual([
      `key:${service}-1`,
      `event:/${service} 1`,
      expect.stringMatching(/^stream:20.*\/\d+$/),
    ]);
  });

  test('the same identity over NATS and then HTTP is recorded once', async () => {
    const body = point();
    await stage.publish(body, { [Headers.messageId]: `${service}-x` });
    await eventually(async () => expect(await stage.recorded()).toHaveLength(1));
    const path = `/v1/measurements/${service}/availability`;
    expect((await stage.post(path, body, { 'idempotency-key': `${service}-x` })).body).toEqual({
      accepted: 0,
      duplicates: 1,
    });
    const other = await stage.post(path, { ...body, good: 7 }, { 'idempotency-key': `${service}-x` });
    expect(other.status).toBe(409);
    expect(await stage.recorded()).toHaveLength(1);
  });

  test('over HTTP and then NATS too; other content is a dead letter', async () => {
    const body = { value: 4 };
    await stage.post(`/v1/measurements/${service}/availability`, body, { 'idempotency-key': `${service}-y` });
    await stage.publish(body, { [Headers.messageId]: `${service}-y` });
    await stage.publish({ value: 5 }, { [Headers.messageId]: `${service}-z` });
    await eventually(async () => expect(await stage.recorded()).toHaveLength(2));
    // The broker forgets ids after two minutes; a CloudEvent's identity is not one of its own.
    const event = {
      specversion: '1.0',
      type: MEASUREMENT_CE_TYPE,
      source: `/${service}`,
      id: '9',
      data: { value: 1 },
    };
    await stage.publish(event);
    await stage.publish({ ...event, data: { value: 2 } });
    expect((await stage.deadLetter()).header.get(Headers.error)).toMatch(/other content/);
    expect(await stage.recorded()).toHaveLength(3);
  });

  test('a message without a time has the time the broker received it', async () => {
    const before = Date.now();
    await stage.publish({ value: 1 });
    const [event] = await eventually(async () => {
      const found = await stage.recorded();
      expect(found).toHaveLength(1);
      return found;
    });
    const at = dataOf(event).columns[0]?.at[0] as number;
    expect(at).toBeGreaterThanOrEqual(before - 1000);
    expect(at).toBeLessThanOrEqual(Date.now() + 1000);
  });

  test('receipts say what became of a message after the commit', async () => {
    const inbox = createInbox();
    const receipts: unknown[] = [];
    const subscription = stage.bus.nc.subscribe(`${inbox}.*`, {
      callback: (_, message) =>
        void receipts.push({
          of: message.subject.slice(inbox.length + 1),
          ...publishReceipt.parse(message.json()),
        }),
    });
    const event = {
      specversion: '1.0',
      type: MEASUREMENT_CE_TYPE,
      source: `/${service}`,
      id: '1',
      data: point(),
    };
    await stage.publish(event, { [Headers.receipt]: `${inbox}.1` });
    await eventually(() => expect(receipts).toHaveLength(1));
    await stage.publish(event, { [Headers.receipt]: `${inbox}.2` });
    await stage.publish({ value: 'x' }, { [Headers.receipt]: `${inbox}.3` });
    await eventually(() => expect(receipts).toHaveLength(3));
    expect(receipts.sort((a, b) => ((a as { of: string }).of < (b as { of: string }).of ? -1 : 1))).toEqual([
      {
        of: '1',
        identity: `event:/${service} 1`,
        status: 'accepted',
        points: 1,
        position: expect.any(Number),
      },
      {
        of: '2',
        identity: `event:/${service} 1`,
        status: 'duplicate',
        points: 1,
        position: expect.any(Number),
      },
      { of: '3', identity: '', status: 'refused', points: 0, error: 'value must be a number', path: 'value' },
    ]);
    subscription.unsubscribe();
  });

  test('a receipt goes to inboxes only', async () => {
    const asked: string[] = [];
    const subscription = stage.bus.nc.subscribe('cmd.>', {
      callback: (_, message) => void asked.push(message.subject),
    });
    await stage.publish(point(), { [Headers.receipt]: 'cmd.paging.token-create' });
    await eventually(async () => expect(await stage.recorded()).toHaveLength(1));
    await stage.bus.nc.flush();
    expect(asked).toEqual([]);
    subscription.unsubscribe();
  });
});

describe('refused messages over NATS', () => {
  test.each<[string, string, string, RegExp]>([
    ['not JSON', '{"good":', '', /not JSON/],
    [
      'a schema violation',
      '{"points":[{"good":1,"total":2},{"good":3,"total":2}]}',
      'points.1.good',
      /above total/,
    ],
    ['NaN', '{"value":NaN}', '', /not JSON/],
    ['infinity', '{"value":1e999}', 'value', /above 1e12/],
    ['no points', '{"points":[]}', 'points', /not be empty/],
    ['a number above 1e12', '{"good":1,"total":1e13}', 'total', /above 1e12/],
    ['text with NUL', '{"value":1,"labels":{"a":"\\u0000"}}', 'labels.a', /NUL/],
    ['a lone surrogate', '{"value":1,"labels":{"a":"\\ud800"}}', 'labels.a', /surrogate/],
    ['a far future', '{"value":1,"at":"2999-01-01T00:00:00Z"}', 'at', /ahead/],
    ['an ancient time', '{"value":1,"at":"1999-01-01T00:00:00Z"}', 'at', /400 days/],
    ['10,001 points', JSON.stringify({ points: new Array(10_001).fill({ value: 1 }) }), 'points', /10000/],
    ['header injection in a key', '{"value":1,"a\\r\\nNats-Rollup: all":1}', '', /must not have/],
  ])('%s goes to the dead letters with error and path', async (_, body, path, message) => {
    const before = await stage.total();
    await stage.publish(body);
    const letter = await stage.deadLetter();
    expect(letter.header.get(Headers.error)).toMatch(message);
    expect(letter.header.get(Headers.path)).toBe(path);
    expect(letter.string()).toBe(body);
    expect(await stage.total()).toBe(before);
    expect(await stage.log.streamVersion(LogStreams.sli(service, 'availability'))).toBe(0);
  });

  test.each(['sli.Shop.availability', 'sli.shop', 'sli.shop.a.b', 'sli.sh_op.availability'])(
    'the subject %s is refused',
    async (subject) => {
      await stage.publish(point(), {}, subject);
      expect((await stage.deadLetter(`dlq.${subject}`)).header.get(Headers.path)).toBe('subject');
    },
  );

  test('are counted', async () => {
    const text = await (await fetch(`${stage.ingest.url}/metrics`)).text();
    expect(text).toMatch(/measurements_refused_total\{way="nats",reason="schema",service="ingest"\} [1-9]/);
    expect(text).toMatch(/dead_letters_total\{consumer="ingest",service="ingest"\} [1-9]/);
    expect(text).toMatch(/measurement_points_total\{way="nats",outcome="accepted",service="ingest"\} [1-9]/);
  });
});
