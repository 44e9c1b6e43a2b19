import { mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { temporaryFolder } from '@bellwether/testing';
import { beforeEach, expect, test } from '@jest/globals';

interface Project {
  name: string;
  folder: string;
  hash: string;
}
const { noteBuilt, projectsToBuild } = (await import('../bin/built.mjs' as string)) as {
  projectsToBuild: (root: string, exclude?: string[]) => Project[];
  noteBuilt: (root: string, projects: Project[]) => void;
};

let root: string;
const write = (file: string, text: string) => {
  mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
  writeFileSync(path.join(root, file), text);
};
const names = (exclude?: string[]) => projectsToBuild(root, exclude).map(({ name }) => name);
/** Builds what is to be built. */
function build(): void {
  const changed = projectsToBuild(root);
  for (const { name } of changed) write(`${name}/dist/index.js`, 'built');
  noteBuilt(root, changed);
}

beforeEach(() => {
  root = temporaryFolder('built');
  for (const name of ['libs/slo', 'apps/api', 'infra/bench']) {
    write(`${name}/package.json`, JSON.stringify({ name, nx: { targets: { build: {} } } }));
    write(`${name}/src/index.ts`, 'export const one = 1;');
  }
  write('libs/types/package.json', JSON.stringify({ name: 'libs/types' }));
});

test('all that can be built is built at first, and nothing again while nothing changed', () => {
  expect(names()).toEqual(['libs/slo', 'apps/api', 'infra/bench']);
  expect(names(['infra/bench'])).toEqual(['libs/slo', 'apps/api']);
  build();
  expect(names()).toEqual([]);
});

test.each([
  ['a source that changed', () => write('apps/api/src/index.ts', 'export const one = 2;')],
  ['a new source, in a folder', () => write('apps/api/src/deep/more.ts', '')],
  ['a source that was taken away', () => rmSync(path.join(root, 'apps/api/src/index.ts'))],
  [
    'another way to build',
    () =>
      write(
        'apps/api/package.json',
        JSON.stringify({ name: 'apps/api', nx: { targets: { build: { cache: false } } } }),
      ),
  ],
  ['what was built is gone', () => rmSync(path.join(root, 'apps/api/dist'), { recursive: true })],
  [
    'what another build made',
    () => {
      rmSync(path.join(root, 'apps/api/dist'), { recursive: true });
      write('apps/api/dist/index.js', 'of other sources');
      utimesSync(path.join(root, 'apps/api/dist'), 1, 1);
    },
  ],
])('%s: that project is built again, and no other', (_, change) => {
  build();
  change();
  expect(names()).toEqual(['apps/api']);
  build();
  expect(names()).toEqual([]);
});

test('what all of them read changed, or nobody knows what was built: all are built again', () => {
  build();
  write('.swcrc', '{}');
  expect(names()).toHaveLength(3);
  build();
  write('.nx/built.json', '{"libs/slo":');
  expect(names()).toHaveLength(3);
});

test('every command of this repository builds through it: Nx by itself would pull what runs from under itself', () => {
  const infra = path.resolve(import.meta.dirname, '../..');
  const commands = readdirSync(infra, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /^[^/]+[/]bin[/].*[.]mjs$/.test(file),
  );
  const building = commands.filter((file) =>
    /\brun-many\b/.test(readFileSync(path.join(infra, file), 'utf8')),
  );
  expect(building).toEqual(['local/bin/prepare.mjs']);
});
