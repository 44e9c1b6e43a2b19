import { freePort, startNats } from '@bellwether/testing';
import { expect, jest, test } from '@jest/globals';
import { requireNats } from './own-nats.js';
import { StartError } from './start-error.js';

// Real servers on a busy machine.
jest.setTimeout(30_000);

async function refusal(url: string, timeoutMs: number): Promise<string> {
  const error: unknown = await requireNats(url, timeoutMs).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(StartError);
  return (error as StartError).message;
}

test('a NATS with JetStream is taken', async () => {
  const nats = await startNats();
  await requireNats(nats.url);
  await nats.stop();
});

test('one without JetStream is named, with what to do', async () => {
  const nats = await startNats({ jetstream: false });
  const message = await refusal(nats.url, 500);
  expect(message).toMatch(
    /^NATS_URL: NATS at 127\.0\.0\.1:\d+ has no JetStream for this account\. .*"nats-server -js"/,
  );
  expect(message).toContain('or unset NATS_URL to run the embedded one');
  await nats.stop();
});

test('one that does not answer is, without its password', async () => {
  const port = await freePort();
  expect(await refusal(`nats://ada:hunter2@127.0.0.1:${port}`, 300)).toBe(
    `NATS_URL: NATS at 127.0.0.1:${port} did not answer within 0.3 s. Start it, or unset NATS_URL to run the embedded one.`,
  );
});

test('one that refuses the credentials is, at once', async () => {
  const nats = await startNats({ config: 'authorization { user: "ada", password: "right" }' });
  const message = await refusal(nats.url.replace('nats://', 'nats://ada:wrong@'), 10_000);
  expect(message).toMatch(
    /^NATS_URL: NATS at \S+ refuses the credentials of start\. Put the right ones into it/,
  );
  expect(message).not.toContain('wrong');
  await nats.stop();
});

test('an address that the client does not take is', async () => {
  expect(await refusal('wss://nats.example.org', 300)).toMatch(
    /^NATS_URL: .* must begin with nats:\/\/ or tls:\/\//,
  );
});
