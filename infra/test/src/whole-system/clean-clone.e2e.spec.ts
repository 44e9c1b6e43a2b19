import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { checkout, freePort } from '@bellwether/local';
import { afterAll, expect, jest, test } from '@jest/globals';
import { temporaryFolder } from '../temporary-folder.js';
import { processesWith, Terminal } from './terminal.fixture.js';

jest.setTimeout(600_000);

const git = (cwd: string, ...args: string[]) => spawnSync('git', args, { cwd, encoding: 'utf8' });
const hasHistory = git(checkout, 'rev-parse', '--verify', 'HEAD').status === 0;
const why = hasHistory ? '' : ' (skipped: this folder is no git checkout, there is nothing to clone)';

const terminals: Terminal[] = [];
afterAll(async () => {
  await Promise.all(terminals.map((terminal) => terminal.interrupt()));
});

/** What a shell has that knows nothing of this checkout or of the run of npm that this test is in. */
function freshEnvironment(): NodeJS.ProcessEnv {
  const ours = /^(BELLWETHER_|NX_|OTEL_|PG|INIT_CWD|NODE_(OPTIONS|ENV)|JEST_|(DATABASE|NATS)_URL$)/;
  // Of npm's variables, only where it gets packages from.
  const npms = /^npm_(?!config_(cache|registry|userconfig|globalconfig|cafile|proxy|https_proxy|noproxy)$)/;
  const kept = Object.entries(process.env).filter(([name]) => !ours.test(name) && !npms.test(name));
  const places = (process.env.PATH ?? '')
    .split(path.delimiter)
    .filter((place) => !place.startsWith(checkout));
  return {
    ...Object.fromEntries(kept),
    PATH: places.join(path.delimiter),
    npm_config_prefer_offline: 'true',
  };
}

(hasHistory ? test : test.skip)(
  `npm start in a new clone, in a home that is closed to others, needs nothing else and keeps its data${why}`,
  async () => {
    const home = path.join(temporaryFolder('clone'), 'home');
    mkdirSync(home, { mode: 0o700 });
    const clone = path.join(home, 'bellwether');
    expect(git(home, 'clone', '--quiet', checkout, clone)).toMatchObject({ status: 0 });
    expect(existsSync(path.join(clone, 'node_modules'))).toBe(false);
    const stateDir = path.join(temporaryFolder('state'), 'state');
    const env = {
      ...freshEnvironment(),
      BELLWETHER_STATE_DIR: stateDir,
      BELLWETHER_API_PORT: String(await freePort()),
      BELLWETHER_INGEST_PORT: String(await freePort()),
      BELLWETHER_NATS_PORT: String(await freePort()),
    };
    const start = async () => {
      const terminal = new Terminal('npm start', { cwd: clone, env });
      terminals.push(terminal);
      const [, url = ''] = await terminal.shows(/^bellwether ready: (http:\S+)$/m, 300_000);
      return { terminal, url };
    };
    const stop = async (terminal: Terminal) => {
      // npm itself may end by the signal; what it started says how it went.
      expect([0, 130, 'SIGINT']).toContain(await terminal.interrupt());
      expect(terminal.screen).toMatch(/^bellwether +[|] stopped$/m);
      expect(terminal.screen).not.toMatch(/killed|did not stop/);
      expect(processesWith(clone)).toEqual([]);
    };

    const first = await start();
    expect(first.terminal.screen).toContain('installing dependencies with npm ci (nothing is installed yet)');
    const [, token = ''] = await first.terminal.shows(/admin token: (bw_\S+)/);
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const service = `${first.url}/v1/services/kept`;
    const made = await fetch(service, { method: 'PUT', headers, body: JSON.stringify({ tier: 1 }) });
    expect([made.status, await made.text()]).toEqual([201, expect.stringContaining('kept')]);
    await stop(first.terminal);

    const data = path.join(clone, '.bellwether');
    expect(readFileSync(path.join(data, 'token'), 'utf8').trim()).toBe(token);
    if (process.getuid?.() === 0) {
      // Postgres refuses root, and nobody else comes through the home: its files and programs lie outside.
      const database = readFileSync(path.join(data, 'postgres.location'), 'utf8').trim();
      expect(database.startsWith(stateDir)).toBe(true);
      expect(statSync(path.join(database, 'data')).uid).not.toBe(0);
      expect(readdirSync(stateDir)).toContainEqual(expect.stringMatching(/^postgresql-18/));
    }
    expect(git(clone, 'status', '--porcelain').stdout).toBe('');

    const second = await start();
    expect(second.terminal.screen).not.toContain('installing dependencies');
    expect(second.terminal.screen).not.toContain(token);
    const again = await fetch(service, { headers });
    expect([again.status, await again.json()]).toEqual([200, expect.objectContaining({ name: 'kept' })]);
    await stop(second.terminal);
  },
);
