import { type Bus, BusCredentialsRefused, BusUnavailable, connectBus } from '@bellwether/bus';
import { within } from './deadline.js';
import { StartError } from './start-error.js';

const silent = { info() {}, warn() {}, error() {} };
const otherwise = 'or unset NATS_URL to run the embedded one';

/**
 * Looks at the NATS that `NATS_URL` names before the services do, which would wait for it without a word about the
 * variable.
 *
 * @throws StartError when it does not answer, refuses the credentials or has no JetStream; without the password
 */
export async function requireNats(url: string, timeoutMs = 10_000): Promise<void> {
  const bus = await connect(url, timeoutMs);
  try {
    // A server that has just started may take a moment for it.
    const hasJetStream = () =>
      bus.jsm.getAccountInfo().then(
        () => true,
        () => false,
      );
    if (await within(timeoutMs / 2, hasJetStream)) return;
    throw new StartError(
      `NATS_URL: NATS at ${bus.nc.getServer()} has no JetStream for this account. Start the server with it ` +
        `("nats-server -js", or "jetstream {}" in its configuration), ${otherwise}.`,
    );
  } finally {
    await bus.nc.close();
  }
}

async function connect(url: string, timeoutMs: number): Promise<Bus> {
  try {
    return await connectBus({
      servers: url,
      name: 'start',
      signal: AbortSignal.timeout(timeoutMs),
      log: silent,
    });
  } catch (error) {
    const { message } = error as Error;
    if (error instanceof BusUnavailable)
      throw new StartError(`NATS_URL: ${message} within ${timeoutMs / 1000} s. Start it, ${otherwise}.`);
    if (error instanceof BusCredentialsRefused)
      throw new StartError(
        `NATS_URL: ${message}. Put the right ones into it (nats://user:password@host:4222), ${otherwise}.`,
      );
    if (error instanceof TypeError) throw new StartError(`NATS_URL: ${message}`);
    throw error;
  }
}
