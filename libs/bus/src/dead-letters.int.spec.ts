import { type CommandRequest, Streams } from '@bellwether/contracts';
import { eventually } from '@bellwether/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { headers } from '@nats-io/transport-node';
import { DeadLetters } from './dead-letters.js';
import type { WorkOutcome } from './work-message.js';
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
  async function bury(count: number, options: { msgID?: string } = {}): Promise<void> {
    for (let n = 1; n <= count; n++)
      await stage.bus.js.publish('sli.checkout.availability', `bad ${n}`, options);
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

  test('are published again once, and are then gone', async () => {
    await bury(1);
    const letters = new DeadLetters(stage.bus);
    const [letter] = (await letters.list()).items;
    expect(await letters.retry(letter?.sequence as number)).toEqual({ retried: true });
    expect((await letters.list()).items).toEqual([]);
    const seen: string[] = [];
    await stage.ingest(async (messages) => {
      seen.push(...messages.map(textOf));
      return messages.map(() => done);
    });
    await eventually(() => expect(seen).toEqual(['bad 1']));
    await expect(letters.retry(letter?.sequence as number)).rejects.toThrow(/no dead letter/);
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

  test('are kept when the broker would take the retry for a duplicate', async () => {
    await bury(1, { msgID: 'id-7' });
    const letters = new DeadLetters(stage.bus);
    const [letter] = (await letters.list()).items;
    expect(await letters.retry(letter?.sequence as number)).toMatchObject({ retried: false });
    expect((await letters.list()).items).toHaveLength(1);
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
