import { Subjects } from '@bellwether/contracts';
import {
  exportsToSubscribers,
  importsOfSubscribers,
  SERVICE_NAMES,
  subscriberPermissions,
} from './subscriber-account.js';

/** A password, or the name of the environment variable from which nats-server is to take it. */
export type Secret = string | { env: string };

export interface NatsUser {
  user: string;
  password: Secret;
}

export interface NatsAccess {
  /** Bellwether's own services: everything. */
  services: NatsUser;
  /** Programs that publish measurements: `sli.>`; they read their own inboxes, and what was refused. */
  publisher: NatsUser;
  /** Programs that read events: consumers of their own on EVENTS; they hear what is published and what was refused. */
  subscriber: NatsUser;
  /** Durables that subscribers may not touch: those of the services. Default: every service of Bellwether. */
  protectedConsumers?: readonly string[];
}

export interface NatsServerSettings extends NatsAccess {
  host: string;
  port: number;
  /** Where JetStream keeps its files. */
  storeDir: string;
  serverName?: string;
  /** Largest message in bytes, default 8 MiB: a batch of 10,000 points with its envelope fits. */
  maxPayload?: number;
  /** Port of the monitoring endpoint, on the same host; absent: none. */
  monitorPort?: number;
  pidFile?: string;
  logFile?: string;
}

const DEFAULT_MAX_PAYLOAD = 8 * 1024 * 1024;

/** A whole configuration for one nats-server (2.9.10 or later) with JetStream. */
export function natsServerConfig(settings: NatsServerSettings): string {
  const { host, port, storeDir, serverName, monitorPort, pidFile, logFile } = settings;
  const lines = [
    `listen: ${quoted(`${host}:${port}`)}`,
    ...(serverName === undefined ? [] : [`server_name: ${quoted(serverName)}`]),
    ...(monitorPort === undefined ? [] : [`http: ${quoted(`${host}:${monitorPort}`)}`]),
    ...(pidFile === undefined ? [] : [`pid_file: ${quoted(pidFile)}`]),
    ...(logFile === undefined ? [] : [`log_file: ${quoted(logFile)}`]),
    `jetstream { store_dir: ${quoted(storeDir)} }`,
  ];
  return `${lines.join('\n')}\n${natsAccessConfig(settings, settings.maxPayload)}`;
}

/**
 * The part of a configuration that says who may do what, for a server whose other settings are someone else's.
 *
 * Publishers and subscribers are in accounts of their own, without JetStream. They need `_INBOX.>` for answers, and in a
 * common account that would let them listen to one another. And an answer goes to whatever subject the question names:
 * in the services' account those are commands, streams, and JetStream's API, which deletes a stream on an empty
 * message. In theirs nothing is there to be reached but what they import. The publishers' account imports `sli.>`, the
 * receipts for its inboxes and the dead letters of measurements; for the subscribers' see `subscriber-account.ts`.
 */
export function natsAccessConfig(access: NatsAccess, maxPayload = DEFAULT_MAX_PAYLOAD): string {
  const { services, publisher, subscriber } = access;
  const receipts = Subjects.receipt('_INBOX.>');
  const lines = (entries: readonly string[]) => entries.map((entry) => `      ${entry}`).join('\n');
  return `max_payload: ${maxPayload}
# A client that hangs is let go after 15 seconds, so that commands go to the others of its queue group.
ping_interval: "5s"
ping_max: 2
accounts {
  BELLWETHER {
    jetstream: enabled
    users: [
      { ${credentials(services)} }
    ]
    exports: [
      { service: ${quoted(Subjects.allSli)}, accounts: [PUBLISHERS] }
      { stream: ${quoted(receipts)}, accounts: [PUBLISHERS] }
      { stream: ${quoted(Subjects.allDeadSli)}, accounts: [PUBLISHERS] }
${lines(exportsToSubscribers('SUBSCRIBERS'))}
    ]
  }
  PUBLISHERS {
    users: [
      { ${credentials(publisher)}, permissions: {
        publish: { allow: [${quoted(Subjects.allSli)}] }
        subscribe: { allow: ["_INBOX.>", ${quoted(Subjects.allDeadSli)}] }
      } }
    ]
    imports: [
      { service: { account: BELLWETHER, subject: ${quoted(Subjects.allSli)} } }
      { stream: { account: BELLWETHER, subject: ${quoted(receipts)} }, to: "_INBOX.>" }
      { stream: { account: BELLWETHER, subject: ${quoted(Subjects.allDeadSli)} } }
    ]
  }
  SUBSCRIBERS {
    users: [
      { ${credentials(subscriber)}, permissions: ${subscriberPermissions(access.protectedConsumers ?? SERVICE_NAMES)} }
    ]
    imports: [
${lines(importsOfSubscribers('BELLWETHER'))}
    ]
  }
}
`;
}

function credentials({ user, password }: NatsUser): string {
  return `user: ${quoted(user)}, password: ${secret(password)}`;
}

function secret(value: Secret): string {
  if (typeof value === 'string') {
    // nats-server takes this prefix for a hash, and nobody could log in with what was meant as the password itself.
    if (value.startsWith('$2a$')) throw new TypeError('a password must not begin with "$2a$"');
    if (value === '') throw new TypeError('a password must not be empty');
    return quoted(value);
  }
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(value.env)) {
    throw new TypeError(`not the name of an environment variable: ${value.env}`);
  }
  return `$${value.env}`;
}

/** @throws TypeError for text that nats-server's syntax cannot hold in one string */
function quoted(text: string): string {
  if (/[\p{Cc}]/u.test(text))
    throw new TypeError('a setting of nats-server must not hold control characters');
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
