import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandReply } from '@bellwether/contracts';
import { errors, type Msg, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node';
import { BusUnavailable, ConnectionLost, NoResponders, RequestTimeout } from './errors.js';

/** What of a bus a request needs. */
interface Line {
  readonly nc: NatsConnection;
  whenConnected(timeoutMs: number): Promise<void>;
  whileConnected<T>(work: () => Promise<T>): Promise<T>;
}

export interface AskOptions {
  headers: MsgHdrs;
  timeoutMs: number;
  /** How long to wait for somebody to be there. */
  graceMs: number;
  /** Whether an answer that takes long is asked for again. */
  repeat: boolean;
}

/** After so long without an answer the request is sent again, milliseconds, and so often at most. */
const AGAIN_MS = 1_000;
const MOST_TIMES = 5;
/**
 * A request that has less time than this for its answer is not begun, milliseconds: "nobody is there" would come too late,
 * and be taken for an answer that was lost.
 */
const SHORTEST_MS = 100;

/**
 * Sends a request until there is an answer. It is sent again when nobody was there, when the connection was lost with
 * the request under way, and when the answer takes long: the server goes on giving requests to an instance that hangs.
 * The command id makes sure that it has its effect once.
 *
 * @throws NoResponders it was certainly not carried out
 * @throws RequestTimeout nobody knows
 */
export async function ask(bus: Line, subject: string, body: string, options: AskOptions): Promise<Msg> {
  const begin = performance.now();
  const left = (of: number) => of - (performance.now() - begin);
  const grace = Math.min(options.graceMs, options.timeoutMs - SHORTEST_MS);
  let uncertain = false;
  for (;;) {
    const over = new AbortController();
    try {
      // Without a connection the client would keep the request and send it much later, to a caller long gone.
      await bus.whenConnected(left(options.timeoutMs));
      return await bus.whileConnected(() =>
        firstAnswer(
          (timeout) => bus.nc.request(subject, body, { timeout, headers: options.headers }),
          () => left(options.timeoutMs),
          options.repeat ? MOST_TIMES : 1,
          over.signal,
        ),
      );
    } catch (error) {
      if (error instanceof errors.TimeoutError) throw new RequestTimeout(subject, options.timeoutMs);
      const nobody = isNobody(error);
      if (!nobody && !(error instanceof BusUnavailable)) throw error;
      uncertain ||= error instanceof ConnectionLost;
      if (left(nobody ? grace : options.timeoutMs) <= 0 || bus.nc.isClosed()) {
        throw uncertain ? new RequestTimeout(subject, options.timeoutMs) : new NoResponders(subject);
      }
      await sleep(Math.max(1, Math.min(50, left(grace))));
    } finally {
      over.abort();
    }
  }
}

/** The first answer of several requests, `most` at most, sent one after the other until `signal` aborts. */
function firstAnswer(
  send: (timeoutMs: number) => Promise<Msg>,
  left: () => number,
  most: number,
  signal: AbortSignal,
): Promise<Msg> {
  const { promise, resolve, reject } = Promise.withResolvers<Msg>();
  let open = 0;
  let again: NodeJS.Timeout;
  const ask = (times: number) => {
    open += 1;
    if (times < most && left() > AGAIN_MS) again = setTimeout(() => ask(times + 1), AGAIN_MS);
    const settle = (done: () => void, last: boolean) => {
      open -= 1;
      if (last || open === 0) done();
    };
    send(Math.max(1, left())).then(
      // That an instance cannot do it now says nothing of one that was asked before, and may be doing it.
      (answer) => settle(() => resolve(answer), times === 1 || !isUnavailable(answer)),
      (error: unknown) => settle(() => reject(error), false),
    );
  };
  signal.addEventListener('abort', () => clearTimeout(again));
  ask(1);
  return promise;
}

function isUnavailable(answer: Msg): boolean {
  const reply = answer.json<CommandReply>();
  return !reply.ok && reply.problem.status === 503;
}

function isNobody(error: unknown): boolean {
  if (error instanceof errors.NoRespondersError) return true;
  return error instanceof errors.RequestError && error.isNoResponders();
}
