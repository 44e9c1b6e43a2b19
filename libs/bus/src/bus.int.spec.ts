import {
  CommandRefused,
  type CommandReply,
  type CommandRequest,
  Headers,
  problemOf,
  Streams,
} from '@bellwether/contracts';
import { eventually, startNats, type TestNats } from '@bellwether/testing';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { headers } from '@nats-io/transport-node';
import { type Bus, connectBus } from './bus.js';
import { type CommandContext, CommandServer } from './command-server.js';
import { BusUnavailable, NoResponders, RequestTimeout, TopologyConflict } from './errors.js';
import { silentLog } from './memory-store.fixture.js';
import { ensureStream } from './reconcile.js';
import { type DeclaredStream, declaredStreams, eventsConsumer, workConsumer } from './topology.js';

// Servers are killed and started here, on machines that do other things too.
jest.setTimeout(60_000);

let nats: TestNats;
const open: Bus[] = [];

beforeAll(async () => {
  nats = await startNats();
});
afterAll(async () => {
  await nats.stop();
});
afterEach(async () => {
  for (const bus of open.splice(0)) await bus.drain();
});

async function bus(name = 'test'): Promise<Bus> {
  const connected = await connectBus({ servers: nats.url, name, log: silentLog });
  open.push(connected);
  return connected;
}

const command = (data: unknown = {}, over: Partial<CommandRequest> = {}): CommandRequest => ({
  id: 'http:user:ada:1',
  actor: 'user:ada',
  role: 'admin',
  correlationId: 'story-1',
  at: '2026-01-01T00:00:00.000Z',
  data,
  ...over,
});

describe('connection', () => {
  test('waits for a server that is not up yet', async () => {
    await nats.kill();
    const connecting = connectBus({ servers: nats.url, name: 'early', log: silentLog });
    await nats.start();
    const early = await connecting;
    expect(early.connected).toBe(true);
    await early.drain();
  });

  test('gives up waiting when told to', async () => {
    await nats.kill();
    try {
      await expect(
        connectBus({ servers: nats.url, name: 'x', log: silentLog, signal: AbortSignal.abort() }),
      ).rejects.toThrow(BusUnavailable);
    } finally {
      await nats.start();
    }
  });
});

