import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';

interface Prepare {
  missingDependency(folder: string): string | null;
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
const { installation, missingDependency, natsServer } = (await import(file)) as Prepare;

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
