// `npm run jest -- <arguments>`: Jest on the pinned Node with native ESM. `npm test` runs everything.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';

const root = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../../..');
const require = createRequire(import.meta.url);
const node = path.join(root, 'node_modules/.bin/node');
const jest = path.join(path.dirname(require.resolve('jest/package.json')), 'bin/jest.js');

const { status } = spawnSync(
  node,
  [
    '--experimental-vm-modules',
    '--no-warnings',
    jest,
    '-c',
    path.join(root, 'infra/test/jest.config.mjs'),
    ...process.argv.slice(2),
  ],
  { stdio: 'inherit', env: { ...process.env, TZ: 'UTC' } },
);
process.exit(status ?? 1);
