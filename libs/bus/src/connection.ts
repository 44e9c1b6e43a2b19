import { setTimeout as sleep } from 'node:timers/promises';
import { connect, errors, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node';
import { BusCredentialsRefused, BusUnavailable } from './errors.js';
import type { BusLog } from './ports.js';

/**
 * Inboxes of services are outside `_INBOX.>`, which publishers and subscribers may read: what services ask one
 * another, and the answers, are not theirs to hear.
 */
export const SERVICE_INBOX = '_BELLWETHER';

export interface Address {
  servers: string[];
  user?: string;
  pass?: string;
  token?: string;
  tls: boolean;
}

/**
 * Reads `nats://user:password@host:port`, several of them separated by commas; a name without password is a token.
 * The client itself does not look at credentials in addresses.
 *
 * @throws TypeError for text that is no address, without repeating it, since it may hold a password
 */
export function parseAddress(servers: string): Address {
  const address: Address = { servers: [], tls: false };
  for (const part of servers.split(',').map((text) => text.trim())) {
    if (part === '') continue;
    let url: URL;
    try {
      url = new URL(part.includes('://') ? part : `nats://${part}`);
    } catch {
      throw new TypeError('the address of NATS is not of the form nats://[user:password@]host[:port]');
    }
    if (!['nats:', 'tls:'].includes(url.protocol) || url.hostname === '') {
      throw new TypeError(
        'the address of NATS must begin with nats:// or tls://, or have no scheme, and name a host',
      );
    }
    address.tls ||= url.protocol === 'tls:';
    address.servers.push(`${url.hostname}:${url.port || '4222'}`);
    if (url.username === '') continue;
    if (url.password === '') {
      address.token = decodeURIComponent(url.username);
    } else {
      address.user = decodeURIComponent(url.username);
      address.pass = decodeURIComponent(url.password);
    }
  }
  if (address.servers.length === 0) throw new TypeError('no address of NATS was given');
  return address;
}

export interface ConnectOptions {
  /** `nats://[user:password@]host[:port]`, or several separated by commas. */
  servers: string;
  /** Shown by the server's monitoring. */
  name: string;
  inboxPrefix?: string;
  /** Gives up the first connection when aborted; once connected, nothing gives up but `drain`. */
  signal?: AbortSignal;
  log: BusLog;
}

/**
 * Connects, however long NATS takes to come up, and reconnects for ever after.
 *
 * @throws BusCredentialsRefused at once when the first connection is refused for its credentials
 * @throws BusUnavailable when `signal` aborts before there is a connection
 */
export async function openConnection(options: ConnectOptions): Promise<NatsConnection> {
  const { servers, tls, ...credentials } = parseAddress(options.servers);
  const settings: NodeConnectionOptions = {
    servers,
    ...credentials,
    ...(tls ? { tls: {} } : {}),
    name: options.name,
    inboxPrefix: options.inboxPrefix ?? SERVICE_INBOX,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 200,
    reconnectJitter: 100,
    // A server that is being reconfigured may refuse for a moment; a running service outlasts that.
    ignoreAuthErrorAbort: true,
    // The default of two minutes would leave a dead connection (a pulled cable, a frozen server) unnoticed for long.
    pingInterval: 10_000,
    maxPingOut: 2,
    timeout: 5_000,
  };
  for (let attempt = 1; ; attempt++) {
    try {
      return await connect(settings);
    } catch (error) {
      if (isAuthorization(error)) {
        throw new BusCredentialsRefused(
          `NATS at ${servers.join(', ')} refuses the credentials of ${options.name}`,
        );
      }
      if (attempt === 1 || attempt % 25 === 0) {
        options.log.warn({ servers, attempt, error }, 'NATS does not answer; trying until it does');
      }
      await sleep(Math.min(1_000, 100 * attempt), undefined, {
        ...(options.signal ? { signal: options.signal } : {}),
      }).catch(() => {});
      if (options.signal?.aborted) {
        throw new BusUnavailable(`NATS at ${servers.join(', ')} did not answer`, { cause: error });
      }
    }
  }
}

function isAuthorization(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof errors.AuthorizationError || /authorization violation/i.test(cause.message))
      return true;
  }
  return false;
}
