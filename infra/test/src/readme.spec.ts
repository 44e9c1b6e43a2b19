import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { portVariables } from '@bellwether/local';
import { expect, test } from '@jest/globals';
import { z } from 'zod';

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

/** Defaults as the code has them, by variable: those of a local run, and those of the services' schemas. */
async function defaults(): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const { variable, default: port } of Object.values(portVariables))
    found.set(variable, port === 0 ? 'any' : String(port));
  for (const file of globSync('apps/*/src/config.ts', { cwd: root })) {
    // A service is never imported by name (decision 2); what it reads from outside is all that is wanted of it.
    const exported: Record<string, unknown> = await import(path.join(root, file));
    for (const schema of Object.values(exported)) {
      if (!(schema instanceof z.ZodObject)) continue;
      for (const [variable, field] of Object.entries(schema.shape)) {
        const { data, success } = z.safeParse(field, undefined);
        if (success && data !== undefined && !found.has(variable)) found.set(variable, String(data));
      }
    }
  }
  // 0 is any free port, here as above.
  found.set('BELLWETHER_ADMIN_PORT', found.get('BELLWETHER_ADMIN_PORT') === '0' ? 'any' : 'changed');
  return found;
}

test('the configuration table has the defaults that the code has', async () => {
  const rows = [...readme.matchAll(/^\| ((?:`[A-Z_]+`(?:, )?)+) \| [^|]+ \| ([^|]+) \|$/gm)];
  const documented = new Map(
    rows.flatMap(([, names = '', column = '']) => {
      const variables = [...names.matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name as string);
      const values = variables.length > 1 ? column.split(', ') : [column];
      return variables.map((name, i) => [name, (values[i] ?? values[0] ?? '').trim()] as const);
    }),
  );
  const known = await defaults();
  expect(known.size).toBeGreaterThan(15);
  for (const [variable, value] of known)
    expect([variable, documented.get(variable)]).toEqual([variable, value]);
});

test('every file that the README links to is there', () => {
  const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, link]) => link as string);
  expect(links.length).toBeGreaterThan(0);
  for (const link of links) expect(globSync(link, { cwd: root })).toEqual([link]);
});

/** Anchors of a document's headings, as GitHub makes them. */
const anchorsOf = (file: string): string[] =>
  [
    ...readFileSync(path.join(root, file), 'utf8')
      .replaceAll(/^```[\s\S]*?^```$/gm, '')
      .matchAll(/^#+ (.+)$/gm),
  ].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

test.each(globSync(['*.md', 'docs/**/*.md', '{apps,libs,infra}/*/README.md'], { cwd: root }))(
  'what %s links to is there, the heading too',
  (file) => {
    const text = readFileSync(path.join(root, file), 'utf8').replaceAll(/^```[\s\S]*?^```$|`[^`\n]*`/gm, '');
    for (const [, link = ''] of text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      const [to = '', anchor] = link.split('#');
      const target = to === '' ? file : path.join(path.dirname(file), to);
      expect([link, existsSync(path.join(root, target))]).toEqual([link, true]);
      if (anchor !== undefined) expect([link, anchorsOf(target).includes(anchor)]).toEqual([link, true]);
    }
  },
);

test('every npm script that the README names exists', () => {
  const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const named = [
    ...`${readme}\n${readFileSync(path.join(root, 'CONTRIBUTING.md'), 'utf8')}`.matchAll(/npm run ([a-z]+)/g),
  ].map(([, name]) => name as string);
  expect(Object.keys(scripts)).toEqual(expect.arrayContaining(named));
});
