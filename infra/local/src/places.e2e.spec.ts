import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { temporaryFolder } from '@bellwether/testing';
import { describe, expect, test } from '@jest/globals';
import { DataFolder } from './data-folder.js';
import { installedBinaries, reachableBinaries } from './postgres-binaries.js';
import { postgresPlace } from './postgres-folder.js';
import { identify } from './process-identity.js';
import { RunLock } from './run-lock.js';
import { canReach } from './unprivileged-user.js';

const nobody = { name: 'nobody', uid: 65_534, gid: 65_534 };
const urls = { apiUrl: 'http://127.0.0.1:1', ingestUrl: 'http://127.0.0.1:2', natsUrl: 'nats://127.0.0.1:3' };

/** A folder that only its owner may enter. */
function closedFolder(): string {
  const folder = path.join(temporaryFolder('closed'), 'home');
  mkdirSync(folder, { mode: 0o700 });
  return folder;
}

test('a folder is reachable when every folder above it lets others through', () => {
  const open = temporaryFolder('open');
  expect(canReach(open, nobody)).toBe(true);
  const closed = closedFolder();
  mkdirSync(path.join(closed, 'below'));
  expect(canReach(path.join(closed, 'below'), nobody)).toBe(process.getuid?.() === nobody.uid);
  expect(canReach(path.join(open, 'not', 'there', 'yet'), nobody)).toBe(true);
});

test('binaries below a closed folder are copied, once, to where they run', () => {
  const installed = installedBinaries();
  const closed = { ...installed, folder: path.join(closedFolder(), 'native') };
  cpSync(installed.folder, closed.folder, { recursive: true, verbatimSymlinks: true });
  const state = path.join(temporaryFolder('state'), 'state');
  const { folder } = reachableBinaries(nobody, state, closed);
  expect(folder).toBe(path.join(state, `postgresql-${installed.version}`));
  expect(spawnSync(path.join(folder, 'bin/postgres'), ['--version'], { encoding: 'utf8' }).stdout).toMatch(
    /PostgreSQL[)]? 18/,
  );
  const made = statSync(folder).ctimeMs;
  expect(reachableBinaries(nobody, state, closed).folder).toBe(folder);
  expect(statSync(folder).ctimeMs).toBe(made);
  expect(readdirSync(state)).toHaveLength(1);
  // An ordinary user runs them where they are.
  expect(reachableBinaries(null, state, closed).folder).toBe(closed.folder);
}, 30_000);

const isRoot = process.getuid?.() === 0;
(isRoot ? describe : describe.skip)(`root's database${isRoot ? '' : ' (skipped: we are not root)'}`, () => {
  test('stays in a data folder that Postgres reaches', () => {
    const data = DataFolder.open(path.join(temporaryFolder('data'), 'data'));
    const place = postgresPlace(data, '/nowhere');
    expect(place.folder).toBe(data.file('postgres'));
    expect(place.user?.uid).toBeGreaterThan(0);
  });

  test('of a copied data folder is not started on: it is the database of the original', () => {
    const state = path.join(temporaryFolder('state'), 'state');
    const home = closedFolder();
    const data = DataFolder.open(path.join(home, 'data'));
    const { folder } = postgresPlace(data, state);
    mkdirSync(folder);
    expect(postgresPlace(data, state).folder).toBe(folder);
    cpSync(data.path, path.join(home, 'copy'), { recursive: true });
    const copy = DataFolder.open(path.join(home, 'copy'));
    expect(() => postgresPlace(copy, state)).toThrow(/is a copy of .* Remove .*postgres[.]location/);
  });

  test('whose way has been closed says how to open it', () => {
    const home = temporaryFolder('data');
    const data = DataFolder.open(path.join(home, 'data'));
    mkdirSync(data.file('postgres', 'data'), { recursive: true });
    chmodSync(home, 0o700);
    expect(() => postgresPlace(data, '/nowhere')).toThrow(/chmod o[+]x/);
  });
});

describe('the lock of a data folder', () => {
  test('is held by one, however many start at once, and free after the holder died', async () => {
    const data = DataFolder.open(path.join(temporaryFolder('data'), 'data'));
    const gone = { pid: 2 ** 22 + 1, started: '0' };
    writeFileSync(
      data.file('run.json'),
      JSON.stringify({ supervisor: gone, guard: gone, services: {}, ...urls }),
    );
    const takes = await Promise.allSettled(Array.from({ length: 8 }, () => RunLock.take(data, urls)));
    const won = takes.flatMap((take) => (take.status === 'fulfilled' ? [take.value] : []));
    expect(won).toHaveLength(1);
    expect(won[0]?.afterCrash).toBe(true);
    for (const take of takes) {
      if (take.status === 'rejected') expect(String(take.reason)).toMatch(/already runs on/);
    }
    won[0]?.lock.release();
    expect(readdirSync(data.path)).toEqual([]);
  });

  test('is not fooled by another name of the folder, a process that took the number over, or a broken file', async () => {
    const home = temporaryFolder('data');
    const data = DataFolder.open(path.join(home, 'data'));
    symlinkSync(data.path, path.join(home, 'alias'));
    const { lock } = await RunLock.take(data, urls);
    await expect(RunLock.take(DataFolder.open(path.join(home, 'alias')), urls)).rejects.toThrow(
      /already runs/,
    );
    lock.release();

    const recycled = { pid: process.pid, started: `${identify(process.pid)?.started}0` };
    for (const left of [
      JSON.stringify({ supervisor: recycled, guard: null, services: {} }),
      '{"supervisor"',
      '',
    ]) {
      writeFileSync(data.file('run.json'), left);
      const again = await RunLock.take(data, urls);
      expect(again.afterCrash).toBe(true);
      again.lock.release();
    }
  });

  test('its record holds no secret', async () => {
    const data = DataFolder.open(path.join(temporaryFolder('data'), 'data'));
    const { lock } = await RunLock.take(data, urls);
    lock.update({ guard: identify(process.pid) });
    expect(Object.keys(JSON.parse(readFileSync(lock.file, 'utf8')) as object).sort()).toEqual(
      ['apiUrl', 'guard', 'ingestUrl', 'natsUrl', 'services', 'supervisor'].sort(),
    );
    lock.release();
    expect(existsSync(lock.file)).toBe(false);
  });
});
