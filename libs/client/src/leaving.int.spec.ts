import { startNats, type TestNats } from '@bellwether/testing';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { publishOverNats } from './connect.js';
import { FakeHttp } from './fake-bellwether.fixture.js';
import { subscribe } from './subscribe.js';

// Real servers on a busy machine.
jest.setTimeout(60_000);

let nats: TestNats;
const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

// A program whose broker is gone must be able to end all the same: it would wait for a connection that never comes.
describe('leaving when NATS has gone and does not come back', () => {
  test('a publisher says how much it could not send', async () => {
    nats = await startNats();
    endings.push(() => nats.stop());
    const to = await publishOverNats({ servers: nats.url, lingerMs: 0 });
    await nats.kill();
    to.record('checkout', 'availability', { good: 1, total: 1 });
    expect(await to.close(10)).toBe(1);
  });

  test('a subscriber ends', async () => {
    nats = await startNats();
    endings.push(() => nats.stop());
    const http = await FakeHttp.listen(() => ({ status: 200, body: { items: [], nextCursor: null } }));
    endings.push(() => http.close());
    const failures: Error[] = [];
    const subscription = await subscribe({
      servers: nats.url,
      durable: 'leaving',
      api: { url: http.url, token: 'tok' },
      onEvent: () => {},
      onError: (error) => failures.push(error),
    });
    await nats.kill();
    await subscription.stop();
    expect(subscription.position).toBeNull();
  });
});
