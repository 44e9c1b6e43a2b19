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
      expect.stringMatching(/^stream:20.*\/\d+@\d+$/),
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
      { of: '3', identity: '', status: 'refused', points: 0, error: 'must be a number', path: 'value' },
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

/** Of one counter of ingest, by its labels; 0 before the first. */
async function counted(name: string, labels: Record<string, string>): Promise<number> {
  const text = await (await fetch(`${stage.ingest.url}/metrics`)).text();
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const line = text
    .split('\n')
    .find((each) => each.startsWith(`${name}{`) && wanted.every((label) => each.includes(label)));
  return Number(line?.split(' ').at(-1) ?? 0);
}

describe('refused messages over NATS', () => {
  /** The letter that a body becomes: with error and path, counted once under its reason, and nothing of it in the log. */
  async function expectRefused(
    body: string | Uint8Array,
    refused: { path: string; error: RegExp; reason: string },
    send: { head?: Record<string, string>; subject?: string } = {},
  ): Promise<void> {
    const { path, error, reason } = refused;
    const subject = send.subject ?? `sli.${service}.availability`;
    const count = async () => [
      await counted('measurements_refused_total', { way: 'nats', reason }),
      await counted('dead_letters_total', { consumer: 'ingest' }),
    ];
    const [before, total] = [await count(), await stage.total()];
    await stage.publish(body, send.head, subject);
    const letter = await stage.deadLetter(`dlq.${subject}`);
    expect(letter.header.get(Headers.error)).toMatch(error);
    // There, and empty where the fault is of the message as a whole.
    expect(letter.header.keys()).toContain(Headers.path);
    expect(letter.header.get(Headers.path)).toBe(path);
    if (path !== '') expect(letter.header.get(Headers.error).startsWith(path)).toBe(false);
    expect(letter.header.keys()).not.toContain('Nats-Rollup');
    expect(Buffer.from(letter.data)).toEqual(Buffer.from(body));
    await eventually(async () => expect(await count()).toEqual(before.map((each) => each + 1)));
    expect(await stage.total()).toBe(total);
    expect(await stage.log.streamVersion(LogStreams.sli(service, 'availability'))).toBe(0);
  }

  const deep = `${'{"value":'.repeat(50_000)}1${'}'.repeat(50_000)}`;

  test.each<[string, string | Uint8Array, string, RegExp, string]>([
    ['not JSON', '{"good":', '', /not JSON/, 'malformed'],
    ['nothing at all', '', '', /not JSON|empty/, 'malformed'],
    ['no object', '[1,2]', '', /object/, 'schema'],
    ['bytes that are no UTF-8', Uint8Array.from([0x7b, 0xff, 0xfe, 0x7d]), '', /UTF-8/, 'malformed'],
    ['UTF-16', Buffer.from('{"value":1}', 'utf16le'), '', /./, 'malformed'],
    ['JSON fifty thousand deep', deep, 'value', /number/, 'schema'],
    [
      'good above total',
      '{"points":[{"good":1,"total":2},{"good":3,"total":2}]}',
      'points.1.good',
      /above total/,
      'schema',
    ],
    ['a negative count', '{"good":-1,"total":2}', 'good', /negative/, 'schema'],
    ['1e308', '{"value":1e308}', 'value', /above 1e12/, 'schema'],
    ['NaN', '{"value":NaN}', '', /not JSON/, 'malformed'],
    ['infinity', '{"value":1e999}', 'value', /above 1e12/, 'schema'],
    ['no points', '{"points":[]}', 'points', /not be empty/, 'schema'],
    ['a number above 1e12', '{"good":1,"total":1e13}', 'total', /above 1e12/, 'schema'],
    ['text with NUL', '{"value":1,"labels":{"a":"\\u0000"}}', 'labels.a', /NUL/, 'schema'],
    ['a lone surrogate', '{"value":1,"labels":{"a":"\\ud800"}}', 'labels.a', /surrogate/, 'schema'],
    ['a far future', '{"value":1,"at":"2999-01-01T00:00:00Z"}', 'at', /ahead/, 'time'],
    ['an ancient time', '{"value":1,"at":"1999-01-01T00:00:00Z"}', 'at', /400 days/, 'time'],
    [
      '10,001 points',
      JSON.stringify({ points: new Array(10_001).fill({ value: 1 }) }),
      'points',
      /10000/,
      'schema',
    ],
    ['SQL for a value', `{"value":"'; drop table log.events; --"}`, 'value', /number/, 'schema'],
    ['header injection in a key', '{"value":1,"a\\r\\nNats-Rollup: all":1}', '', /must not have/, 'schema'],
  ])(
    '%s goes to the dead letters with error and path, and is counted',
    async (_, body, path, error, reason) => {
      await expectRefused(body, { path, error, reason });
    },
  );

  test.each(['sli.Shop.availability', 'sli.shop', 'sli.shop.a.b', 'sli.sh_op.availability'])(
    'the subject %s is refused',
    async (subject) => {
      await expectRefused(
        JSON.stringify(point()),
        { path: 'subject', error: /./, reason: 'malformed' },
        { subject },
      );
    },
  );

  test('other content under an identity that is known is refused', async () => {
    const event = { specversion: '1.0', type: MEASUREMENT_CE_TYPE, source: `/${service}`, id: '9' };
    await stage.publish({ ...event, data: { value: 1 } });
    await eventually(async () => expect(await stage.recorded()).toHaveLength(1));
    const before = await counted('measurements_refused_total', { way: 'nats', reason: 'identity-reused' });
    await stage.publish({ ...event, data: { value: 2 } });
    const { header } = await stage.deadLetter();
    expect([header.get(Headers.error), header.get(Headers.path)]).toEqual([
      expect.stringMatching(/other content/),
      '',
    ]);
    expect(await counted('measurements_refused_total', { way: 'nats', reason: 'identity-reused' })).toBe(
      before + 1,
    );
    expect(await stage.recorded()).toHaveLength(1);
  });

  test('an SLI that is not defined is refused where that is asked for', async () => {
    const strict = await IngestStage.start({ BELLWETHER_STRICT: 'true' });
    try {
      await strict.publish(point());
      const { header } = await strict.deadLetter();
      expect(header.get(Headers.error)).toMatch(/not defined/);
      expect(header.keys()).toContain(Headers.path);
      const text = await (await fetch(`${strict.ingest.url}/metrics`)).text();
      expect(text).toMatch(
        /measurements_refused_total\{way="nats",reason="unknown-sli",service="ingest"\} 1\n/,
      );
      expect(await strict.total()).toBe(0);
    } finally {
      await strict.stop();
    }
  });

  test('what is taken is counted as such', async () => {
    const before = await counted('measurement_points_total', { way: 'nats', outcome: 'accepted' });
    await stage.publish(point());
    await eventually(async () =>
      expect(await counted('measurement_points_total', { way: 'nats', outcome: 'accepted' })).toBe(
        before + 1,
      ),
    );
  });
});
