import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { SloStatus } from '@bellwether/contracts';
import { checkout, freePort } from '@bellwether/local';
import { afterAll, expect, jest, test } from '@jest/globals';
import { eventually } from '../eventually.js';
import { temporaryFolder } from '../temporary-folder.js';
import { processesWith, Terminal } from './terminal.fixture.js';

jest.setTimeout(600_000);

const folder = temporaryFolder('demo');
const dataDir = path.join(folder, 'data');
const clockFile = path.join(folder, 'offset');
const terminals: Terminal[] = [];
let env: NodeJS.ProcessEnv = {};

/** A new terminal in the checkout, and what is typed there. */
function type(command: string): Terminal {
  const terminal = new Terminal(command, { cwd: checkout, env });
  terminals.push(terminal);
  return terminal;
}

/** Types a command as the screen shows it, and returns what it answers. */
async function answerTo(command: string): Promise<string> {
  const terminal = type(command);
  expect([command, await terminal.ended(), terminal.screen]).toEqual([command, 0, expect.any(String)]);
  return terminal.screen;
}

afterAll(async () => {
  await Promise.all(terminals.map((terminal) => terminal.interrupt()));
});

test('the demo: the shop breaks, somebody is paged, and every command that it shows works as it is shown', async () => {
  writeFileSync(clockFile, '0');
  env = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    TMPDIR: process.env.TMPDIR,
    BELLWETHER_DATA_DIR: dataDir,
    BELLWETHER_STATE_DIR: path.join(folder, 'state'),
    BELLWETHER_API_PORT: String(await freePort()),
    BELLWETHER_INGEST_PORT: String(await freePort()),
    BELLWETHER_NATS_PORT: String(await freePort()),
    BELLWETHER_CLOCK_FILE: clockFile,
  };
  const demo = type('npm run demo');
  await demo.shows(/The shop is open: http:.*\n.*npm run demo -- break.*\n.*\n.*\n.*[/]docs/, 240_000);
  const [breaks, ...looks] = [...demo.screen.matchAll(/^ {2}(np[mx] .*?) {2,}\S/gm)].map(
    ([, command]) => command as string,
  );
  expect([breaks, ...looks]).toEqual([
    'npm run demo -- break',
    'npx bellwether status',
    'npx bellwether events tail',
  ]);
  await eventually(
    async () => {
      const status = await answerTo(looks[0] as string);
      expect(status).toMatch(/^checkout-availability +ok +99 % +[\d.]+ %/m);
      expect(status).toMatch(/^storefront-latency +\S+ +95 % +[\d.]+ %/m);
    },
    { timeoutMs: 30_000 },
  );
  const [docs = ''] = demo.screen.match(/http:\S+[/]docs/) ?? [];
  const token = readFileSync(path.join(dataDir, 'token'), 'utf8').trim();
  const authorization = `Bearer ${token}`;
  expect((await fetch(docs, { headers: { authorization } })).status).toBe(200);

  const tail = type(looks[1] as string);
  await tail.shows(/live; Ctrl-C ends it/);
  const breaking = type(breaks as string);
  await breaking.shows(/Payments fail now: 90 %/);
  await demo.shows(/slo[.]alert[.]fired checkout-availability: page-fast, burn [\d.]+ over 5m/);
  // On a machine that is slow enough, the storefront's latency has an incident, too.
  const [, incident = ''] = await demo.shows(/incident[.]declared (INC-\d+): checkout-availability burns/);
  const page = `${incident}-P1`;
  await demo.shows(new RegExp(`page[.]requested ${page}: step 1, to (ada|grace)`));
  await demo.shows(/☎ {2}(ada|grace), you are paged {2}checkout-availability burns/);
  await demo.shows(new RegExp(`page[.]delivered ${page}: (ada|grace) has it`));
  await tail.shows(/slo[.]alert[.]fired(.*\n)*.*incident[.]declared/);
  await tail.interrupt();

  const shown = [...demo.screen.matchAll(/^ +[$] (npx bellwether .*)$/gm)].map(
    ([, command]) => command as string,
  );
  const expected = {
    'npx bellwether status checkout-availability': /page-fast|page fast/,
    [`npx bellwether incident show ${incident}`]: /investigating/,
    [`npx bellwether page show ${page}`]: /checkout-availability burns/,
    [`npx bellwether explain ${page}`]: /page[.]requested(.*\n)*.*measured checkout[/]availability/,
    [`npx bellwether page ack ${page}`]: /acknowledged/,
  };
  expect(shown).toEqual(expect.arrayContaining(Object.keys(expected)));
  await Promise.all(
    Object.entries(expected).map(async ([command, answer]) =>
      expect(await answerTo(command)).toMatch(answer),
    ),
  );
  await demo.shows(new RegExp(`page[.]acknowledged ${page}`));

  await breaking.interrupt();
  expect(breaking.screen).toContain('Payments work again.');

  // The bad minutes leave the window: the clock goes on, in steps between which the shop is measured.
  const api = docs.replace('/docs', '/v1/slos/checkout-availability/status');
  let offset = 0;
  await eventually(
    async () => {
      const now = Date.now() + offset;
      const answer = await fetch(api, { headers: { authorization } });
      const { watermark } = (await answer.json()) as SloStatus;
      if (watermark !== null && Date.parse(watermark) > now - 2_000) {
        offset += 20_000;
        writeFileSync(clockFile, String(offset));
      }
      expect(demo.screen).toMatch(/slo[.]alert[.]resolved checkout-availability: page-fast/);
    },
    { timeoutMs: 120_000 },
  );
  await demo.shows(new RegExp(`incident[.]status-changed ${incident}: .* → monitoring`));

  // npm itself may end by the signal; what it started has stopped in order by then.
  expect([0, 130, 'SIGINT']).toContain(await demo.interrupt());
  expect(processesWith(dataDir)).toEqual([]);
});
