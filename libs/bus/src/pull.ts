import { createInbox, type Msg } from '@nats-io/transport-node';
import type { Bus } from './bus.js';
import { Delivery } from './delivery.js';
import type { DeclaredConsumer } from './topology.js';

export interface PullSize {
  /** Messages at most. */
  batch: number;
  /** Bytes at most; larger than any one message. */
  maxBytes: number;
  /** How long the server holds the request open. */
  expiresMs: number;
}

/**
 * While there is nothing to deliver the server says so this often. A request for a consumer that is not there gets no
 * answer at all, so silence is the only sign of it.
 */
const HEARTBEAT_MS = 1_000;
const SILENCE_MS = 2_500;

/**
 * Why a pull ended: `done`: the server gave what was asked for, or the time was over; `broken`: the consumer is gone,
 * or the server is not there: make sure of the consumer before pulling again; `stopped`: by the caller.
 */
export type PullEnd = 'done' | 'broken' | 'stopped';

/**
 * One pull request. Unlike the client library's `consume`, it ends on every sign of trouble (no responders, consumer
 * deleted, heartbeats missing, connection lost) and leaves the next step to the caller, at once: the library waits
 * for up to 30 seconds before it looks again whether a consumer exists. And it is bounded in bytes, which the
 * library's callback mode is not without stalling.
 */
export function pull(
  bus: Bus,
  consumer: DeclaredConsumer,
  size: PullSize,
  signal: AbortSignal,
  sink: (delivery: Delivery) => void,
): Promise<PullEnd> {
  return new Promise((resolve) => {
    let received = 0;
    let silence: NodeJS.Timeout;
    let takenBack = false;
    let heardSince = false;
    const end = (reason: PullEnd) => {
      clearTimeout(silence);
      stopListening();
      signal.removeEventListener('abort', onAbort);
      if (!bus.nc.isClosed()) subscription.unsubscribe();
      resolve(reason);
    };
    // What the server sent before it heard that nobody listens any more is taken: it would come again only after the
    // ack wait. A process that was paused finds its timers due before it has read what waits in its socket.
    const takeBack = (reason: () => PullEnd) => {
      if (takenBack) return;
      takenBack = true;
      clearTimeout(silence);
      silence = setTimeout(() => end(reason()), SILENCE_MS);
      subscription.drain().then(
        () => end(reason()),
        () => end(reason()),
      );
    };
    const onAbort = () => takeBack(() => 'stopped');
    const onSilence = () => takeBack(() => (heardSince ? 'done' : 'broken'));
    const heard = () => {
      heardSince = takenBack;
      if (takenBack) return;
      clearTimeout(silence);
      silence = setTimeout(onSilence, SILENCE_MS);
    };
    const onMessage = (error: Error | null, message: Msg) => {
      if (error) return end('broken');
      heard();
      const status = message.reply ? 0 : (message.headers?.code ?? 0);
      if (status === 0) {
        sink(new Delivery(bus.nc, message));
        received++;
        if (received === size.batch) end('done');
      } else if (status !== 100) {
        end(endOf(status, message.headers?.description ?? ''));
      }
    };
    const stopListening = bus.onLost(() => end('broken'));
    const inbox = createInbox(bus.inboxPrefix);
    const subscription = bus.nc.subscribe(inbox, { callback: onMessage });
    if (signal.aborted) return end('stopped');
    signal.addEventListener('abort', onAbort);
    heard();
    bus.nc.publish(
      `$JS.API.CONSUMER.MSG.NEXT.${consumer.stream}.${consumer.config.durable_name}`,
      JSON.stringify({
        batch: size.batch,
        max_bytes: size.maxBytes,
        expires: size.expiresMs * 1_000_000,
        idle_heartbeat: HEARTBEAT_MS * 1_000_000,
      }),
      { reply: inbox },
    );
  });
}

function endOf(status: number, description: string): PullEnd {
  if (status === 404 || status === 408) return 'done';
  return status === 409 && /exceeds maxbytes|batch completed/i.test(description) ? 'done' : 'broken';
}