describe('reconciliation', () => {
  test('creates all streams and declared consumers, also from many processes at once', async () => {
    const all = await Promise.all([bus(), bus(), bus()]);
    for (const each of all) each.declare(eventsConsumer('incident'));
    await Promise.all(all.map((each) => each.reconcile()));
    const { jsm } = all[0] as Bus;
    const names = (await jsm.streams.names().next()).sort();
    expect(names).toEqual(['ABANDONED', 'DLQ', 'EVENTS', 'MEASURED', 'SLI']);
    expect((await jsm.consumers.info(Streams.EVENTS, 'incident')).config).toMatchObject({
      filter_subject: 'evt.>',
      ack_policy: 'all',
      max_deliver: -1,
    });
  });

  test('finds the stream that another process created meanwhile, which the server calls an overlap', async () => {
    const one = await bus();
    await one.reconcile();
    const declared = declaredStreams(one.topology).find(
      ({ name }) => name === Streams.EVENTS,
    ) as DeclaredStream;
    const { streams } = one.jsm;
    const overlap = await streams.add({ ...declared, name: 'OTHER' }).catch((error: unknown) => error);
    expect(overlap).toMatchObject({ name: 'JetStreamApiError', code: 10065 });
    await streams.delete(Streams.EVENTS);
    const add = jest.spyOn(streams, 'add').mockImplementationOnce(async (config) => {
      await streams.add(config);
      throw overlap;
    });
    try {
      expect(await ensureStream(one.jsm, declared)).toBe('kept');
      await streams.delete(Streams.EVENTS);
      add.mockRejectedValueOnce(overlap);
      await expect(ensureStream(one.jsm, declared)).rejects.toThrow('subjects overlap');
    } finally {
      add.mockRestore();
    }
    expect(await ensureStream(one.jsm, declared)).toBe('created');
  });

  test('sets right what was changed by hand', async () => {
    const { jsm, ...rest } = await bus();
    void rest;
    const one = await bus();
    await one.reconcile();
    await jsm.streams.update(Streams.EVENTS, { max_msgs: 5, subjects: ['evt.>', 'stray.>'] });
    await one.reconcile();
    const { config } = await jsm.streams.info(Streams.EVENTS);
    expect([config.max_msgs, config.subjects]).toEqual([1_000_000, ['evt.>']]);
  });

  test('gives a stream what another one had until now', async () => {
    const one = await bus();
    await one.reconcile();
    await one.jsm.streams.delete(Streams.ABANDONED);
    const advisories = '$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>';
    await one.jsm.streams.update(Streams.DLQ, { subjects: ['dlq.>', advisories] });
    await one.reconcile();
    expect((await one.jsm.streams.info(Streams.DLQ)).config.subjects).toEqual(['dlq.>']);
    expect((await one.jsm.streams.info(Streams.ABANDONED)).config.subjects).toEqual([advisories]);
  });

  test('refuses a stream of that name which is something else', async () => {
    const one = await bus();
    await one.reconcile();
    await one.jsm.streams.delete(Streams.DLQ);
    await one.jsm.streams.add({ name: Streams.DLQ, subjects: ['dlq.>'], storage: 'memory' } as never);
    await expect(one.reconcile()).rejects.toThrow(TopologyConflict);
    await expect(one.establish()).rejects.toThrow(TopologyConflict);
    await one.jsm.streams.delete(Streams.DLQ);
    await one.reconcile();
  });

  test('after a lost volume, reconnecting creates everything again', async () => {
    const one = await bus();
    one.declare(eventsConsumer('paging'));
    await one.reconcile();
    await nats.wipe();
    await eventually(() => expect(one.connected).toBe(true));
    await eventually(async () => {
      expect((await one.jsm.streams.names().next()).length).toBe(5);
      expect((await one.jsm.consumers.info(Streams.EVENTS, 'paging')).name).toBe('paging');
    });
  });

  test('at a start it waits for a server that went away meanwhile', async () => {
    const early = await bus('early');
    await nats.kill();
    const establishing = early.establish();
    await nats.start();
    await establishing;
    const names = await early.jsm.streams.names().next();
    expect(names).toEqual(expect.arrayContaining(Object.values(Streams)));
  });

  test('a consumer whose acknowledgements are ahead of its stream is replaced', async () => {
    const one = await bus();
    await one.reconcile();
    const declared = workConsumer({ stream: Streams.SLI, durable: 'ahead', filterSubject: 'sli.>' });
    await one.ensureConsumer(declared);
    // What a loss of power leaves, as the server tells it: the consumer remembers more than the stream holds.
    const told = one.jsm.consumers.info.bind(one.jsm.consumers);
    one.jsm.consumers.info = async (stream, name) => {
      const info = await told(stream, name);
      return { ...info, ack_floor: { ...info.ack_floor, stream_seq: 1_000_000 } };
    };
    const before = (await told(Streams.SLI, 'ahead')).created;
    await one.ensureConsumer(declared);
    one.jsm.consumers.info = told;
    expect((await told(Streams.SLI, 'ahead')).created).not.toBe(before);
  });

  test('takes a smaller stream where storage is short', async () => {
    const small = await startNats({ config: 'max_payload: 1048576' });
    try {
      const one = await connectBus({ servers: small.url, name: 'small', log: silentLog });
      const [sli] = declaredStreams({ ...one.topology, sli: { ...one.topology.sli, maxBytes: 2 ** 50 } });
      const { ensureStream } = await import('./reconcile.js');
      expect(await ensureStream(one.jsm, sli as never)).toBe('created');
      const { max_bytes } = (await one.jsm.streams.info(Streams.SLI)).config;
      expect(max_bytes).toBeLessThan(2 ** 50);
      expect(await ensureStream(one.jsm, sli as never)).toBe('kept');
      await one.drain();
    } finally {
      await small.stop();
    }
  });
});

describe('nudges', () => {
  test('reach every listener until it ends', async () => {
    const [sender, receiver] = [await bus(), await bus()];
    const heard: string[] = [];
    const stop = receiver.onNudge((journal, position) => heard.push(`${journal}:${position}`));
    const also: string[] = [];
    receiver.onNudge((journal) => also.push(journal));
    await receiver.nc.flush();
    sender.nudge('measurement-07', 12);
    await eventually(() => expect(heard).toEqual(['measurement-07:12']));
    stop();
    sender.nudge('control', 3);
    await eventually(() => expect(also).toEqual(['measurement-07', 'control']));
    expect(heard).toHaveLength(1);
  });
});

describe('receipts', () => {
  test('go to inboxes and nowhere else', async () => {
    const [service, publisher] = [await bus(), await bus()];
    const got: string[] = [];
    publisher.nc.subscribe('>', { callback: (_, message) => void got.push(message.subject) });
    await publisher.nc.flush();
    for (const to of ['cmd.paging.token-create', '_INBOX.>', '_INBOX.a b', '', '_INBOX.x\r\nPUB cmd.x 0']) {
      service.receipt(to, '{}');
    }
    service.receipt('_INBOX.abc.1', '{}');
    await service.nc.flush();
    await eventually(() => expect(got).toContain('receipt._INBOX.abc.1'));
    expect(got.sort()).toEqual(['_INBOX.abc.1', 'receipt._INBOX.abc.1']);
  });
});

