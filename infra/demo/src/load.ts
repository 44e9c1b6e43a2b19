/** What the load generator has seen. */
export interface LoadCounts {
  requests: number;
  failed: number;
}

/**
 * Sends real requests to the storefront until the signal: shoppers arrive at random (a Poisson process), four of ten
 * buy. At most `maxInFlight` requests at a time, so that a slow shop is not buried.
 * @param perSecond mean arrivals a second
 */
export async function generateLoad(
  storefront: string,
  perSecond: number,
  signal: AbortSignal,
  maxInFlight = 64,
): Promise<LoadCounts> {
  const counts: LoadCounts = { requests: 0, failed: 0 };
  let inFlight = 0;
  while (!signal.aborted) {
    const wait = (-Math.log(1 - Math.random()) / perSecond) * 1000;
    await new Promise((resolve) => setTimeout(resolve, wait));
    if (inFlight >= maxInFlight) continue;
    inFlight++;
    void shop(storefront, signal)
      .then((ok) => {
        counts.requests++;
        if (!ok) counts.failed++;
      })
      .finally(() => {
        inFlight--;
      });
  }
  return counts;
}

async function shop(storefront: string, signal: AbortSignal): Promise<boolean> {
  try {
    const response =
      Math.random() < 0.4
        ? await fetch(`${storefront}/orders`, { method: 'POST', body: '{}', signal })
        : await fetch(`${storefront}/`, { signal });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
