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

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A checkout with these entries in package-lock.json and in what npm says it has installed. */
function checkout(wanted: object, installed?: object, links: string[] = []): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'bellwether-prepare-'));
  folders.push(folder);
  writeFileSync(path.join(folder, 'package-lock.json'), JSON.stringify({ packages: wanted }));
  mkdirSync(path.join(folder, 'node_modules'));
  for (const link of links) mkdirSync(path.join(folder, link), { recursive: true });
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
    'node_modules/only-on-mac': { version: '1.0.0', optional: true },
  };
  const installed = { 'node_modules/pg': { version: '8.23.1' } };
  const links = ['node_modules/@bellwether/bus'];

  test('nothing is installed', () => {
    expect(missingDependency(checkout(wanted))).toBe('nothing is installed yet');
  });

  test('what is installed fits, optional packages of other platforms aside', () => {
    expect(missingDependency(checkout(wanted, installed, links))).toBeNull();
  });

  test('another version, a package and a workspace that is new', () => {
    const old = { 'node_modules/pg': { version: '8.0.0' } };
    expect(missingDependency(checkout(wanted, old, links))).toMatch(/^pg is not installed/);
    expect(missingDependency(checkout(wanted, {}, links))).toMatch(/^pg is not installed/);
    expect(missingDependency(checkout(wanted, installed))).toMatch(/^@bellwether\/bus is not installed/);
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
