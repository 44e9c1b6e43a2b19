// `npm run bench [names…]`: installs what is missing, builds what has changed, and measures on the pinned Node.
import path from 'node:path';
import { installDependencies } from '../../local/bin/dependencies.mjs';
import {
  build,
  ensureNatsServer,
  ensurePrometheus,
  environment,
  PrepareError,
  pinnedNode,
  requireNode,
  root,
  runForeground,
  say,
} from '../../local/bin/prepare.mjs';

const names = process.argv.slice(2);
try {
  requireNode();
  await installDependencies();
  await ensureNatsServer();
  if (names.length === 0 || names.includes('beside-prometheus')) await ensurePrometheus();
  say('building what has changed');
  await build();
  const main = path.join(root, 'infra/bench/dist/main.js');
  process.exitCode = await runForeground(pinnedNode(), ['--expose-gc', main, ...names], {
    env: environment({ TZ: 'UTC' }),
  });
} catch (error) {
  if (!(error instanceof PrepareError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
