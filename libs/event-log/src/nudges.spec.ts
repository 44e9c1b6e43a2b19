import { expect, test } from '@jest/globals';
import { Nudges } from './nudges.js';

const never = new AbortController().signal;
const LONG = 60_000;

test('a nudge wakes who waits for that journal', async () => {
  const nudges = new Nudges();
  let woken = 0;
  const waiting = ['a', 'a', 'b'].map((journal) => {
    const over = new AbortController();
    const wait = nudges.wait(journal, nudges.count(journal), LONG, over.signal).then(() => {
      woken += 1;
    });
    return { over, wait };
  });
  nudges.nudge('a');
  await Promise.all(waiting.slice(0, 2).map(({ wait }) => wait));
  expect(woken).toBe(2);
  waiting[2]!.over.abort();
  await waiting[2]!.wait;
});

test('one that comes during the reading before is not slept through', async () => {
  const nudges = new Nudges();
  const seen = nudges.count('a');
  nudges.nudge('a');
  await nudges.wait('a', seen, LONG, never);
});

test('without one it is the time that ends the wait', async () => {
  const nudges = new Nudges();
  await nudges.wait('a', nudges.count('a'), 1, never);
});
