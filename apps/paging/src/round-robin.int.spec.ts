import { type EventData, LogStreams } from '@bellwether/contracts';
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { minute, Rehearsal } from './testing/rehearsal.fixture.js';
import { Turns } from './turns.js';

jest.setTimeout(60_000);

let rehearsal: Rehearsal;
let next = 0;
beforeAll(async () => {
  rehearsal = await Rehearsal.start();
  await rehearsal.startService();
}, 60_000);
afterAll(() => rehearsal.stop());

describe('pages that come to a round-robin step together', () => {
  let incidents: string[] = [];
  beforeEach(async () => {
    const receiver = await rehearsal.receiver();
    for (const name of ['ada', 'grace', 'edsger', 'mary']) await rehearsal.user(name, receiver.url());
    incidents = Array.from({ length: 3 }, () => `INC-${++next}`);
  });

  const step = (names: string[], assign = 'all') => ({
    targets: names.map((name) => ({ kind: 'user', name })),
    timeoutMinutes: 1,
    assign,
  });
  /** Who was called by the `run`-th request of each page, sorted. */
  const called = async (run: number) => {
    const streams = await Promise.all(
      incidents.map((incident) => rehearsal.log.readStream(LogStreams.page(`${incident}-P1`))),
    );
    const requests = streams.map(
      (events) => events.filter(({ type }) => type === 'page.requested')[run - 1]!,
    );
    return requests.flatMap(({ data }) => (data as EventData<'page.requested'>).users).sort();
  };

  test('page each of its people once, in each cycle, whichever instance runs them', async () => {
    await rehearsal.does('policy-define', {
      name: 'default',
      repeat: 1,
      steps: [step(['mary']), step(['ada', 'grace', 'edsger'], 'round-robin')],
    });
    await Promise.all(incidents.map((incident) => rehearsal.declare(incident)));
    await rehearsal.quiet();
    for (let minutes = 0; minutes < 3; minutes += 1) {
      rehearsal.clock.advance(minute);
      await rehearsal.quiet();
    }
    expect([await called(1), await called(2), await called(3), await called(4)]).toEqual([
      ['mary', 'mary', 'mary'],
      ['ada', 'edsger', 'grace'],
      ['mary', 'mary', 'mary'],
      ['ada', 'edsger', 'grace'],
    ]);
  });

  test('go on after a restart, also when what was noted is gone: the log says whose turn it was', async () => {
    const people = ['ada', 'grace', 'edsger', 'mary'];
    await rehearsal.does('policy-define', { name: 'default', steps: [step(people, 'round-robin')] });
    await Promise.all(incidents.map((incident) => rehearsal.declare(incident)));
    await rehearsal.quiet();
    const before = await called(1);
    expect(new Set(before).size).toBe(3);
    await rehearsal.stopServices();
    await rehearsal.log.pool.query('drop schema paging cascade');
    await rehearsal.startService();
    await rehearsal.quiet();
    incidents = [`INC-${++next}`];
    await rehearsal.declare(incidents[0]!);
    await rehearsal.quiet();
    expect([...before, ...(await called(1))].sort()).toEqual([...people].sort());
  });
});

describe('turns', () => {
  const instances = () => [new Turns(rehearsal.log.pool), new Turns(rehearsal.log.pool)] as const;

  test('are drawn once each, however many draw at once', async () => {
    const two = instances();
    const drawn = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        two[i % 2]!.draw({ policy: 'busy', step: 1, page: `INC-${i + 1}-P1`, run: 1 }),
      ),
    );
    expect([...drawn].sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, turn) => turn));
  });

  test('stay with the run that drew them; each step has its own', async () => {
    const [one, other] = instances();
    const run = { policy: 'calm', step: 1, page: 'INC-1-P1', run: 1 };
    expect(await one.draw(run)).toBe(0);
    expect(await other.draw({ ...run, page: 'INC-2-P1' })).toBe(1);
    expect(await other.draw(run)).toBe(0);
    expect(await one.draw({ ...run, run: 2 })).toBe(2);
    expect(await one.draw({ ...run, step: 2 })).toBe(0);
  });
});
