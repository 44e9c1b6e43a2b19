import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';

interface OwnFolders {
  foreignFolders(folder: string, canWrite: (file: string) => boolean): { name: string; uid: number }[];
  foreignText(
    foreign: { name: string; uid: number }[],
    folder: string,
    user: string,
    ownerOf: (uid: number) => string,
  ): string;
}
const file = '../bin/own-folders.mjs';
const { foreignFolders, foreignText } = (await import(file)) as OwnFolders;

const checkouts: string[] = [];
afterEach(() => {
  for (const folder of checkouts.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A checkout in which one package is installed. */
function checkout(folders: string[]): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'bellwether-own-'));
  checkouts.push(folder);
  for (const there of folders) mkdirSync(path.join(folder, there), { recursive: true });
  const packages = JSON.stringify({ packages: { 'node_modules/pg': { version: '1.0.0' } } });
  for (const list of ['package-lock.json', 'node_modules/.package-lock.json'])
    writeFileSync(path.join(folder, list), packages);
  return folder;
}

describe('a checkout of another user', () => {
  const built = ['.nx/cache', 'apps/api/dist/commands', 'libs/slo/src', '.bellwether', 'node_modules/pg'];

  test('is everything that a start writes to and may not; what is installed already is not written to', () => {
    const folder = checkout(built);
    const namesOf = (canWrite: (file: string) => boolean) =>
      foreignFolders(folder, canWrite).map(({ name }) => name);
    expect(namesOf(() => true)).toEqual([]);
    expect(namesOf(() => false)).toEqual([
      '.',
      '.nx',
      '.nx/cache',
      'apps/api',
      'libs/slo',
      'apps/api/dist',
      'apps/api/dist/commands',
      '.bellwether',
    ]);
    // Once started by root: only what that start made.
    expect(namesOf((file) => !file.includes('dist'))).toEqual(['apps/api/dist', 'apps/api/dist/commands']);
    rmSync(path.join(folder, 'node_modules/pg'), { recursive: true });
    expect(namesOf((file) => !file.endsWith('node_modules'))).toEqual(['node_modules']);
  });

  test('is also what root left in its data folder, but for the files of Postgres, who runs as another user', () => {
    const folder = checkout([...built, '.bellwether/nats/jetstream', '.bellwether/postgres/data']);
    const left = ['nats/nats.pid', 'nats/jetstream/1.blk', 'postgres/data/PG_VERSION', 'run.json', 'token'];
    for (const each of left) writeFileSync(path.join(folder, '.bellwether', each), '');
    const foreign = foreignFolders(folder, (file) => !/pid$|blk$|VERSION$|run.json$|postgres$/.test(file));
    expect(foreign.map(({ name }) => name).sort()).toEqual([
      '.bellwether/nats/jetstream/1.blk',
      '.bellwether/nats/nats.pid',
      '.bellwether/run.json',
    ]);
  });

  const ownerOf = (uid: number) => (uid === 0 ? 'root' : 'games');
  test('is told with whose it is, who we are, and what to do', () => {
    const foreign = ['.nx', 'a', 'b', 'c', 'd', 'e', 'f'].map((name) => ({ name, uid: 0 }));
    expect(foreignText(foreign, '/srv/bellwether', 'games', ownerOf).split('\n')).toEqual([
      'User games may not write to what a start writes to in /srv/bellwether:',
      '  .nx, a, b, c, d and 2 more: of user root',
      "Start as root; or make the folder games's, if nothing runs in it: sudo chown -R games '/srv/bellwether'",
      "or use a clone of your own: git clone '/srv/bellwether' bellwether",
    ]);
    expect(foreignText([{ name: '.nx', uid: 5 }], '/srv/bellwether', 'games', ownerOf)).toMatch(
      /chmod -R u[+]w '\/srv\/bellwether'$/,
    );
  });
});
