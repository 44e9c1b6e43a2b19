import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';

interface Prepare {
  missingDependency(folder: string): string | null;
  foreignFolders(folder: string, canWrite: (file: string) => boolean): { name: string; uid: number }[];
  foreignText(
    foreign: { name: string; uid: number }[],
    folder: string,
    user: string,
    ownerOf: (uid: number) => string,
  ): string;
  natsServer: { debian: string };
  installation(
    program: { debian: string },
    machine: { platform: string; isRoot: boolean; has: (program: string) => boolean },
  ): {
    by: string;
    command: string;
  };
}
const file = '../bin/prepare.mjs';
const { foreignFolders, foreignText, installation, missingDependency, natsServer } = (await import(
  file
)) as Prepare;

const checkouts: string[] = [];
afterEach(() => {
  for (const folder of checkouts.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A checkout with these entries in package-lock.json and in what npm says it has installed. */
function checkout(wanted: object, installed?: object, folders: string[] = []): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'bellwether-prepare-'));
  checkouts.push(folder);
  writeFileSync(path.join(folder, 'package-lock.json'), JSON.stringify({ packages: wanted }));
  mkdirSync(path.join(folder, 'node_modules'));
  for (const there of folders) mkdirSync(path.join(folder, there), { recursive: true });
  if (installed) {
    const hidden = path.join(folder, 'node_modules/.package-lock.json');
    writeFileSync(hidden, JSON.stringify({ packages: installed }));
  }
  return folder;
}

describe('dependencies are installed only when they have to be', () => {
  const wanted = {
    '': { version: '1.0.0' },
    'libs/bus': { version: '0.1.0' },
    'node_modules/@bellwether/bus': { link: true },
    'node_modules/pg': { version: '8.23.1' },
    'apps/cli/node_modules/commander': { version: '14.0.3' },
    'node_modules/only-on-mac': { version: '1.0.0', optional: true },
  };
  const installed = {
    'node_modules/pg': { version: '8.23.1' },
    'apps/cli/node_modules/commander': { version: '14.0.3' },
  };
  const folders = ['node_modules/@bellwether/bus', ...Object.keys(installed)];

  test('nothing is installed', () => {
    expect(missingDependency(checkout(wanted))).toBe('nothing is installed yet');
  });

  test('what is installed fits, optional packages of other platforms aside', () => {
    expect(missingDependency(checkout(wanted, installed, folders))).toBeNull();
  });

  test('another version, a package and a workspace that is new', () => {
    const old = { ...installed, 'node_modules/pg': { version: '8.0.0' } };
    expect(missingDependency(checkout(wanted, old, folders))).toMatch(/^pg is not installed/);
    expect(missingDependency(checkout(wanted, {}, folders))).toMatch(/^pg is not installed/);
    expect(missingDependency(checkout(wanted, installed))).toMatch(/^@bellwether\/bus is not installed/);
  });

  test('the folder of a workspace of its own is missing, whatever the list says', () => {
    const others = folders.filter((folder) => !folder.startsWith('apps/'));
    expect(missingDependency(checkout(wanted, installed, others))).toMatch(
      /^apps\/cli\/node_modules\/commander is not installed/,
    );
  });
});

describe('a checkout of another user', () => {
  const built = ['.nx/cache', 'apps/api/dist/commands', 'libs/slo/src', '.bellwether', 'node_modules/pg'];

  test('is everything that a start writes to and may not; what is installed already is not written to', () => {
    const folder = checkout(
      { 'node_modules/pg': { version: '1.0.0' } },
      { 'node_modules/pg': { version: '1.0.0' } },
      built,
    );
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

describe('nats-server', () => {
  const machine = (platform: string, isRoot: boolean, ...programs: string[]) =>
    installation(natsServer, { platform, isRoot, has: (program) => programs.includes(program) });

  test('is installed by root on Debian, and by anybody with Homebrew', () => {
    expect(machine('linux', true, 'apt-get')).toMatchObject({ by: 'apt' });
    expect(machine('darwin', false, 'brew')).toEqual({ by: 'brew', command: 'brew install nats-server' });
  });

  test('else the person is told the command', () => {
    expect(machine('linux', false, 'apt-get')).toEqual({
      by: 'hand',
      command: "sudo sh -c 'apt-get update && apt-get install -y nats-server'",
    });
    expect(machine('darwin', true, 'brew')).toMatchObject({
      by: 'hand',
      command: 'brew install nats-server',
    });
    expect(machine('linux', true).command).toContain('github.com/nats-io/nats-server');
  });
});
