import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { resolveContext } from './context.js';
import { run } from './program.js';

const checkout = mkdtempSync(path.join(tmpdir(), 'bellwether-context-'));
const below = path.join(checkout, 'docs/deep');
mkdirSync(below, { recursive: true });
const dataDir = path.join(checkout, '.bellwether');
mkdirSync(dataDir);
writeFileSync(path.join(dataDir, 'token'), 'the-token\n');
writeFileSync(path.join(dataDir, 'postgres-password'), 'pass/word\n');
writeFileSync(
  path.join(dataDir, 'run.json'),
  JSON.stringify({
    apiUrl: 'http://127.0.0.1:1',
    ingestUrl: 'http://127.0.0.1:2',
    databaseUrl: 'postgresql://postgres@127.0.0.1:3/bellwether',
  }),
);
afterAll(() => rmSync(checkout, { recursive: true, force: true }));

test('a local run is found from anywhere in its checkout', () => {
  expect(resolveContext({}, {}, below)).toEqual({
    apiUrl: 'http://127.0.0.1:1',
    ingestUrl: 'http://127.0.0.1:2',
    token: 'the-token',
    tokenFile: path.join(dataDir, 'token'),
    output: 'table',
    databaseUrl: 'postgresql://postgres:pass%2Fword@127.0.0.1:3/bellwether',
    installation: { defaultPolicy: 'default', hasFallback: false },
  });
});

test('flags win over the environment, and that over the local run', () => {
  const env = {
    BELLWETHER_URL: 'http://env:1/',
    BELLWETHER_TOKEN: 'env-token',
    DATABASE_URL: 'postgresql://env/x',
  };
  expect(resolveContext({ url: 'http://flag:1', output: 'json' }, env, below)).toMatchObject({
    apiUrl: 'http://flag:1',
    token: 'env-token',
    output: 'json',
    databaseUrl: 'postgresql://env/x',
  });
});

test('a variable that is set to nothing is as one that is not set', () => {
  const empty = {
    BELLWETHER_TOKEN: '',
    BELLWETHER_URL: '',
    BELLWETHER_INGEST_URL: '',
    BELLWETHER_DATA_DIR: '',
    DATABASE_URL: '',
    BELLWETHER_DEFAULT_POLICY: '',
    BELLWETHER_FALLBACK_TARGET: '',
    BELLWETHER_API_PORT: '',
    BELLWETHER_INGEST_PORT: '',
  };
  expect(resolveContext({}, empty, below)).toEqual(resolveContext({}, {}, below));
  expect(resolveContext({}, empty, '/')).toEqual(resolveContext({}, {}, '/'));
});

test('without any of them: the default ports, and no token', () => {
  expect(resolveContext({}, {}, '/')).toMatchObject({
    apiUrl: 'http://127.0.0.1:8080',
    ingestUrl: 'http://127.0.0.1:8081',
    token: undefined,
    databaseUrl: undefined,
  });
});

test('who is paged where no policy is named, as the environment says', () => {
  const env = { BELLWETHER_DEFAULT_POLICY: 'all', BELLWETHER_FALLBACK_TARGET: 'user:ada' };
  expect(resolveContext({}, env, '/').installation).toEqual({ defaultPolicy: 'all', hasFallback: true });
});

test('a token that is not valid is told of with where the local run keeps its own', async () => {
  const server = createServer((_, response) => void response.writeHead(401).end('{}'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const refused = async (env: NodeJS.ProcessEnv) => {
    const output: string[] = [];
    await run(['--url', url, '--token', 'nope', 'get', 'slos'], {
      env,
      cwd: '/',
      output: { out: () => {}, err: (text) => void output.push(text), interactive: false },
    });
    return output.join('\n');
  };
  const kept = `error: not authenticated at ${url}: the token is not valid (any more). A local run keeps its admin token in `;
  expect(await refused({ BELLWETHER_DATA_DIR: dataDir })).toBe(`${kept}${path.join(dataDir, 'token')}`);
  expect(await refused({})).toBe(`${kept}.bellwether/token`);
  server.close();
});

test('a token of another user is not taken for none', async () => {
  // Root may read everything: it looks on as somebody else.
  const isRoot = process.getuid?.() === 0;
  const home = mkdtempSync(path.join(tmpdir(), 'bellwether-others-'));
  const [file, output] = [path.join(home, '.bellwether/token'), [] as string[]];
  mkdirSync(path.dirname(file));
  writeFileSync(file, 'the-token\n');
  chmodSync(home, 0o755);
  chmodSync(file, isRoot ? 0o600 : 0o000);
  const server = createServer((_, response) => void response.writeHead(401).end('{}'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    if (isRoot) process.seteuid?.(65_534);
    await run(['--url', url, 'get', 'slos'], {
      env: {},
      cwd: home,
      output: { out: () => {}, err: (text) => void output.push(text), interactive: false },
    });
  } finally {
    if (isRoot) process.seteuid?.(0);
    server.close();
    rmSync(home, { recursive: true });
  }
  expect(output).toEqual([
    expect.stringMatching(
      /^error: not authenticated: you may not read .*[.]bellwether\/token \(it belongs to /,
    ),
  ]);
});
