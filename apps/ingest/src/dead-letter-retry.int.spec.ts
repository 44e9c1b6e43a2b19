import { CONTROL_JOURNAL, LogStreams, ManualClock, Streams } from '@bellwether/contracts';
import { eventually } from '@bellwether/testing';
import { afterAll, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { headers } from '@nats-io/transport-node';
import { dataOf, IngestStage } from './ingest-stage.fixture.js';

// Real servers on a busy machine.
jest.setTimeout(30_000);

const HOUR = 3_600_000;

let stage: IngestStage;
const clock = new ManualClock(new Date());
beforeAll(async () => {
  // Refuses what is not defined yet, which can be mended.
  stage = await IngestStage.start({ BELLWETHER_STRICT: 'true' }, clock);
}, 60_000);
afterAll(() => stage?.stop(), 60_000);
beforeEach(() => {
  stage.next();
});

const retry = (key: string) =>
  stage.bus.request(`cmd.ingest.dlq-retry`, {
    id: `retry-${key}`,
    actor: 'user:ada',
    role: 'admin',
    correlationId: 'story',
    at: clock.now().toISOString(),
    data: { key },
  });

async function define(): Promise<void> {
  await stage.log.append({
    journal: CONTROL_JOURNAL,
    stream: LogStreams.sli(stage.service, 'availability'),
    expectedVersion: 'no-stream',
    events: [
      {
        type: 'sli.defined',
        data: { service: stage.service, name: 'availability', unit: 'none' },
        occurredAt: clock.now(),
        meta: { correlationId: 'story', causationId: null, actor: 'user:ada', source: '/bellwether/test' },
      },
    ],
  });
}

/** What a publisher could say of when and as what its message came. */
const claims = {
  'Bellwether-Received': '2026-01-01T00:00:00.000Z',
  'bellwether-stream-created': '2020-01-01T00:00:00Z',
  'Bellwether-Sequence': '1',
  'Bellwether-Subject': 'sli.other.availability',
};

test('a measurement without a time that is retried counts when the broker first took it, and once', async () => {
  await stage.publish({ value: 1 }, claims);
  const letter = await stage.deadLetter();
  const received = new Date(letter.header.get('Bellwether-Received')).getTime();
  expect(Math.abs(received - letter.time.getTime())).toBeLessThan(HOUR);
  await define();
  clock.advance(5 * HOUR);
  const answer = { ok: true, data: { items: [{ key: String(letter.seq), replayed: 1, remaining: 0 }] } };
  expect(await retry(String(letter.seq))).toMatchObject(answer);
  const [first] = await stage.recorded();
  expect(dataOf(first).columns[0]?.at).toEqual([received]);
  const { created } = await stage.bus.jsm.streams.info(Streams.SLI);
  expect(dataOf(first).identity).toBe(
    `stream:${created}/${letter.header.get('Bellwether-Sequence')}@${received}`,
  );

  // A letter that is still there after the commit, as when the process ends between the two.
  const kept = headers();
  for (const name of letter.header.keys())
    if (!name.startsWith('Nats-')) kept.set(name, letter.header.get(name));
  const again = await stage.bus.js.publish(letter.subject, letter.data, { headers: kept });
  clock.advance(HOUR);
  expect(await retry(String(again.seq))).toMatchObject({ data: { items: [{ replayed: 1, remaining: 0 }] } });
  expect(await stage.recorded()).toHaveLength(1);
});

test('what a publisher says of when and as what its message came has no effect', async () => {
  await define();
  const before = await stage.bus.jsm.streams.info(Streams.SLI);
  await stage.publish({ value: 1 }, claims);
  const [event] = await eventually(async () => {
    const found = await stage.recorded();
    expect(found).toHaveLength(1);
    return found;
  });
  const { identity, columns } = dataOf(event);
  expect(identity).toBe(`stream:${before.created}/${before.state.last_seq + 1}@${columns[0]?.at[0]}`);
  expect(columns[0]?.at[0]).toBeGreaterThan(Date.parse(claims['Bellwether-Received']) + HOUR);
});

test('what was taken meanwhile under the identity of a letter is recognised', async () => {
  const head = { 'Nats-Msg-Id': `${stage.service}-1` };
  await stage.publish({ value: 1, at: clock.now().toISOString() }, head);
  const letter = await stage.deadLetter();
  await define();
  const path = `/v1/measurements/${stage.service}/availability`;
  const body = JSON.parse(Buffer.from(letter.data).toString());
  expect((await stage.post(path, body, { 'idempotency-key': head['Nats-Msg-Id'] })).status).toBe(202);
  expect(await retry(String(letter.seq))).toMatchObject({ data: { items: [{ replayed: 1, remaining: 0 }] } });
  expect(await stage.recorded()).toHaveLength(1);
});

test('one that is refused again stays, and it is said why', async () => {
  await stage.publish({ value: 1 });
  const { seq } = await stage.deadLetter();
  expect(await retry(String(seq))).toMatchObject({
    data: {
      items: [{ replayed: 0, remaining: 1, error: expect.stringMatching(/^refused again: .*not defined/) }],
    },
  });
  expect((await stage.deadLetter()).seq).toBe(seq);
});
