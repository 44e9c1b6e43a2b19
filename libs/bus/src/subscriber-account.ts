import { Streams, Subjects } from '@bellwether/contracts';

/** Durables on EVENTS that are the services' own. */
export const SERVICE_NAMES: readonly string[] = [
  'api',
  'evaluator',
  'incident',
  'ingest',
  'paging',
  'practice',
  'relay',
];

const API = '$JS.API';
const stream = Streams.EVENTS;

/** What the account of subscribers takes from the services' account, under the same subject. One answer each. */
const ASKED = [
  `${API}.INFO`,
  `${API}.STREAM.NAMES`,
  `${API}.STREAM.INFO.${stream}`,
  `${API}.CONSUMER.INFO.${stream}.*`,
  `${API}.CONSUMER.LIST.${stream}`,
  `${API}.CONSUMER.NAMES.${stream}`,
  `$JS.ACK.${stream}.>`,
  `$JS.ACK.*.*.${stream}.>`,
  `$JS.FC.${stream}.>`,
];
/**
 * Many answers. The server remembers where to send them for so long after the last one: longer than clients wait in one
 * pull (30 seconds by default), not so long that those of a busy subscriber pile up.
 */
const PULLED = `${API}.CONSUMER.MSG.NEXT.${stream}.*`;
const LONGEST_PULL = '5m';

/**
 * What does not go to JetStream but to `SubscriberApi`, which looks into it: a consumer may be told to deliver to any
 * subject of the account that it is in, and no permission can see that.
 *
 * `>` where `*` would say it better: 2.9.10 crashes when an answer is sent to an import that maps a `*` (it looks for
 * that token in the answer's own, shorter subject).
 */
const GUARDED = [
  `CONSUMER.CREATE.${stream}`,
  `CONSUMER.CREATE.${stream}.>`,
  `CONSUMER.DURABLE.CREATE.${stream}.>`,
  `CONSUMER.DELETE.${stream}.>`,
];

/**
 * What is heard as it is published, by whoever listens at that moment: events, and measurements that were refused. An
 * answer to one of them stays in the account of the listener.
 */
const HEARD = [Subjects.allEvents, Subjects.allDeadSli];

const DELIVERED = Subjects.delivery('_INBOX.>');

const quoted = (text: string) => `"${text}"`;
const list = (subjects: readonly string[]) => `[${subjects.map(quoted).join(', ')}]`;

/** What the services' account exports for `account`, in nats-server's syntax. */
export function exportsToSubscribers(account: string): string[] {
  const to = `accounts: [${account}]`;
  return [
    ...ASKED.map((subject) => `{ service: ${quoted(subject)}, ${to} }`),
    `{ service: ${quoted(PULLED)}, response: stream, threshold: ${quoted(LONGEST_PULL)}, ${to} }`,
    ...GUARDED.map((operation) => `{ service: ${quoted(Subjects.subscriberRequest(operation))}, ${to} }`),
    ...HEARD.map((subject) => `{ stream: ${quoted(subject)}, ${to} }`),
    `{ stream: ${quoted(DELIVERED)}, ${to} }`,
  ];
}

/** The same, as subscribers' account imports it from `account`. */
export function importsOfSubscribers(account: string): string[] {
  const from = (subject: string) => `{ account: ${account}, subject: ${quoted(subject)} }`;
  return [
    ...[...ASKED, PULLED].map((subject) => `{ service: ${from(subject)} }`),
    ...GUARDED.map(
      (operation) =>
        `{ service: ${from(Subjects.subscriberRequest(operation))}, to: ${quoted(`${API}.${operation}`)} }`,
    ),
    ...HEARD.map((subject) => `{ stream: ${from(subject)} }`),
    `{ stream: ${from(DELIVERED)}, to: "_INBOX.>" }`,
  ];
}

/**
 * Permissions of a subscriber: to ask what its account imports, less what is the services' own, and to listen to events,
 * refused measurements and its inboxes.
 */
export function subscriberPermissions(protectedConsumers: readonly string[]): string {
  const allow = [...ASKED, PULLED, ...GUARDED.map((operation) => `${API}.${operation}`)];
  const deny = protectedConsumers.flatMap((name) => [
    `${API}.CONSUMER.CREATE.${stream}.${name}`,
    `${API}.CONSUMER.CREATE.${stream}.${name}.>`,
    `${API}.CONSUMER.DURABLE.CREATE.${stream}.${name}`,
    `${API}.CONSUMER.DELETE.${stream}.${name}`,
    `${API}.CONSUMER.MSG.NEXT.${stream}.${name}`,
    `$JS.ACK.${stream}.${name}.>`,
    `$JS.ACK.*.*.${stream}.${name}.>`,
  ]);
  return `{
        publish: { allow: ${list(allow)}, deny: ${list(deny)} }
        subscribe: { allow: ${list(['_INBOX.>', ...HEARD])} }
      }`;
}
