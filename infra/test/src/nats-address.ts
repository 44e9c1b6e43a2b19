import type { ConnectionOptions } from '@nats-io/transport-node';

/** Connection options of `nats://user:password@host:port`; the client library itself leaves the credentials of a URL aside. */
export function natsAddress(url: string): ConnectionOptions {
  const { host, username, password } = new URL(url);
  return {
    servers: `nats://${host}`,
    ...(username ? { user: decodeURIComponent(username), pass: decodeURIComponent(password) } : {}),
  };
}
