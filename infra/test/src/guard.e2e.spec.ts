import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { eventually, forkSource } from './index.js';

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('a test process that is killed leaves no server and no file', async () => {
  const child = forkSource(path.join(import.meta.dirname, 'servers.fixture.ts'));
  const [{ pids, folders }] = (await once(child, 'message')) as [{ pids: number[]; folders: string[] }];
  expect(pids.every(isAlive)).toBe(true);
  expect(folders.every((folder) => existsSync(folder))).toBe(true);
  child.kill('SIGKILL');
  await eventually(() => {
    expect(pids.filter(isAlive)).toEqual([]);
    expect(folders.filter((folder) => existsSync(folder))).toEqual([]);
  });
}, 30_000);
