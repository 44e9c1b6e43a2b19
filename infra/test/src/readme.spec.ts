import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';

const root = path.resolve(import.meta.dirname, '../../..');
const readme = readFileSync(path.join(root, 'README.md'), 'utf8');

test('the configuration table has every variable that the code reads, and no other', () => {
  const read = new Set<string>();
  for (const file of globSync(
    '{apps/*/src/config.ts,libs/service/src/config.ts,infra/local/src/settings.ts}',
    { cwd: root },
  )) {
    for (const [name] of readFileSync(path.join(root, file), 'utf8').matchAll(
      /\b(BELLWETHER_[A-Z_]+|DATABASE_URL|NATS_URL|OTEL_[A-Z_]+)\b/g,
    ))
      read.add(name);
  }
  expect(read.size).toBeGreaterThan(15);
  const table = readme.slice(readme.indexOf('## Configuration'), readme.indexOf('## Where to go next'));
  const documented = new Set(
    [...table.matchAll(/`(BELLWETHER_[A-Z_]+|DATABASE_URL|NATS_URL|OTEL_[A-Z_]+)`/g)].map(
      ([, name]) => name as string,
    ),
  );
  expect([...documented].sort()).toEqual([...read].sort());
});

test('every file that the README links to is there', () => {
  const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, link]) => link as string);
  expect(links.length).toBeGreaterThan(0);
  for (const link of links) expect(globSync(link, { cwd: root })).toEqual([link]);
});

test('every npm script that the README names exists', () => {
  const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const named = [
    ...`${readme}\n${readFileSync(path.join(root, 'CONTRIBUTING.md'), 'utf8')}`.matchAll(/npm run ([a-z]+)/g),
  ].map(([, name]) => name as string);
  expect(Object.keys(scripts)).toEqual(expect.arrayContaining(named));
});
