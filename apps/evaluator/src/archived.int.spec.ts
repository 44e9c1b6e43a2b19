import { JOURNALS, measurementJournal } from '@bellwether/contracts';
import { archiveSegments, migrate } from '@bellwether/event-log';
import { createDatabase, temporaryFolder } from '@bellwether/testing';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { DAY, eventually, MINUTE, Rehearsal } from './testing/rehearsal.fixture.js';

// Real servers on a busy machine.
jest.setTimeout(120_000);

const SEGMENT = 10;
const journal = measurementJournal('checkout', 'availability');
let stage: Rehearsal;

beforeAll(async () => {
  const database = await createDatabase();
  await migrate(database.url, { journals: [...JOURNALS], segmentSize: SEGMENT });
  stage = await Rehearsal.start(database);
});
afterAll(() => stage?.stop());

/** A measurement each minute. */
async function measure(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    await stage.measure([[stage.clock.now().getTime(), 9, 10]]);
    stage.clock.advance(MINUTE);
  }
}

test('an evaluator that comes new to a journal whose beginning is archived counts what is there', async () => {
  await measure(2 * SEGMENT + 5);
  stage.clock.advance(402 * DAY);
  await measure(20);
  const archived = await archiveSegments(stage.database.url, {
    before: new Date(stage.clock.now().getTime() - 401 * DAY),
    directory: temporaryFolder('archived'),
  });
  expect(archived.map(({ lastPosition }) => lastPosition)).toEqual([SEGMENT, 2 * SEGMENT]);
  await stage.startService();
  await stage.define({ window: { rolling: '400d' } });
  await eventually(async () => expect(await stage.status()).toMatchObject({ total: 200, good: 180 }));
  // Live from here on, without a gap that it would wait for.
  await measure(5);
  await eventually(async () => expect(await stage.status()).toMatchObject({ total: 250, good: 225 }));
  const { rows } = await stage.log.pool.query(
    'select position::int from evaluator.checkpoints where partition = $1',
    [Number(journal.slice(-2))],
  );
  expect(rows[0].position).toBe((await stage.log.head(journal)).position);
  const { stored, recomputed } = await stage.buckets();
  expect(stored).toBe(recomputed);
});
