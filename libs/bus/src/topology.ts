import { Streams, Subjects } from '@bellwether/contracts';
import {
  AckPolicy,
  type ConsumerConfig,
  DeliverPolicy,
  DiscardPolicy,
  ReplayPolicy,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from '@nats-io/jetstream';

const DAY_MS = 24 * 60 * 60 * 1000;
const MIB = 1024 * 1024;
/** For how long the server knows a message by its id. */
const REPEATS_MS = 120_000;
/**
 * The same of the copies of the log. The relay repeats what was not acknowledged at once; what was removed from a copy
 * cannot be stored there again before it is forgotten, and holds up what is behind it for so long.
 */
const COPY_REPEATS_MS = 20_000;
const nanos = (millis: number) => millis * 1_000_000;

/** How much a stream keeps: what is over any of the limits goes (or, for SLI, is refused at the door). */
export interface StreamLimits {
  maxAgeMs: number;
  /** -1: any number. */
  maxMessages: number;
  /** The server sets this much of its storage aside. */
  maxBytes: number;
}

/** Settings of the streams. */
export interface Topology {
  /** Copies of each stream: 1, or 3 in a cluster. */
  replicas: number;
  sli: StreamLimits;
  measured: StreamLimits;
  events: StreamLimits;
  dlq: StreamLimits;
  abandoned: StreamLimits;
}

export const defaultTopology: Topology = {
  replicas: 1,
  sli: { maxAgeMs: 7 * DAY_MS, maxMessages: -1, maxBytes: 1024 * MIB },
  measured: { maxAgeMs: 7 * DAY_MS, maxMessages: 1_000_000, maxBytes: 1024 * MIB },
  events: { maxAgeMs: 7 * DAY_MS, maxMessages: 1_000_000, maxBytes: 1024 * MIB },
  dlq: { maxAgeMs: 30 * DAY_MS, maxMessages: 1_000_000, maxBytes: 256 * MIB },
  abandoned: { maxAgeMs: 30 * DAY_MS, maxMessages: 100_000, maxBytes: 32 * MIB },
};

/** A subscriber that gives up on an event of EVENTS after its own MaxDeliver: the server says so once, in a core message. */
export const MAX_DELIVERIES_ADVISORY = '$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES';

export type DeclaredStream = Pick<
  StreamConfig,
  | 'name'
  | 'description'
  | 'subjects'
  | 'retention'
  | 'storage'
  | 'discard'
  | 'max_age'
  | 'max_msgs'
  | 'max_bytes'
  | 'num_replicas'
  | 'duplicate_window'
>;

/** Every stream there is. All need nothing newer than nats-server 2.9. */
export function declaredStreams(topology: Topology): DeclaredStream[] {
  const stream = (
    name: string,
    description: string,
    subjects: string[],
    discard: DiscardPolicy,
    limits: StreamLimits,
    repeatsMs = REPEATS_MS,
  ): DeclaredStream => ({
    name,
    description,
    subjects,
    discard,
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    max_age: nanos(limits.maxAgeMs),
    max_msgs: limits.maxMessages,
    max_bytes: limits.maxBytes,
    num_replicas: topology.replicas,
    duplicate_window: nanos(repeatsMs),
  });
  return [
    // New messages are refused when it is full: dropping the oldest would lose measurements that the broker accepted.
    stream(Streams.SLI, 'Measurements in', [Subjects.allSli], DiscardPolicy.New, topology.sli),
    stream(
      Streams.MEASURED,
      'Copy of the measurement journals',
      [Subjects.allMeasured],
      DiscardPolicy.Old,
      topology.measured,
      COPY_REPEATS_MS,
    ),
    stream(
      Streams.EVENTS,
      'Copy of the control journal',
      [Subjects.allEvents],
      DiscardPolicy.Old,
      topology.events,
      COPY_REPEATS_MS,
    ),
    stream(Streams.DLQ, 'Dead letters', [Subjects.allDead], DiscardPolicy.Old, topology.dlq),
    // Advisories are plain messages: nobody would hear one that comes while nobody listens. They are not among the dead
    // letters, which a subscriber that gives up on everything would drive out.
    stream(
      Streams.ABANDONED,
      'What subscribers gave up on',
      [`${MAX_DELIVERIES_ADVISORY}.>`],
      DiscardPolicy.Old,
      topology.abandoned,
    ),
  ];
}

/** A durable pull consumer: which stream it reads, and its configuration. */
export interface DeclaredConsumer {
  stream: string;
  config: Pick<
    ConsumerConfig,
    | 'durable_name'
    | 'description'
    | 'filter_subject'
    | 'ack_policy'
    | 'ack_wait'
    | 'max_ack_pending'
    | 'max_deliver'
    | 'deliver_policy'
    | 'replay_policy'
  >;
}

/**
 * A service's consumer of the whole control journal. It begins with what is published from now on: what was before
 * comes from the log, from the service's own checkpoint. Its acknowledgements only keep the server from sending
 * things again; the checkpoint is the truth.
 */
export function eventsConsumer(service: string): DeclaredConsumer {
  return {
    stream: Streams.EVENTS,
    config: {
      durable_name: service,
      description: `the ${service} service, whole journal in order`,
      filter_subject: Subjects.allEvents,
      ack_policy: AckPolicy.All,
      ack_wait: nanos(30_000),
      max_ack_pending: 2_000,
      max_deliver: -1,
      deliver_policy: DeliverPolicy.New,
      replay_policy: ReplayPolicy.Instant,
    },
  };
}

/**
 * The consumer of inbound work, shared by all instances of a service. MaxDeliver is unlimited: the service itself
 * sends a message to the dead letters and acknowledges it then. With a MaxDeliver the server would only stop
 * delivering, and its sole sign of it is an advisory that can be lost.
 */
export function workConsumer(options: {
  stream: string;
  durable: string;
  filterSubject: string;
  ackWaitMs?: number;
  maxAckPending?: number;
}): DeclaredConsumer {
  return {
    stream: options.stream,
    config: {
      durable_name: options.durable,
      description: `work of the ${options.durable} service`,
      filter_subject: options.filterSubject,
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(options.ackWaitMs ?? 30_000),
      max_ack_pending: options.maxAckPending ?? 10_000,
      max_deliver: -1,
      deliver_policy: DeliverPolicy.All,
      replay_policy: ReplayPolicy.Instant,
    },
  };
}
