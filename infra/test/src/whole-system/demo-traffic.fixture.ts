import {
  BROKEN,
  generateLoad,
  HEALTHY,
  type Reporter,
  type RunningService,
  SHOP_SERVICES,
  startShopService,
  type Urls,
} from '@bellwether/demo';
import { eventually } from '../eventually.js';
import type { CountsAt } from './data-sets.fixture.js';

type Report = CountsAt & { p95Seconds: number };

/** The bound, in seconds, of the bucket of milliseconds that the 95th percentile is in. */
function p95(buckets: [number | '+Inf', number][]): number {
  const total = buckets.reduce((sum, [, count]) => sum + count, 0);
  let seen = 0;
  for (const [bound, count] of buckets) {
    seen += count;
    if (seen >= 0.95 * total) return bound === '+Inf' ? 10 : bound / 1000;
  }
  return 0;
}

/**
 * Traffic of the demo's shop: real requests over loopback while it is well, while payments fail, and while it is well
 * again. What the checkout service measured of itself is the story, a report taken as a minute.
 */
export async function demoTraffic(): Promise<Record<'history' | 'fault' | 'calm', Report[]>> {
  const reports: Report[] = [];
  const reporter: Reporter = {
    measure: (service, _sli, point) => {
      if (service !== 'checkout') return;
      // One after the other, of the same second.
      if ('good' in point) reports.push({ seconds: reports.length * 60, ...point, p95Seconds: 0 });
      else reports.at(-1)!.p95Seconds = p95(point.buckets);
    },
  };
  const urls: Urls = {};
  const running: RunningService[] = [];
  const stopLoad = new AbortController();
  try {
    for (const name of SHOP_SERVICES) {
      const service = await startShopService(name, urls, reporter);
      urls[name] = service.url;
      running.push(service);
    }
    const load = generateLoad(urls.storefront as string, 100, stopLoad.signal);
    const collect = async (count: number): Promise<Report[]> => {
      reports.length = 0;
      await eventually(
        () => {
          if (reports.length < count) throw new Error('the shop has not reported yet');
        },
        { timeoutMs: 30_000 },
      );
      return reports.slice(0, count);
    };
    const setFault = (fault: typeof HEALTHY) =>
      fetch(`${urls.payment}/fault`, { method: 'PUT', body: JSON.stringify(fault) });
    const well = await collect(4);
    await setFault(BROKEN);
    await collect(1);
    const ill = await collect(3);
    await setFault(HEALTHY);
    stopLoad.abort();
    await load;
    // Two days of it: the same measured minutes over and over.
    const history = Array.from({ length: 2 * 24 * 60 }, (_, i) => ({
      ...(well[i % well.length] as Report),
      seconds: i * 60,
    }));
    const repeat = (list: Report[], times: number) => Array.from({ length: times }, () => list).flat();
    return { history, fault: repeat(ill, 3), calm: repeat(well, 10) };
  } finally {
    stopLoad.abort();
    for (const service of running.reverse()) await service.stop();
  }
}
