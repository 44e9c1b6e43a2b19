/**
 * Every NATS subject, stream and header name that Bellwether uses is spelled here and nowhere else.
 */
export const Streams = {
  SLI: 'SLI',
  MEASURED: 'MEASURED',
  EVENTS: 'EVENTS',
  DLQ: 'DLQ',
  ABANDONED: 'ABANDONED',
} as const;

export const Headers = {
  messageId: 'Nats-Msg-Id',
  /** The id of what must be the stream's last message. */
  lastMessageId: 'Nats-Expected-Last-Msg-Id',
  service: 'Bellwether-Service',
  severity: 'Bellwether-Severity',
  position: 'Bellwether-Position',
  journal: 'Bellwether-Journal',
  error: 'Bellwether-Error',
  path: 'Bellwether-Path',
  /** Inbox on which a publisher wants a receipt after the commit to the log. */
  receipt: 'Bellwether-Receipt',
  correlation: 'Bellwether-Correlation',
  traceparent: 'traceparent',
  contentType: 'content-type',
} as const;

export const Subjects = {
  /** Measurements in: `sli.<service>.<sli>`. */
  sli: (service: string, sli: string) => `sli.${service}.${sli}`,
  allSli: 'sli.>',
  /** Copy of a measurement journal: `measured.<00..15>`. */
  measured: (journal: string) => `measured.${journal.replace('measurement-', '')}`,
  allMeasured: 'measured.>',
  /** Events out: `evt.<event>.<key>`; the event name has dots of its own (`evt.slo.alert.fired.checkout-availability`). */
  event: (type: string, key: string) => `evt.${type}.${key}`,
  allEvents: 'evt.>',
  /** Refused measurements: `dlq.sli.<service>.<sli>`. */
  deadSli: (service: string, sli: string) => `dlq.sli.${service}.${sli}`,
  /** Dead letter of any inbound subject. */
  dead: (subject: string) => `dlq.${subject}`,
  /** All refused measurements. */
  allDeadSli: 'dlq.sli.>',
  allDead: 'dlq.>',
  /** Requests to a service: `cmd.<service>.<name>`. */
  command: (service: string, name: string) => `cmd.${service}.${name}`,
  /** Core NATS nudge after a commit: `log.appended.<journal>`, payload the position. */
  appended: (journal: string) => `log.appended.${journal}`,
  allAppended: 'log.appended.>',
  /** What subscribers ask about consumers of their own, as services see it: `subscriber.<JetStream's operation>`. */
  subscriberRequest: (operation: string) => `subscriber.${operation}`,
  allSubscriberRequests: 'subscriber.>',
  /** Where a push consumer of a subscriber delivers: the subscribers' account imports it as `inbox`. */
  delivery: (inbox: string) => `deliver.${inbox}`,
  /** Receipt for a publisher: the publishers' account imports it as `inbox`. */
  receipt: (inbox: string) => `receipt.${inbox}`,
} as const;

/** The key of a log stream: what follows the first colon (`incident:INC-1` → `INC-1`). It is the wire's `subject`. */
export function keyOfStream(stream: string): string {
  return stream.slice(stream.indexOf(':') + 1);
}

/** Names of log streams (aggregates). */
export const LogStreams = {
  service: (name: string) => `service:${name}`,
  sli: (service: string, sli: string) => `sli:${service}/${sli}`,
  /** How the source of an SLI answers: apart from its definition, whose versions count what people change. */
  source: (service: string, sli: string) => `source:${service}/${sli}`,
  slo: (name: string) => `slo:${name}`,
  rule: (name: string) => `rule:${name}`,
  incident: (id: string) => `incident:${id}`,
  page: (id: string) => `page:${id}`,
  schedule: (name: string) => `schedule:${name}`,
  policy: (name: string) => `policy:${name}`,
  user: (name: string) => `user:${name}`,
  token: (id: string) => `token:${id}`,
  change: (service: string) => `change:${service}`,
  freeze: (name: string) => `freeze:${name}`,
  gate: (service: string) => `gate:${service}`,
  measurement: (service: string, sli: string) => `measurement:${service}/${sli}`,
} as const;
