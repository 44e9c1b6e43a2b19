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

/** Starts a service of the shop as a process that publishes its measurements to `natsUrl`. */
export async function forkShopService(
  name: ShopService,
  urls: Urls,
  natsUrl: string,
): Promise<ServiceProcess> {
  const child = fork(path.join(import.meta.dirname, 'main.js'), ['service', name], {
    env: { ...process.env, DEMO_URLS: JSON.stringify(urls), DEMO_NATS_URL: natsUrl },
    // Ctrl-C reaches only the demo, which stops its services in order.
    detached: true,
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.once('message', (message) => resolve((message as { url: string }).url));
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
  const publisher = await publishOverNats({
    servers: process.env.DEMO_NATS_URL ?? '',
    source: `/shop/${name}`,
    // The shop is rehearsed on the clock that Bellwether is rehearsed on.
    clock: clockFromEnvironment(),
  });
  const reporter: Reporter = { measure: (service, sli, point) => void publisher.record(service, sli, point) };
  const service = await startShopService(name, JSON.parse(process.env.DEMO_URLS ?? '{}') as Urls, reporter);
  process.send?.({ url: service.url });
  process.once('disconnect', async () => {
    await service.stop();
    await publisher.close(2_000);
    process.exit(0);
  });
}
