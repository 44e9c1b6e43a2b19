import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';

const root = path.resolve(import.meta.dirname, '../../..');
const json = <T>(file: string) => JSON.parse(readFileSync(path.join(root, file), 'utf8')) as T;

interface Entry {
  version?: string;
  resolved?: string;
  link?: boolean;
  integrity?: string;
  optional?: boolean;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}
const { packages } = json<{ packages: Record<string, Entry> }>('package-lock.json');

/** Where Node would find the package `name` from the place `from`; undefined when the lock file has none. */
function find(name: string, from: string): string | undefined {
  for (let folder = from; ; ) {
    const place = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (packages[place]) return place;
    if (folder === '') return undefined;
    const end = folder.lastIndexOf('/node_modules/');
    folder = end === -1 ? '' : folder.slice(0, end);
  }
}

// A lock file written where some of a package's builds for other platforms could not be seen leaves those out, and
// then `npm ci` refuses the whole file, here and there.
test('names the builds for every platform', () => {
  const missing = Object.entries(packages).flatMap(([place, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter((name) => find(name, place) === undefined)
      .map((name) => `${name}, of ${place}`),
  );
  expect(missing).toEqual([]);
});

test('fits the package.json of every workspace', () => {
  const workspaces = Object.keys(packages).filter((place) => !place.includes('node_modules'));
  expect(workspaces.length).toBeGreaterThan(15);
  for (const place of workspaces) {
    const { dependencies, devDependencies } = json<Entry>(path.join(place, 'package.json'));
    const locked = packages[place];
    expect({ place, dependencies, devDependencies }).toEqual({
      place,
      dependencies: locked?.dependencies,
      devDependencies: locked?.devDependencies,
    });
  }
});

test('names no download address, and a checksum for whatever can be installed here', () => {
  for (const [place, { version, link, resolved, integrity, optional }] of Object.entries(packages)) {
    if (!place.includes('node_modules/') || link) continue;
    expect({ place, resolved }).toEqual({ place, resolved: undefined });
    expect({ place, version }).toEqual({ place, version: expect.stringMatching(/^\d+[.]\d+[.]\d+/) });
    if (!optional)
      expect({ place, integrity }).toEqual({ place, integrity: expect.stringMatching(/^sha512-/) });
  }
});
