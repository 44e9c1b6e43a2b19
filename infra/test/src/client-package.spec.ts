import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';

const root = path.resolve(import.meta.dirname, '../../..');

// What git ignores, npm leaves out of a package as well, unless `files` names it: the build is among that.
test.each(['libs/client', 'libs/contracts'])('a package of %s has what it exports', (folder) => {
  const { files, exports } = JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8')) as {
    files: string[];
    exports: { '.': Record<string, string> };
  };
  const targets = Object.values(exports['.']).map((target) => target.split('/')[1]);
  expect(files).toEqual(expect.arrayContaining(targets));
});

test('the client is for the Node that Bellwether is for, and its README says so', () => {
  const enginesOf = (folder: string) =>
    (
      JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8')) as {
        engines?: { node: string };
      }
    ).engines?.node;
  const node = enginesOf('.') as string;
  expect(['libs/client', 'libs/contracts'].map(enginesOf)).toEqual([node, node]);
  const readme = readFileSync(path.join(root, 'libs/client/README.md'), 'utf8');
  expect(readme).toContain(`for Node ${/\d+/.exec(node)?.[0]} or later`);
});

test('the README of the client names the packages as they are called', () => {
  const readme = readFileSync(path.join(root, 'libs/client/README.md'), 'utf8');
  for (const folder of ['contracts', 'client']) {
    const { version } = JSON.parse(readFileSync(path.join(root, 'libs', folder, 'package.json'), 'utf8')) as {
      version: string;
    };
    expect(readme).toContain(`./bellwether-${folder}-${version}.tgz`);
  }
});
