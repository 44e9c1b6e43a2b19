import { expect, test } from '@jest/globals';
import { Rehearsal } from './testing/rehearsal.fixture.js';

test('a slow receiver delays nobody else', async () => {
  // A receiver may take for ever here, so that nothing depends on how fast the others are.
  const rehearsal = await Rehearsal.start({}, { callTimeoutMs: 600_000 });
  const [slow, fast] = [await rehearsal.receiver(), await rehearsal.receiver()];
  const { promise: waiting, resolve: letGo } = Promise.withResolvers<void>();
  slow.answerAlways(async () => {
    await waiting;
    return 200;
  });
  await rehearsal.user('sam', slow.url());
  await rehearsal.user('fay', fast.url());
  await rehearsal.policy([{ users: ['sam'], timeoutMinutes: 600 }], { name: 'slow' });
  await rehearsal.policy([{ users: ['fay'], timeoutMinutes: 600 }], { name: 'fast' });
  for (let n = 1; n <= 20; n += 1) await rehearsal.declare(`INC-${n}`, { escalationPolicy: 'slow' });
  await rehearsal.declare('INC-21', { escalationPolicy: 'fast' });
  await fast.received(1);
  await rehearsal.until('INC-21-P1', ({ deliveries }) => deliveries[0]?.state === 'delivered');
  expect(slow.requests).toHaveLength(4);
  letGo();
  await slow.received(20);
  await rehearsal.until('INC-20-P1', ({ deliveries }) => deliveries[0]?.state === 'delivered');
  await rehearsal.stop();
}, 60_000);
