import dns from 'node:dns';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';

/** What went wrong before a status was received. */
export class CallFailed extends Error {
  override readonly name = 'CallFailed';
}

export interface PostOptions {
  headers: Record<string, string>;
  body: string;
  /** For the whole exchange, milliseconds. */
  timeoutMs: number;
  /** Whether loopback, private and link-local addresses may be called. */
  privateAddresses: 'allow' | 'refuse';
}

/**
 * Posts and returns the status. Redirects are not followed: they are a status like any other. Each call has a
 * connection of its own, so that one kept alive by a receiver that has gone since is no failure.
 * @throws CallFailed
 */
export async function post(address: string, options: PostOptions): Promise<number> {
  const url = new URL(address);
  if (options.privateAddresses === 'refuse') refusePrivate(url.hostname.replace(/^\[|\]$/g, ''));
  const body = Buffer.from(options.body);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const signal = AbortSignal.timeout(options.timeoutMs);
  const request = (url.protocol === 'https:' ? https : http).request(
    url,
    {
      method: 'POST',
      agent: false,
      signal,
      headers: { ...options.headers, 'content-length': body.length },
      ...(options.privateAddresses === 'refuse' ? { lookup: publicLookup } : {}),
    },
    (response) => {
      resolve(response.statusCode ?? 0);
      // The body is of no interest; it is read so that the receiver can finish, for as long as the time allows.
      response.on('error', () => {}).resume();
    },
  );
  request.on('error', (error: NodeJS.ErrnoException) => {
    reject(new CallFailed(signal.aborted ? `no answer within ${options.timeoutMs / 1000} s` : reason(error)));
  });
  request.end(body);
  return promise;
}

const hidden = new net.BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  hidden.addSubnet(network, prefix, 'ipv4');
}
for (const [network, prefix] of [
  ['::', 127],
  ['64:ff9b::', 96],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const) {
  hidden.addSubnet(network, prefix, 'ipv6');
}

/** Loopback, private, link-local, shared, multicast or reserved. */
export function isPrivateAddress(address: string): boolean {
  return hidden.check(address, net.isIPv6(address) ? 'ipv6' : 'ipv4');
}

function refusePrivate(host: string): void {
  if (net.isIP(host) && isPrivateAddress(host)) throw new CallFailed(refusal);
}

const refusal = 'the address is a private one, which this installation does not call';

/** Checks the very addresses that are connected to: a name may stand for another one a moment later. */
const publicLookup: net.LookupFunction = (hostname, options, callback) => {
  dns.lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return callback(error, []);
    if (addresses.some(({ address }) => isPrivateAddress(address))) {
      return callback(new CallFailed(refusal), []);
    }
    const first = addresses[0];
    if (options.all) return callback(null, addresses);
    return callback(null, first?.address ?? '', first?.family);
  });
};

function reason(error: NodeJS.ErrnoException): string {
  // A host with several addresses fails with one error for each, and an empty message of its own.
  const first = error instanceof AggregateError ? (error.errors[0] as Error | undefined) : error;
  return first?.message || error.code || 'the call failed';
}
