import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { eventually, freePort, temporaryFolder } from '@bellwether/testing';
import { afterEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { canReach } from './index.js';
import { processesOf } from './processes-of.fixture.js';
import { fakeServices, Run, type RunOptions } from './run.fixture.js';
import type { RunRecord } from './run-lock.js';

const isRoot = process.getuid?.() === 0;
const nobody = { name: 'nobody', uid: 65_534, gid: 65_534 };
const runs: Run[] = [];

async function start(options: RunOptions): Promise<Run> {
  const run = await Run.start(options);
  runs.push(run);
  return run;
}

/** A data folder and two fake services below a folder of the test's own. */
function place(): { folder: string; dataDir: string; services: ReturnType<typeof fakeServices> } {
  const folder = temporaryFolder('local');
  return { folder, dataDir: path.join(folder, 'data'), services: fakeServices(folder, ['one', 'two']) };
}

/** Why a process of this checkout cannot be run as the user nobody; null when it can. */
function cannotBeNobody(): string | null {
  if (spawnSync('setpriv', ['--version']).status !== 0) return 'setpriv of util-linux is not on this machine';
  const closed = [import.meta.dirname, process.execPath].find((place) => !canReach(place, nobody));
  return closed === undefined ? null : `${closed} lies below a folder that is closed to other users`;
}

const record = (dataDir: string) =>
  JSON.parse(readFileSync(path.join(dataDir, 'run.json'), 'utf8')) as RunRecord;

afterEach(async () => {
  for (const run of runs.splice(0)) {
    if (run.child.exitCode === null && run.child.signalCode === null) run.child.kill('SIGTERM');
    await run.ended();
  }
}, 60_000);

describe('a run in the foreground', () => {
  test('says ready once, prefixes lines, tells the token once, keeps it secret, and ends cleanly on SIGTERM', async () => {
    const { folder, dataDir, services } = place();
    const first = await start({ dataDir, services });
    await first.ready();
    expect(first.output.match(/^bellwether ready: .*$/gm)).toEqual([
      `bellwether ready: http://127.0.0.1:${first.ports.api}`,
    ]);
    expect(first.output).toMatch(/^one +\| \S+ info +listening database=true$/m);
    const token = readFileSync(path.join(dataDir, 'token'), 'utf8').trim();
    expect(first.output.split(token)).toHaveLength(2);
    for (const secret of ['token', 'secret-key', 'postgres-password', 'nats-password']) {
      expect(statSync(path.join(dataDir, secret)).mode & 0o777).toBe(0o600);
    }
    const password = readFileSync(path.join(dataDir, 'postgres-password'), 'utf8').trim();
    expect(first.output).not.toContain(password);

    first.child.kill('SIGTERM');
    expect(await first.ended()).toBe(0);
    // In order: the first service has gone before the second is asked.
    expect(first.output).toMatch(/one +\| draining\n.*two +\| draining/s);
    expect(processesOf(folder)).toEqual([]);

    const second = await start({ dataDir, services });
    await second.ready();
    expect(second.output).not.toContain(token);
    expect(readFileSync(path.join(dataDir, 'token'), 'utf8').trim()).toBe(token);
  }, 120_000);

  test('keeps its data between runs', async () => {
    const { dataDir, services } = place();
    const port = await freePort();
    const query = async (sql: string) => {
      const password = readFileSync(path.join(dataDir, 'postgres-password'), 'utf8').trim();
      const client = new pg.Client({
        host: '127.0.0.1',
        port,
        user: 'bellwether',
        password,
        database: 'bellwether',
      });
      await client.connect();
      try {
        return (await client.query(sql)).rows as unknown[];
      } finally {
        await client.end();
      }
    };
    const env = { BELLWETHER_POSTGRES_PORT: String(port) };
    const first = await start({ dataDir, services, env });
    await first.ready();
    await query('create table kept as select 42 as answer');
    first.child.kill('SIGINT');
    expect(await first.ended()).toBe(0);
    const second = await start({ dataDir, services, env });
    await second.ready();
    expect(await query('select answer from kept')).toEqual([{ answer: 42 }]);
  }, 120_000);

  test("a terminal's Ctrl-C reaches the supervisor alone, which stops the others in order", async () => {
    const { folder, dataDir, services } = place();
    const run = await start({ dataDir, services, env: { FAKE_ONE: 'slow' } });
    await run.ready();
    process.kill(-run.pid, 'SIGINT'); // the terminal signals the whole foreground group
    expect(await run.ended()).toBe(0);
    expect(run.output).toMatch(/stopping: SIGINT\n.*one +\| draining\n.*two +\| draining\n.*\| stopped\n$/s);
    expect(processesOf(folder)).toEqual([]);
  }, 60_000);

  test('ends while it is still starting', async () => {
    const { folder, dataDir, services } = place();
    const run = await start({ dataDir, services, env: { FAKE_ONE: 'never-ready' } });
    await eventually(() => expect(run.output).toContain('listening'), { timeoutMs: 30_000 });
    run.child.kill('SIGINT');
    expect(await run.ended()).toBe(0);
    expect(run.output).not.toContain('bellwether ready');
    expect(processesOf(folder)).toEqual([]);
  }, 60_000);
});

describe('a second start', () => {
  test('on the same folder says who runs there and what to do; the first is not disturbed', async () => {
    const { dataDir, services } = place();
    const first = await start({ dataDir, services });
    await first.ready();
    const second = await start({ dataDir, services });
    expect(await second.ended()).toBe(1);
    expect(second.output).toContain(
      `already runs on ${dataDir} (process ${first.pid}, http://127.0.0.1:${first.ports.api})`,
    );
    expect(second.output).toContain('BELLWETHER_DATA_DIR');
    expect(first.child.exitCode).toBeNull();
  }, 60_000);

  test('on taken ports names each port, its variable and the process', async () => {
    const { dataDir, services } = place();
    const holder = net.createServer().listen(0, '127.0.0.1');
    await new Promise((done) => holder.once('listening', done));
    const { port } = holder.address() as net.AddressInfo;
    try {
      for (const variable of ['BELLWETHER_API_PORT', 'BELLWETHER_NATS_PORT', 'BELLWETHER_POSTGRES_PORT']) {
        const run = await start({ dataDir, services, env: { [variable]: String(port) } });
        expect(await run.ended()).toBe(1);
        expect(run.output).toMatch(
          new RegExp(`Port ${port} .* is taken by process ${process.pid} .*${variable}`),
        );
      }
      // All at once: whoever frees one port does not want to hear of the next one after that.
      const other = net.createServer().listen(0, '127.0.0.1');
      await new Promise((done) => other.once('listening', done));
      const second = (other.address() as net.AddressInfo).port;
      const env = { BELLWETHER_INGEST_PORT: String(port), BELLWETHER_NATS_PORT: String(second) };
      const run = await start({ dataDir, services, env });
      expect(await run.ended()).toBe(1);
      other.close();
      expect(run.output).toMatch(new RegExp(`Port ${port} [(]ingest[)] is taken`));
      expect(run.output).toMatch(new RegExp(`Port ${second} [(]nats[)] is taken`));
    } finally {
      holder.close();
    }
  }, 60_000);

  test('after kill -9 of the supervisor: nothing is left running, and the next start just works', async () => {
    const { folder, dataDir, services } = place();
    const first = await start({ dataDir, services, env: { FAKE_TWO: 'deaf' } });
    await first.ready();
    first.child.kill('SIGKILL');
    await first.ended();
    // At once, while the guard still clears away.
    const second = await start({ dataDir, services });
    await second.ready();
    second.child.kill('SIGKILL');
    await second.ended();
    await eventually(() => expect(processesOf(folder)).toEqual([]), { timeoutMs: 30_000 });
    expect(readdirSync(dataDir)).toContain('run.json');
  }, 120_000);

  test('after kill -9 of supervisor and guard: the servers they left are found and ended', async () => {
    const { dataDir, services } = place();
    const first = await start({ dataDir, services });
    await first.ready();
    const { guard } = record(dataDir);
    process.kill(guard?.pid as number, 'SIGKILL');
    first.child.kill('SIGKILL');
    await first.ended();
    const left = processesOf(dataDir).filter((line) => /postgres -D|nats-server/.test(line));
    expect(left).toHaveLength(2);
    const second = await start({ dataDir, services });
    await second.ready();
    expect(processesOf(dataDir).filter((line) => left.includes(line))).toEqual([]);
  }, 120_000);
});

describe('what goes wrong', () => {
  test('with the settings is said all at once, of the services too, before anything is made or started', async () => {
    const { dataDir, services } = place();
    const run = await start({
      dataDir,
      services,
      env: {
        BELLWETHER_API_PORT: 'http',
        DATABASE_URL: 'mysql://x',
        BELLWETHER_SECRET_KEY: 'short',
        BELLWETHER_LOG_LEVEL: 'nonsense',
        BELLWETHER_PUBLIC_URL: 'example.org',
      },
    });
    expect(await run.ended()).toBe(1);
    expect(run.output.trim().split('\n')).toEqual([
      expect.stringContaining('BELLWETHER_API_PORT is "http"'),
      expect.stringContaining('DATABASE_URL must be a URL like postgresql://'),
      expect.stringContaining('BELLWETHER_SECRET_KEY must be 32 bytes in base64'),
      expect.stringMatching(/BELLWETHER_LOG_LEVEL is not valid. Expected: one of trace, debug, info/),
      expect.stringContaining('BELLWETHER_PUBLIC_URL is not valid'),
    ]);
    expect(existsSync(dataDir)).toBe(false);
  }, 60_000);

  test('does not cost the admin token: it is shown until a start has succeeded', async () => {
    const { dataDir, services } = place();
    const failed = await start({ dataDir, services, env: { FAKE_TWO: 'crash' } });
    expect(await failed.ended()).toBe(1);
    const token = readFileSync(path.join(dataDir, 'token'), 'utf8').trim();
    const mended = await start({ dataDir, services });
    await mended.ready();
    for (const { output } of [failed, mended]) {
      expect(output.match(/admin token: (.*)/)?.[1]).toBe(token);
      expect(output).toContain(`to see it: cat ${path.join(dataDir, 'token')}`);
    }
    mended.child.kill('SIGTERM');
    expect(await mended.ended()).toBe(0);
    const third = await start({ dataDir, services });
    await third.ready();
    expect(third.output).not.toContain(token);
  }, 120_000);

  test('a service that crashes is started again; Postgres and NATS too', async () => {
    const { dataDir, services } = place();
    const run = await start({ dataDir, services });
    await run.ready();
    process.kill(record(dataDir).services.one?.pid as number, 'SIGKILL');
    await eventually(() =>
      expect(run.output).toMatch(/one +\| was killed by SIGKILL; starting it again in 100 ms/),
    );
    await eventually(() => expect(run.output).toMatch(/one +\| ready again/));
    for (const [name, pattern] of [
      ['postgres', /postgres -D/],
      ['nats', /nats-server -c/],
    ] as const) {
      const [line] = processesOf(dataDir).filter((candidate) => pattern.test(candidate));
      process.kill(Number(line?.split(' ')[0]), 'SIGKILL');
      await eventually(() => expect(run.output).toMatch(new RegExp(`${name} +\\| runs again`)), {
        timeoutMs: 30_000,
      });
    }
    expect(run.output.match(/bellwether ready/g)).toHaveLength(1);
  }, 120_000);

  test('a guard that dies ends the run in order: what it watches is not left to itself', async () => {
    const { folder, dataDir, services } = place();
    const run = await start({ dataDir, services });
    await run.ready();
    const servers = processesOf(dataDir).filter((line) => /postgres -D|nats-server -c/.test(line));
    expect(servers).toHaveLength(2);
    process.kill(record(dataDir).guard?.pid as number, 'SIGKILL');
    expect(await run.ended()).toBe(1);
    expect(run.output).toMatch(/the guard process has died.*Start again\./);
    // Neither server was taken for ended and started again; both stopped after the services that need them.
    expect(run.output).not.toMatch(/starting it again/);
    expect(run.output).toMatch(/one +\| draining\n.*two +\| draining\n.*\| stopped\n$/s);
    expect(readFileSync(path.join(dataDir, 'nats', 'nats.log'), 'utf8')).toContain('Server Exiting');
    expect(existsSync(path.join(dataDir, 'run.json'))).toBe(false);
    expect(processesOf(folder)).toEqual([]);
  }, 60_000);

  test('a service that cannot start ends the run with the reason', async () => {
    const { folder, dataDir, services } = place();
    const run = await start({ dataDir, services, env: { FAKE_TWO: 'crash' } });
    expect(await run.ended()).toBe(1);
    expect(run.output).toContain('two did not start: it ended with code 3 3 times.');
    expect(run.output).toContain('the configuration is wrong');
    expect(processesOf(folder)).toEqual([]);
  }, 60_000);

  test('a database that is not there is named, without its password', async () => {
    const { dataDir, services } = place();
    const port = await freePort();
    const url = `postgresql://ada:hunter2@127.0.0.1:${port}/mine`;
    const run = await start({ dataDir, services, env: { DATABASE_URL: url } });
    expect(await run.ended()).toBe(1);
    expect(run.output).toContain(`127.0.0.1:${port}/mine`);
    expect(run.output).not.toContain('hunter2');
    expect(readdirSync(dataDir)).not.toContain('postgres');
  }, 60_000);
});

const asRoot = isRoot ? describe : describe.skip;
asRoot(`users${isRoot ? '' : ' (skipped: only root may take the place of another user)'}`, () => {
  test('below a folder that is closed to others, root keeps the database where Postgres reaches it', async () => {
    const { folder, services } = place();
    const home = path.join(folder, 'home');
    mkdirSync(home, { mode: 0o700 });
    const dataDir = path.join(home, 'data');
    const stateDir = path.join(temporaryFolder('state'), 'state');
    const env = { BELLWETHER_STATE_DIR: stateDir };
    const first = await start({ dataDir, services, env });
    await first.ready();
    const database = readFileSync(path.join(dataDir, 'postgres.location'), 'utf8').trim();
    expect(database.startsWith(stateDir)).toBe(true);
    expect(statSync(path.join(database, 'data')).uid).not.toBe(0);
    first.child.kill('SIGTERM');
    expect(await first.ended()).toBe(0);
    const second = await start({ dataDir, services, env });
    await second.ready();
    expect(readdirSync(stateDir)).toHaveLength(1);
  }, 120_000);

  const why = cannotBeNobody();
  (why === null ? test : test.skip)(
    `runs as an ordinary user, and says so when the folder is not theirs${why === null ? '' : ` (skipped: ${why})`}`,
    async () => {
      const { folder, services } = place();
      const home = path.join(folder, 'home');
      mkdirSync(home);
      chownSync(home, nobody.uid, nobody.gid);
      const dataDir = path.join(home, 'data');
      const run = await start({ dataDir, services, uid: nobody.uid });
      await run.ready();
      expect(statSync(path.join(dataDir, 'postgres')).uid).toBe(nobody.uid);
      run.child.kill('SIGTERM');
      expect(await run.ended()).toBe(0);

      // Root may take over: Postgres then runs as the owner of its files.
      const root = await start({ dataDir, services });
      await root.ready();
      root.child.kill('SIGTERM');
      expect(await root.ended()).toBe(0);

      const other = path.join(folder, 'roots');
      mkdirSync(other, { mode: 0o711 });
      const refused = await start({ dataDir: other, services, uid: nobody.uid });
      expect(await refused.ended()).toBe(1);
      expect(refused.output).toMatch(/cannot be used .*belong to another user/);
    },
    180_000,
  );
});
