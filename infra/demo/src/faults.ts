/** How the demo's payment service misbehaves at the moment. */
export interface Fault {
  /** Share of requests that fail, 0 to 1. */
  failRate: number;
  /** Extra time per request, in milliseconds. */
  delayMillis: number;
  /** It is over by itself after so many seconds, whatever becomes of who asked for it; absent: it stays. */
  seconds?: number;
}

export const HEALTHY: Fault = { failRate: 0, delayMillis: 0 };

/** What `npm run demo -- break` does: 90 % of payments fail, and slowly. */
export const BROKEN: Fault = { failRate: 0.9, delayMillis: 120 };

/** Reads a fault from a request body. @throws RangeError for anything else */
export function parseFault(body: unknown): Fault {
  const { failRate, delayMillis, seconds } = (body ?? {}) as Partial<Fault>;
  if (typeof failRate !== 'number' || !(failRate >= 0 && failRate <= 1))
    throw new RangeError('failRate must be a number from 0 to 1');
  if (typeof delayMillis !== 'number' || !(delayMillis >= 0 && delayMillis <= 10_000))
    throw new RangeError('delayMillis must be a number from 0 to 10000');
  if (seconds === undefined) return { failRate, delayMillis };
  if (typeof seconds !== 'number' || !(seconds > 0 && seconds <= 3600))
    throw new RangeError('seconds must be a number up to 3600');
  return { failRate, delayMillis, seconds };
}
