import { setTimeout as sleep } from 'node:timers/promises';
import { errors, type Msg, type MsgHdrs } from '@nats-io/transport-node';
import type { Bus } from './bus.js';
import { BusUnavailable, NoResponders, RequestTimeout } from './errors.js';

/** One request. Only "nobody is there" is tried again: then it was certainly not carried out. */
export async function askOnce(
  bus: Bus,
  subject: string,
  body: string,
  options: { headers: MsgHdrs; timeoutMs: number; graceMs: number },
): Promise<Msg> {
  const begin = performance.now();
  const left = (of: number) => of - (performance.now() - begin);
  for (;;) {
    try {
      // Without a connection the client would keep the request and send it much later, to a caller long gone.
      await bus.whenConnected(left(options.timeoutMs));
      return await bus.nc.request(subject, body, {
        timeout: Math.max(1, left(options.timeoutMs)),
        headers: options.headers,
      });
    } catch (error) {
      if (error instanceof BusUnavailable) throw new NoResponders(subject);
      if (error instanceof errors.TimeoutError) throw new RequestTimeout(subject, options.timeoutMs);
      const absent =
        error instanceof errors.NoRespondersError ||
        (error instanceof errors.RequestError && error.isNoResponders());
      if (!absent) throw error;
      if (left(options.graceMs) <= 0) throw new NoResponders(subject);
      await sleep(Math.min(50, left(options.graceMs)));
    }
  }
}
