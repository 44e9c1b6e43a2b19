import { expect, test } from '@jest/globals';
import { Nudges } from './nudges.js';

const never = new AbortController().signal;
const LONG = 60_000;

test('a nudge wakes who waits for that journal', async () => {
  const nudges = new Nudges();
  let woken = 0;
  const waiting = ['a', 'a', 'b'].map((journal) => {
    const over = new AbortController();
    const wait = nudges.wait(journal, nudges.heard(journal), 0, LONG, over.signal).then(() => {
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
  const heard = nudges.heard('a');
  nudges.nudge('a');
  await nudges.wait('a', heard, 0, LONG, never);
});

test('without one it is the time that ends the wait', async () => {
  const nudges = new Nudges();
  await nudges.wait('a', nudges.heard('a'), 0, 1, never);
});

test('one about what was read already wakes nobody; one about more does', async () => {
  const nudges = new Nudges();
  const heard = nudges.heard('a');
  nudges.nudge('a', 7);
  let woken = false;
  const wait = nudges.wait('a', heard, 7, LONG, never).then(() => {
    woken = true;
  });
  nudges.nudge('a', 6);
  nudges.nudge('a', 7);
  await Promise.resolve();
  expect(woken).toBe(false);
  nudges.nudge('a', 8);
  await wait;
});

test('one that came before the reading, which then found nothing, is not acted on again', async () => {
  const nudges = new Nudges();
  nudges.nudge('a', 7);
  await nudges.wait('a', nudges.heard('a'), 5, 1, never);
  const woken = nudges.wait('a', nudges.heard('a'), 5, LONG, never);
  nudges.nudge('a', 8);
  await woken;
});
