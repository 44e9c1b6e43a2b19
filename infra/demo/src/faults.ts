/** How the demo's payment service misbehaves at the moment. */
export interface Fault {
  /** Share of requests that fail, 0 to 1. */
  failRate: number;
  /** Extra time per request, in milliseconds. */
  delayMillis: number;
}

export const HEALTHY: Fault = { failRate: 0, delayMillis: 0 };

/** What `npm run demo -- break` does: 60 % of payments fail, and slowly. */
export const BROKEN: Fault = { failRate: 0.6, delayMillis: 120 };

/** Reads a fault from a request body. @throws RangeError for anything else */
export function parseFault(body: unknown): Fault {
  const { failRate, delayMillis } = (body ?? {}) as Partial<Fault>;
  if (typeof failRate !== 'number' || !(failRate >= 0 && failRate <= 1))
    throw new RangeError('failRate must be a number from 0 to 1');
  if (typeof delayMillis !== 'number' || !(delayMillis >= 0 && delayMillis <= 10_000))
    throw new RangeError('delayMillis must be a number from 0 to 10000');
  return { failRate, delayMillis };
}
