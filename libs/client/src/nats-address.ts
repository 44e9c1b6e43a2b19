import { connect, type NatsConnection } from '@nats-io/transport-node';

/**
 * Connects to NATS and keeps the connection for as long as it takes: it waits for a server that is not up yet, and
 * reconnects for ever. Credentials may stand in the address, `nats://publisher:<token>@host:4222`.
 *
 * @param servers one address, or several separated by commas
 * @throws TypeError for text that is no address, without repeating it: it may hold a password
 */
export async function connectNats(servers: string, name: string): Promise<NatsConnection> {
  const addresses = servers.split(',').map(parse);
  const { username, password } = addresses[0] as URL;
  const user = decodeURIComponent(username);
  const pass = decodeURIComponent(password);
  return await connect({
    servers: addresses.map(({ hostname, port }) => `${hostname}:${port === '' ? '4222' : port}`),
    name,
    ...(user === '' ? {} : pass === '' ? { token: user } : { user, pass }),
    ...(addresses.some(({ protocol }) => protocol === 'tls:') ? { tls: {} } : {}),
    waitOnFirstConnect: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    pingInterval: 10_000,
    maxPingOut: 2,
  });
}

function parse(address: string): URL {
  const text = address.trim();
  const url = URL.parse(text.includes('://') ? text : `nats://${text}`);
  if (url === null || !['nats:', 'tls:'].includes(url.protocol) || url.hostname === '') {
    throw new TypeError('the address of NATS is not of the form nats://[user:password@]host[:port]');
  }
  return url;
}
