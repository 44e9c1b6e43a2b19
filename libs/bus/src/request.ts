import { setTimeout as sleep } from 'node:timers/promises';
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
}

/**
 * Sends a request until there is an answer. It is sent again when nobody was there, and when the connection was lost
 * with the request under way: its command id makes sure that it has its effect once.
 *
 * @throws NoResponders it was certainly not carried out
 * @throws RequestTimeout nobody knows
 */
export async function ask(bus: Line, subject: string, body: string, options: AskOptions): Promise<Msg> {
  const begin = performance.now();
  const left = (of: number) => of - (performance.now() - begin);
  let uncertain = false;
  for (;;) {
    try {
      // Without a connection the client would keep the request and send it much later, to a caller long gone.
      await bus.whenConnected(left(options.timeoutMs));
      return await bus.whileConnected(() =>
        bus.nc.request(subject, body, {
          timeout: Math.max(1, left(options.timeoutMs)),
          headers: options.headers,
        }),
      );
    } catch (error) {
      if (error instanceof errors.TimeoutError) throw new RequestTimeout(subject, options.timeoutMs);
      const nobody = isNobody(error);
      if (!nobody && !(error instanceof BusUnavailable)) throw error;
      uncertain ||= error instanceof ConnectionLost;
      if (left(nobody ? options.graceMs : options.timeoutMs) <= 0 || bus.nc.isClosed()) {
        throw uncertain ? new RequestTimeout(subject, options.timeoutMs) : new NoResponders(subject);
      }
      await sleep(Math.max(1, Math.min(50, left(options.graceMs))));
    }
  }
}

function isNobody(error: unknown): boolean {
  if (error instanceof errors.NoRespondersError) return true;
  return error instanceof errors.RequestError && error.isNoResponders();
}
