import { connect, errors, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node';

const firstPauseMs = 100;
const longestPauseMs = 2_000;

/**
 * Connects to NATS and keeps the connection for as long as it takes: it waits for a server that is not up yet, and
 * reconnects for ever. Credentials may stand in the address, `nats://publisher:<token>@host:4222`.
 *
 * @param servers one address, or several separated by commas
 * @throws TypeError for text that is no address, without repeating it: it may hold a password
 * @throws AuthorizationError at once when the server refuses the credentials
 */
export async function connectNats(servers: string, name: string): Promise<NatsConnection> {
  const options = optionsOf(servers, name);
  for (let pause = firstPauseMs; ; pause = Math.min(pause * 2, longestPauseMs)) {
    try {
      return await connect(options);
    } catch (error) {
      if (isRefusal(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

function optionsOf(servers: string, name: string): NodeConnectionOptions {
  const addresses = servers.split(',').map(parse);
  const { username, password } = addresses[0] as URL;
  const user = decodeURIComponent(username);
  const pass = decodeURIComponent(password);
  return {
    servers: addresses.map(({ hostname, port }) => `${hostname}:${port === '' ? '4222' : port}`),
    name,
    ...(user === '' ? {} : pass === '' ? { token: user } : { user, pass }),
    ...(addresses.some(({ protocol }) => protocol === 'tls:') ? { tls: {} } : {}),
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    // A server that is being reconfigured may refuse for a moment: a program that runs outlasts that.
    ignoreAuthErrorAbort: true,
    pingInterval: 10_000,
    maxPingOut: 2,
  };
}

function parse(address: string): URL {
  const text = address.trim();
  const url = URL.parse(text.includes('://') ? text : `nats://${text}`);
  if (url === null || !['nats:', 'tls:'].includes(url.protocol) || url.hostname === '') {
    throw new TypeError('the address of NATS is not of the form nats://[user:password@]host[:port]');
  }
  return url;
}

function isRefusal(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof errors.AuthorizationError || /authorization violation/i.test(cause.message))
      return true;
  }
  return false;
}
