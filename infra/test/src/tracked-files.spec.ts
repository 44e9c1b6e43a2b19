import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from '@jest/globals';

const root = path.resolve(import.meta.dirname, '../../..');

/** What would be committed: known to git or at least not ignored; where there is no git, everything but builds. */
function files(): string[] {
  const git = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const names =
    git.status === 0
      ? git.stdout.split('\n').filter(Boolean)
      : readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
          (name) => !/(^|[/])([.]git|node_modules|dist|[.]nx|[.]bellwether)([/]|$)/.test(name),
        );
  return names.filter(
    (name) => existsSync(path.join(root, name)) && lstatSync(path.join(root, name)).isFile(),
  );
}

const literal = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

/** What must not be in a file that others get, and what it would be. Each is tried on a sample below. */
const forbidden: { what: string; pattern: RegExp; sample: string }[] = [
  {
    what: 'a path of the machine it was written on',
    pattern: new RegExp(
      `(?<![\\w.:-])(${[root, path.join(root, '..', 'shared')].map(literal).join('|')}|/home/\\w+|/Users/\\w+)(/|\\b)`,
    ),
    sample: `see ${root}/README.md`,
  },
  {
    what: 'a download address of a registry',
    pattern:
      /"resolved": "https?:|registry\s*=\s*["']?https?:|https?:\/\/[\w.-]*(registry|artifactory|nexus)[\w.-]*[:/]/,
    sample: '"resolved": "https://registry.example.org/x.tgz"',
  },
  {
    what: 'a private key',
    pattern: /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
    sample: `-----BEGIN ${''}PRIVATE KEY-----`,
  },
  { what: 'an admin token', pattern: /\bbw_[A-Za-z0-9_-]{43}\b/, sample: `bw_${'a'.repeat(43)}` },
  {
    what: 'a cloud or code-host credential',
    pattern: /\b(AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}|npm_[A-Za-z0-9]{36}|xox[bp]-[0-9A-Za-z-]{20,})\b/,
    sample: `gh${'p'}_${'a'.repeat(36)}`,
  },
  {
    what: "a webhook secret that is not an example's",
    pattern: /\bwhsec_[A-Za-z0-9+/]{32,}={0,2}/,
    sample: `whsec_${'b'.repeat(32)}`,
  },
];

/** What the documents sign with: it says itself what it is, and is as long as one has to be. */
const exampleSecret = `whsec_${Buffer.from('an example signing secret').toString('base64')}`;

test.each(forbidden)('the pattern for $what recognises it', ({ pattern, sample }) => {
  expect(sample).toMatch(pattern);
});

test.each(forbidden)('no file holds $what', ({ pattern }) => {
  const own = path.relative(root, import.meta.filename);
  const found = files()
    .filter((name) => name !== own)
    .flatMap((name) => {
      const text = readFileSync(path.join(root, name), 'utf8');
      if (text.includes('\0')) return [];
      return text
        .split('\n')
        .map((line, index) => ({ line, place: `${name}:${index + 1}` }))
        .filter(({ line }) => pattern.test(line.replaceAll(exampleSecret, '')))
        .map(({ place }) => place);
    });
  expect(found).toEqual([]);
});

test('home and temporary folders of this machine are in no file', () => {
  const own = path.relative(root, import.meta.filename);
  const places = [homedir(), tmpdir()].filter((folder) => !['/', '/tmp', '/root'].includes(folder));
  const found = files().filter((name) => {
    const text = name === own ? '' : readFileSync(path.join(root, name), 'utf8');
    return places.some((folder) => text.includes(`${folder}/`));
  });
  expect(found).toEqual([]);
});
