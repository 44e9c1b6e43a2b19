import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { publishOverNats } from '@bellwether/client';
import { clockFromEnvironment } from '@bellwether/service/clock';
import type { Reporter } from './instrument.js';
import { hasEnded } from './local-run.js';
import { type ShopService, startShopService, type Urls } from './shop.js';

/** A service of the shop in a process of its own. */
export interface ServiceProcess {
  url: string;
  stop(): Promise<void>;
}

/** What such a process tells its parent. */
type Told = { url: string } | { getsThrough: boolean };

/**
 * Starts a service of the shop as a process that publishes its measurements to `natsUrl`.
 * @param onWay hears when its measurements do not get through, and when they do again
 */
export async function forkShopService(
  name: ShopService,
  urls: Urls,
  natsUrl: string,
  onWay: (getsThrough: boolean) => void,
): Promise<ServiceProcess> {
  const child = fork(path.join(import.meta.dirname, 'main.js'), ['service', name], {
    env: { ...process.env, DEMO_URLS: JSON.stringify(urls), DEMO_NATS_URL: natsUrl },
    // Ctrl-C reaches only the demo, which stops its services in order.
    detached: true,
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.on('message', (told: Told) => ('url' in told ? resolve(told.url) : onWay(told.getsThrough)));
    child.once('exit', (code) => reject(new Error(`the shop's ${name} service ended with code ${code}`)));
  });
  child.removeAllListeners('exit');
  return {
    url,
    stop: async () => {
      if (hasEnded(child)) return;
      const ended = once(child, 'exit');
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}

/** The body of such a process: it ends when its parent is gone. */
export async function runShopService(name: ShopService): Promise<void> {
  const tell = (told: Told): void => {
    if (process.connected) process.send?.(told);
  };
  /** Points that had got through when one did not; null while they do. */
  let before: number | null = null;
  const publisher = await publishOverNats({
    servers: process.env.DEMO_NATS_URL ?? '',
    source: `/shop/${name}`,
    // The shop is rehearsed on the clock that Bellwether is rehearsed on.
    clock: clockFromEnvironment(),
    onRetry: () => {
      if (before === null) tell({ getsThrough: false });
      before = publisher.counts.acknowledged;
    },
  });
  const watch = setInterval(() => {
    if (before === null || publisher.counts.acknowledged === before) return;
    before = null;
    tell({ getsThrough: true });
  }, 1_000);
  watch.unref();
  const reporter: Reporter = { measure: (service, sli, point) => void publisher.record(service, sli, point) };
  const service = await startShopService(name, JSON.parse(process.env.DEMO_URLS ?? '{}') as Urls, reporter);
  tell({ url: service.url });
  process.once('disconnect', async () => {
    await service.stop();
    await publisher.close(2_000);
    process.exit(0);
  });
}
