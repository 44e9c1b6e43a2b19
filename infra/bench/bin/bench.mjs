// `npm run bench [names…]`: builds, then measures on the pinned Node. Needs what `npm start` has installed.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
const node = path.join(root, 'node_modules/.bin/node');
if (!existsSync(node)) {
  console.error('the dependencies are not installed yet: run "npm ci" first');
  process.exit(1);
}
const run = (command, args) =>
  spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, NX_DAEMON: 'false', TZ: 'UTC' },
  }).status ?? 1;
const built = run('npx', ['nx', 'run-many', '-t', 'build', '--outputStyle=static']);
process.exit(
  built === 0
    ? run(node, ['--expose-gc', path.join(root, 'infra/bench/dist/main.js'), ...process.argv.slice(2)])
    : built,
);
