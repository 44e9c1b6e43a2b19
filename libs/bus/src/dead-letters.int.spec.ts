import { type CommandRequest, Headers, Streams } from '@bellwether/contracts';
import { eventually } from '@bellwether/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { headers } from '@nats-io/transport-node';
import { DeadLetters } from './dead-letters.js';
import type { WorkMessage, WorkOutcome } from './work-message.js';
import { done, textOf, WorkStage } from './work-stage.fixture.js';

// Servers are killed and started here, on machines that do other things too.
jest.setTimeout(60_000);

let stage: WorkStage;
beforeAll(async () => {
  stage = await WorkStage.start();
});
afterAll(() => stage?.stop());
beforeEach(() => stage.clean());
afterEach(() => stage.closeAll());

describe('dead letters', () => {
  async function bury(count: number): Promise<void> {
    for (let n = 1; n <= count; n++) await stage.bus.js.publish('sli.checkout.availability', `bad ${n}`);
    const one = await stage.ingest(async (messages) =>
      messages.map((): WorkOutcome => ({ kind: 'dead', error: 'no' })),
    );
    await stage.allAcknowledged();
    await one.consumer.stop();
  }

  test('are listed in pages', async () => {
    await bury(5);
    const letters = new DeadLetters(stage.bus, 'dlq.sli.>');
    const first = await letters.list({ limit: 2 });
    expect(first.items.map(({ body }) => body)).toEqual(['bad 1', 'bad 2']);
    const second = await letters.list({ after: first.next as number, limit: 2 });
    expect(second.items.map(({ body }) => body)).toEqual(['bad 3', 'bad 4']);
    const third = await letters.list({ after: second.next as number, limit: 2 });
    expect([third.items.map(({ body }) => body), third.next]).toEqual([['bad 5'], null]);
  });

  test('are worked on as the messages that they were, and are then gone', async () => {
    const head = headers();
    head.set('ce-id', '17');
    head.set(Headers.receipt, '_INBOX.of.long.ago');
    await stage.bus.js.publish('sli.checkout.availability', 'bad', { msgID: 'id-7', headers: head });
    const first: WorkMessage[] = [];
    const one = await stage.ingest(async (messages) => {
      first.push(...messages);
      return messages.map((): WorkOutcome => ({ kind: 'dead', error: 'no' }));
    });
    await stage.allAcknowledged();
    await one.consumer.stop();
    const letters = new DeadLetters(stage.bus);
    const [letter] = (await letters.list()).items;
    const again: WorkMessage[] = [];
    const work = async (message: WorkMessage) => {
      again.push(message);
      return done;
    };
    expect(await letters.retry(letter?.sequence as number, work)).toEqual({ retried: true });
    const { subject, streamCreated, sequence, receivedAt } = first[0] as WorkMessage;
    expect(again).toMatchObject([
      { subject, streamCreated, sequence, receivedAt, deliveries: 2, receiptInbox: undefined },
    ]);
    const [{ headers: kept }] = again as [WorkMessage];
    expect([textOf(again[0] as WorkMessage), kept?.get(Headers.messageId), kept?.get('ce-id')]).toEqual([
      'bad',
      'id-7',
      '17',
    ]);
    expect(kept?.keys().filter((name) => /^bellwether-/i.test(name))).toEqual([]);
    expect((await letters.list()).items).toEqual([]);
    await expect(letters.retry(letter?.sequence as number, work)).rejects.toThrow(/no dead letter/);
    expect(again).toHaveLength(1);
  });

  test('that two retry at once are gone for both', async () => {
    await bury(1);
    const letters = new DeadLetters(stage.bus);
    let working = 0;
    let meet: () => void = () => {};
    const met = new Promise<void>((resolve) => {
      meet = resolve;
    });
    const work = async () => {
      working += 1;
      if (working === 2) meet();
      await met;
      return done;
    };
    const [letter] = (await letters.list()).items;
    const twice = [1, 2].map(() => letters.retry(letter?.sequence as number, work));
    expect(await Promise.all(twice)).toEqual([{ retried: true }, { retried: true }]);
  });

  test('keep what they are known by, however long, so that a retry is the same message', async () => {
    const [msgID, ceId] = ['m'.repeat(5_000), 'c'.repeat(40_000)];
    const head = headers();
    head.set('ce-id', ceId);
    await stage.bus.js.publish('sli.checkout.availability', 'bad', { msgID, headers: head });
    const one = await stage.ingest(async (messages) =>
      messages.map((): WorkOutcome => ({ kind: 'dead', error: 'no' })),
    );
    await stage.allAcknowledged();
    await one.consumer.stop();
    const dead = await stage.bus.jsm.streams.getMessage(Streams.DLQ, {
      last_by_subj: 'dlq.sli.checkout.availability',
    });
    expect([dead?.header.get('Bellwether-Message-Id'), dead?.header.get('ce-id')]).toEqual([msgID, ceId]);
    expect(dead?.header.has('Bellwether-Truncated')).toBe(false);
  });

  test('are kept, and it is said why, when they are refused again or cannot be worked on', async () => {
    await bury(3);
    const outcomes: (WorkOutcome | Error)[] = [
      { kind: 'dead', error: 'must not be above total', path: 'good' },
      { kind: 'retry', delayMs: 1_000 },
      new Error('no room'),
    ];
    await stage.ingest(async () => {
      const outcome = outcomes.shift() as WorkOutcome | Error;
      if (outcome instanceof Error) throw outcome;
      return [outcome];
    });
    const kept = { replayed: 0, remaining: 1 };
    expect(await stage.command('dlq-retry')).toMatchObject({
      data: {
        items: [
          { key: '1', ...kept, error: 'refused again: good: must not be above total' },
          { key: '2', ...kept, error: 'it cannot be worked on now; try again' },
          { key: '3', ...kept, error: 'it was not retried: Error: no room' },
        ],
      },
    });
    expect(await stage.command('dlq-list')).toMatchObject({
      data: { items: [{ key: '1' }, { key: '2' }, { key: '3' }] },
    });
  });

  test('are listed and retried by command, as parked events are', async () => {
    await bury(2);
    await stage.ingest(async (messages) => messages.map(() => done));
    const ask = (name: string, data: unknown = {}, role: CommandRequest['role'] = 'admin') =>
      stage.command(name, data, role);
    const listed = await ask('dlq-list');
    expect(listed).toMatchObject({
      ok: true,
      data: {
        items: [
          {
            consumer: 'ingest',
            key: '1',
            position: 1,
            type: 'sli.checkout.availability',
            error: 'no',
            attempts: 1,
          },
          { key: '2' },
        ],
      },
    });
    expect(await ask('dlq-retry', {}, 'viewer')).toMatchObject({ ok: false, problem: { status: 403 } });
    expect(await ask('dlq-retry', { key: '99' })).toMatchObject({ ok: false, problem: { status: 404 } });
    expect(await ask('dlq-retry', { key: 'x' })).toMatchObject({ ok: false, problem: { status: 404 } });
    expect(await ask('dlq-retry', { key: '1' })).toMatchObject({
      data: { items: [{ key: '1', replayed: 1, remaining: 0 }] },
    });
    expect(await ask('dlq-retry')).toMatchObject({
      data: { items: [{ key: '2', replayed: 1, remaining: 0 }] },
    });
    expect(await ask('dlq-list')).toMatchObject({ data: { items: [] } });
  });

  test('are listed up to a number, with how many more there are', async () => {
    const publish = (count: number, subject: string) =>
      Promise.all(Array.from({ length: count }, () => stage.bus.js.publish(subject, 'bad')));
    await publish(500, 'dlq.sli.checkout.availability');
    // Of another service, which is not asked here.
    await publish(1, 'dlq.evt.incident');
    await stage.ingest(async (messages) => messages.map(() => done));
    const listed = async () => {
      const answer = await stage.command('dlq-list');
      if (!answer.ok) throw new Error(answer.problem.detail);
      const { items, more } = answer.data as { items: object[]; more: number };
      return [items.length, more];
    };
    expect(await listed()).toEqual([500, 0]);
    await publish(2, 'dlq.sli.checkout.availability');
    await publish(1, 'dlq.sli.checkout.latency');
    expect(await listed()).toEqual([500, 3]);
  });

  test('tell what a subscriber gave up on', async () => {
    await stage.bus.js.publish('evt.incident.declared.INC-1', '{}');
    await stage.bus.jsm.consumers.add(Streams.EVENTS, {
      durable_name: 'pager',
      ack_policy: 'explicit',
      ack_wait: 50_000_000,
      max_deliver: 1,
    });
    const consumer = await stage.bus.js.consumers.get(Streams.EVENTS, 'pager');
    await consumer.next({ expires: 1_000 });
    await eventually(async () => {
      // The server notices when the consumer asks for more.
      await consumer.next({ expires: 1_000 });
      expect(await new DeadLetters(stage.bus).abandoned()).toEqual([
        expect.objectContaining({ subscriber: 'pager', subject: 'EVENTS/1', deliveries: 1 }),
      ]);
    });
    await stage.ingest(async (messages) => messages.map(() => done));
    expect(await stage.command('dlq-list')).toMatchObject({
      data: {
        items: [
          {
            consumer: 'pager',
            key: 'ABANDONED/1',
            type: 'EVENTS/1',
            error: 'subscriber pager gave up on message 1 of EVENTS after 1 deliveries',
          },
        ],
      },
    });
    // Nothing of it is the service's to do again, and a retry of everything leaves it out.
    expect(await stage.command('dlq-retry', { key: 'ABANDONED/1' })).toMatchObject({
      data: { items: [{ replayed: 0, remaining: 1, error: expect.stringContaining('GET /v1/events') }] },
    });
    expect(await stage.command('dlq-retry')).toMatchObject({ data: { items: [] } });
  }, 20_000);
});