describe('commands', () => {
  async function serve(
    handler: (request: CommandRequest, context: CommandContext) => Promise<unknown>,
    options = {},
  ) {
    const service = await bus('incident');
    const server = new CommandServer({ bus: service, service: 'incident', ...options });
    server.serve('declare', handler);
    await server.ready();
    return server;
  }

  test('are answered with a reply, and carry correlation and trace both ways', async () => {
    const contexts: unknown[] = [];
    await serve(async (request, context) => {
      contexts.push(context);
      return { ok: true, status: 201, data: request.data, version: 1, position: 7, warnings: [] };
    });
    const caller = await bus();
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const reply = await caller.request('cmd.incident.declare', command({ title: 'x' }, { traceparent }));
    expect(reply).toEqual({
      ok: true,
      status: 201,
      data: { title: 'x' },
      version: 1,
      position: 7,
      warnings: [],
    });
    expect(contexts).toEqual([
      { subject: 'cmd.incident.declare', correlationId: 'story-1', actor: 'user:ada', traceparent },
    ]);
    const raw = await caller.nc.request('cmd.incident.declare', JSON.stringify(command()), {
      timeout: 2_000,
    });
    expect(raw.headers?.get(Headers.correlation)).toBe('story-1');
  });

  test('a query may answer with its data alone', async () => {
    await serve(async () => ({ state: 'ok' }));
    const reply = await (await bus()).request('cmd.incident.declare', command());
    expect(reply).toMatchObject({ ok: true, status: 200, data: { state: 'ok' }, version: 0 });
  });

  test.each<[string, unknown, number]>([
    ['a refusal keeps its problem', CommandRefused.refused('no page after resolve'), 422],
    [
      'a command id that was used for another request is a conflict, and stays inside',
      Object.assign(new Error('command http:key:inside was given before'), { name: 'CommandConflict' }),
      409,
    ],
    ['a database that is away is 503', Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), 503],
    ['a log that takes nothing more is 503', Object.assign(new Error('x'), { name: 'Overloaded' }), 503],
    ['a log out of reach is 503', Object.assign(new Error('x'), { name: 'LogUnavailable' }), 503],
    ['an append nobody knows of is 503', Object.assign(new Error('x'), { name: 'OutcomeUnknown' }), 503],
    ['anything else is 500 and says nothing of its inside', new TypeError('secret of the inside'), 500],
  ])('%s', async (_, error, status) => {
    await serve(async () => {
      throw error;
    });
    const reply = await (await bus()).request('cmd.incident.declare', command());
    expect(reply).toMatchObject({ ok: false, problem: { status } });
    expect(JSON.stringify(reply)).not.toContain('inside');
  });

  test('what is no command is refused as malformed', async () => {
    await serve(async () => ({}));
    const caller = await bus();
    for (const body of [
      'not json',
      '{}',
      Buffer.from([0xff, 0xfe]),
      JSON.stringify({ ...command(), actor: 'x' }),
    ]) {
      const answer = await caller.nc.request('cmd.incident.declare', body, { timeout: 2_000 });
      expect(answer.json<CommandReply>()).toMatchObject({ ok: false, problem: { status: 400 } });
    }
  });

  test('nobody there is NoResponders, silence is RequestTimeout', async () => {
    const caller = await bus();
    await expect(
      caller.request('cmd.incident.declare', command(), { timeoutMs: 500, graceMs: 50 }),
    ).rejects.toThrow(NoResponders);
    const mute = await bus();
    mute.nc.subscribe('cmd.incident.declare', { callback() {} });
    await mute.nc.flush();
    await expect(caller.request('cmd.incident.declare', command(), { timeoutMs: 50 })).rejects.toThrow(
      RequestTimeout,
    );
  });

  test('a service that is being restarted is waited for', async () => {
    const caller = await bus();
    const asking = caller.request('cmd.incident.declare', command(), { timeoutMs: 10_000, graceMs: 10_000 });
    await serve(async () => ({ up: true }));
    expect(await asking).toMatchObject({ ok: true, data: { up: true } });
  });

  test('a request that an instance hangs on is sent again, and another one answers', async () => {
    const seen: string[] = [];
    const unavailable = { ok: false, problem: problemOf(503, 'unavailable', 'not now') };
    const instances = await bus('incident');
    instances.nc.subscribe('cmd.incident.declare', {
      queue: 'incident',
      callback: (_, message) => {
        seen.push((message.json() as CommandRequest).id);
        // The first hangs, the second is too busy to know.
        if (seen.length === 2) message.respond(JSON.stringify(unavailable));
        if (seen.length === 3)
          message.respond(JSON.stringify({ ok: true, status: 200, data: 1, version: 1, position: 1 }));
      },
    });
    await instances.nc.flush();
    const caller = await bus();
    expect(await caller.request('cmd.incident.declare', command())).toMatchObject({ ok: true, data: 1 });
    expect(seen).toEqual(Array(3).fill(command().id));
    const once = caller.request('cmd.incident.declare', command(), { repeat: false, timeoutMs: 1_500 });
    await expect(once).rejects.toThrow(RequestTimeout);
    expect(seen).toHaveLength(4);
  });

  test('one that is slow does its work once, and answers every time that it was asked', async () => {
    let calls = 0;
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await serve(async () => {
      calls++;
      await held;
      return { calls };
    });
    const caller = await bus();
    const answers = [1, 2, 3].map(() => caller.request('cmd.incident.declare', command()));
    const other = caller.request('cmd.incident.declare', command({ another: 'request' }));
    await eventually(() => expect(calls).toBe(2));
    release();
    expect(await Promise.all(answers)).toEqual(
      [1, 2, 3].map(() => expect.objectContaining({ data: { calls: 2 } })),
    );
    expect(await other).toMatchObject({ ok: true });
    expect(calls).toBe(2);
  });

  test('a request under way when NATS dies is sent again', async () => {
    const calls: string[] = [];
    let answer = false;
    const service = await bus('incident');
    service.nc.subscribe('cmd.incident.declare', {
      callback: (_, message) => {
        calls.push((message.json() as CommandRequest).id);
        if (answer)
          message.respond(JSON.stringify({ ok: true, status: 200, data: 1, version: 1, position: 1 }));
      },
    });
    await service.nc.flush();
    const asking = (await bus()).request('cmd.incident.declare', command(), {
      timeoutMs: 20_000,
      graceMs: 20_000,
    });
    await eventually(() => expect(calls.length).toBeGreaterThan(0));
    answer = true;
    await nats.kill();
    await nats.start();
    expect(await asking).toMatchObject({ ok: true, data: 1 });
    expect([...new Set(calls)]).toEqual([command().id]);
  }, 30_000);

  test('of several instances one answers; when too many are at work the rest are told to come back', async () => {
    const calls: string[] = [];
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await serve(
      async () => {
        calls.push('one');
        await held;
        return {};
      },
      { concurrency: 2 },
    );
    const caller = await bus();
    const first = [1, 2].map((n) => caller.request('cmd.incident.declare', command({ n })));
    await eventually(() => expect(calls).toHaveLength(2));
    expect(await caller.request('cmd.incident.declare', command())).toMatchObject({
      ok: false,
      problem: { status: 503 },
    });
    release();
    expect(await Promise.all(first)).toEqual([
      expect.objectContaining({ ok: true }),
      expect.objectContaining({ ok: true }),
    ]);
    await serve(async () => void calls.push('two'));
    calls.length = 0;
    for (let n = 0; n < 20; n++) await caller.request('cmd.incident.declare', command());
    expect(calls).toHaveLength(20);
  });

  test('an answer too large for the bus becomes a refusal, not silence', async () => {
    await serve(async () => 'x'.repeat(2_000_000));
    const reply = await (await bus()).request('cmd.incident.declare', command());
    expect(reply).toMatchObject({ ok: false, problem: { status: 413 } });
  });

  test('stopping finishes and answers what was begun', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let begun = false;
    const server = await serve(async () => {
      begun = true;
      await held;
      return { done: true };
    });
    const caller = await bus();
    const asked = caller.request('cmd.incident.declare', command());
    await eventually(() => expect(begun).toBe(true));
    const stopped = server.stop();
    release();
    await stopped;
    expect(await asked).toMatchObject({ ok: true, data: { done: true } });
    await expect(
      caller.request('cmd.incident.declare', command(), { timeoutMs: 200, graceMs: 20 }),
    ).rejects.toThrow(NoResponders);
  });

  test('headers cannot be injected through ids', async () => {
    await serve(async () => ({}));
    const caller = await bus();
    const correlationId = 'x\r\nNats-Rollup: all\r\n';
    const reply = await caller.request('cmd.incident.declare', command({}, { correlationId }));
    expect(reply).toMatchObject({ ok: true });
    const head = headers();
    expect(() => head.set('a', correlationId)).toThrow();
  });
});
