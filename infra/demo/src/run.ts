import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { positionInMemory, subscribe } from '@bellwether/client';
import { generateLoad } from './load.js';
import { findOrStart, type LocalRun, ROOT, runningDemo, stateFile } from './local-run.js';
import { startPager } from './pager.js';
import { lineOf, pageLine } from './screen.js';
import { forkShopService, type ServiceProcess } from './services.js';
import { SHOP_SERVICES, type Urls } from './shop.js';
import { Way } from './way.js';

/** Requests a second of the load generator. */
const LOAD_PER_SECOND = 40;

/** Runs the shop, its load and its pagers until Ctrl-C, and shows what Bellwether makes of it. */
export async function runDemo(say: (line: string) => void): Promise<void> {
  const stop = new AbortController();
  // A Ctrl-C arrives several times, from the terminal and from npm: the second must not end what the first began.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());
  // Whoever started it is gone, without a signal.
  process.once('disconnect', () => stop.abort());
  // That is listened for must not keep this process from ending.
  process.channel?.unref();
  refuseSecond();
  const bellwether = await findOrStart(say);
  const secret = `whsec_${randomBytes(24).toString('base64')}`;
  const pager = await startPager(secret, ({ person, notification }) => say(pageLine(person, notification)));
  const running: ServiceProcess[] = [];
  const way = new Way(say);
  try {
    say('applying the services, SLOs, people and policy of the shop (infra/demo/manifests) …');
    applyManifests(bellwether, { PAGER_URL: pager.url, PAGER_SECRET: secret });
    const urls: Urls = {};
    for (const name of SHOP_SERVICES) {
      const service = await forkShopService(name, urls, bellwether.publisherUrl, (getsThrough) => {
        if (!stop.signal.aborted) way.heard(name, getsThrough);
      });
      urls[name] = service.url;
      running.push(service);
    }
    writeFileSync(
      stateFile(),
      JSON.stringify({ pid: process.pid, payment: urls.payment, storefront: urls.storefront }),
      { mode: 0o600 },
    );
    const events = await subscribe({
      servers: bellwether.subscriberUrl,
      durable: 'demo-screen',
      api: { url: bellwether.apiUrl, token: bellwether.token },
      position: positionInMemory(),
      from: 'now',
      onEvent: async (event) => {
        const line = lineOf(event);
        if (line !== undefined) say(line);
      },
    });
    say(
      `The shop is open: ${urls.storefront} (${LOAD_PER_SECOND} requests a second). Now, in another terminal:`,
    );
    say('  npm run demo -- break         payments fail for a minute');
    say('  npx bellwether status         budgets and burn rates');
    say('  npx bellwether events tail    the log, live');
    say(`  ${bellwether.apiUrl}/docs    the API`);
    say(`  ${urls.checkout}/metrics    what a Prometheus can scrape, of each of the four services`);
    await generateLoad(urls.storefront as string, LOAD_PER_SECOND, stop.signal);
    say('closing the shop: some seconds, when Bellwether was stopped before it …');
    await events.stop();
  } finally {
    rmSync(stateFile(), { force: true });
    // At once: each waits a while for a Bellwether that may have gone.
    await Promise.all(running.map((service) => service.stop()));
    await pager.stop();
    await bellwether.stop();
  }
}

/** Two demos of one Bellwether have the same people: the pages of the first would go to the receiver of the second. */
function refuseSecond(): void {
  const pid = runningDemo();
  if (pid !== undefined)
    throw new Error(`the demo runs already, as process ${pid}; end it first with Ctrl-C in its terminal`);
}

/** Applies the demo's manifests with the command a user would use. */
function applyManifests(bellwether: LocalRun, variables: Record<string, string>): void {
  const source = path.join(ROOT, 'infra/demo/manifests');
  const folder = mkdtempSync(path.join(tmpdir(), 'bellwether-demo-'));
  try {
    for (const file of readdirSync(source)) {
      const text = readFileSync(path.join(source, file), 'utf8').replace(
        /\$\{([A-Z_]+)\}/g,
        (whole, name: string) => variables[name] ?? whole,
      );
      writeFileSync(path.join(folder, file), text, { mode: 0o600 });
    }
    const { status, stderr } = spawnSync(
      process.execPath,
      [path.join(ROOT, 'apps/cli/dist/main.js'), 'apply', '-f', folder],
      {
        encoding: 'utf8',
        env: { ...process.env, BELLWETHER_URL: bellwether.apiUrl, BELLWETHER_TOKEN: bellwether.token },
      },
    );
    if (status !== 0) throw new Error(`the demo's manifests were not applied: ${stderr}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
