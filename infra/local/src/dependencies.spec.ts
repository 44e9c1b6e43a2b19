import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, jest, test } from '@jest/globals';

interface Dependencies {
  installedSoFar(folder: string): string;
  missingDependency(folder: string): string | null;
  tellingOf<T>(work: Promise<T>, tell: (seconds: number) => void): Promise<T>;
}
const file = '../bin/dependencies.mjs';
const { installedSoFar, missingDependency, tellingOf } = (await import(file)) as Dependencies;

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

describe('an installation', () => {
  afterEach(() => void jest.useRealTimers());

  test('that takes long tells now and then that it goes on, until it has ended', async () => {
    jest.useFakeTimers();
    const told: number[] = [];
    const work = Promise.withResolvers<string>();
    const ended = tellingOf(work.promise, (seconds) => told.push(seconds));
    jest.advanceTimersByTime(40_000);
    expect(told).toEqual([15, 30]);
    work.resolve('done');
    expect(await ended).toBe('done');
    jest.advanceTimersByTime(60_000);
    expect(told).toEqual([15, 30]);
  });

  test('says how far it is', () => {
    const folder = checkout(
      {
        '': {},
        'apps/cli': {},
        'node_modules/pg': { version: '8.0.0' },
        'node_modules/zod': { version: '4.0.0' },
        'node_modules/of-another-system': { version: '1.0.0', optional: true },
      },
      undefined,
      ['node_modules/pg'],
    );
    // npm makes the folder first, and fills it.
    expect(installedSoFar(folder)).toBe('0 of 2 packages are there');
    writeFileSync(path.join(folder, 'node_modules/pg/package.json'), '{}');
    expect(installedSoFar(folder)).toBe('1 of 2 packages are there');
  });
});
