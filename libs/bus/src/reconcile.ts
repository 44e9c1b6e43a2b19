import {
  type ConsumerInfo,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  type StreamInfo,
} from '@nats-io/jetstream';
import { TopologyConflict } from './errors.js';
import type { DeclaredConsumer, DeclaredStream } from './topology.js';

const INSUFFICIENT_STORAGE = 10047;
const STREAM_NAME_EXISTS = 10058;
const SUBJECTS_OVERLAP = 10065;
const LEAST_BYTES = 16 * 1024 * 1024;

/** What was done to make reality fit the declaration. */
export type Reconciled = 'kept' | 'created' | 'updated' | 'recreated';

/**
 * Makes a stream exist as declared. Safe to run from many processes at once.
 * @throws TopologyConflict when a stream of that name differs in what cannot be changed
 */
export async function ensureStream(jsm: JetStreamManager, declared: DeclaredStream): Promise<Reconciled> {
  const actual = (await streamInfo(jsm, declared.name)) ?? (await createStream(jsm, declared));
  if (actual === 'created') return 'created';
  const { config } = actual;
  if (config.retention !== declared.retention || config.storage !== declared.storage) {
    throw new TopologyConflict(
      `stream ${declared.name} exists with retention "${config.retention}" and storage "${config.storage}", but ` +
        `"${declared.retention}" and "${declared.storage}" are needed, which cannot be changed. It is not a stream ` +
        'of Bellwether, or was edited by hand: remove it (events are published again from the log).',
    );
  }
  if (streamFits(declared, actual)) return 'kept';
  await jsm.streams.update(declared.name, declared);
  return 'updated';
}

/**
 * Makes a durable consumer exist as declared, and replaces one whose acknowledgements are ahead of its stream: after
 * a loss of power the stream may be shorter than what the consumer remembers, and such a consumer never delivers
 * again, without any sign of it.
 */
export async function ensureConsumer(jsm: JetStreamManager, declared: DeclaredConsumer): Promise<Reconciled> {
  const { stream, config } = declared;
  const name = config.durable_name as string;
  const actual = await consumerInfo(jsm, stream, name);
  if (actual === null) {
    await jsm.consumers.add(stream, config);
    return 'created';
  }
  const state = (await jsm.streams.info(stream)).state;
  const ahead = Math.max(actual.ack_floor.stream_seq, actual.delivered.stream_seq) > state.last_seq;
  const changeable = actual.config.ack_policy === config.ack_policy;
  const sameFilter = actual.config.filter_subject === config.filter_subject;
  if (ahead || !changeable || !sameFilter) {
    await jsm.consumers.delete(stream, name).catch((error: unknown) => {
      if (!isApiError(error, JetStreamApiCodes.ConsumerNotFound)) throw error;
    });
    await jsm.consumers.add(stream, config);
    return 'recreated';
  }
  if (
    actual.config.ack_wait === config.ack_wait &&
    actual.config.max_ack_pending === config.max_ack_pending
  ) {
    return 'kept';
  }
  await jsm.consumers.update(stream, name, {
    ack_wait: config.ack_wait as number,
    max_ack_pending: config.max_ack_pending as number,
  });
  return 'updated';
}

/**
 * Creates a stream, or finds the one that another process created meanwhile. The server looks for the name and for
 * overlapping subjects one after the other, so that a process that comes between may be told that the stream's
 * subjects are taken: by the very stream it asks for.
 */
async function createStream(
  jsm: JetStreamManager,
  declared: DeclaredStream,
): Promise<StreamInfo | 'created'> {
  try {
    await addWithinStorage(jsm, declared);
    return 'created';
  } catch (error) {
    const taken = isApiError(error, SUBJECTS_OVERLAP) || isApiError(error, STREAM_NAME_EXISTS);
    const made = taken ? await streamInfo(jsm, declared.name) : null;
    if (made === null) throw error;
    return made;
  }
}

/** The server refuses a stream that it might not be able to fill; on a small disk a smaller one is better than none. */
async function addWithinStorage(jsm: JetStreamManager, declared: DeclaredStream): Promise<void> {
  for (let bytes = declared.max_bytes; ; bytes = Math.floor(bytes / 2)) {
    try {
      await jsm.streams.add({ ...declared, max_bytes: bytes });
      return;
    } catch (error) {
      if (!isApiError(error, INSUFFICIENT_STORAGE) || bytes / 2 < LEAST_BYTES) throw error;
    }
  }
}

function streamFits(declared: DeclaredStream, actual: StreamInfo): boolean {
  const { config } = actual;
  return (
    sameSet(config.subjects, declared.subjects) &&
    config.discard === declared.discard &&
    config.max_age === declared.max_age &&
    config.max_msgs === declared.max_msgs &&
    bytesFit(config.max_bytes, declared.max_bytes) &&
    config.num_replicas === declared.num_replicas &&
    config.duplicate_window === declared.duplicate_window
  );
}

/** Equal, or halved some times for lack of storage. */
function bytesFit(actual: number, declared: number): boolean {
  for (let bytes = declared; bytes >= LEAST_BYTES; bytes = Math.floor(bytes / 2)) {
    if (actual === bytes) return true;
  }
  return actual === declared;
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item) => b.includes(item));
}

async function streamInfo(jsm: JetStreamManager, name: string): Promise<StreamInfo | null> {
  try {
    return await jsm.streams.info(name);
  } catch (error) {
    if (isApiError(error, JetStreamApiCodes.StreamNotFound)) return null;
    throw error;
  }
}

async function consumerInfo(
  jsm: JetStreamManager,
  stream: string,
  name: string,
): Promise<ConsumerInfo | null> {
  try {
    return await jsm.consumers.info(stream, name);
  } catch (error) {
    if (isApiError(error, JetStreamApiCodes.ConsumerNotFound)) return null;
    throw error;
  }
}

function isApiError(error: unknown, code: number): boolean {
  return error instanceof JetStreamApiError && error.code === code;
}
