// `npm start`: with nothing but Node 20 and npm, installs what is missing, builds what has changed, and runs the
// whole system in the foreground under the pinned Node.
import path from 'node:path';
import { installDependencies } from './dependencies.mjs';
import { requireOwnFolders } from './own-folders.mjs';
import {
  build,
  ensureNatsServer,
  notForStart,
  PrepareError,
  pinnedNode,
  requireNode,
  root,
  runForeground,
  say,
} from './prepare.mjs';

try {
  requireNode();
  requireOwnFolders();
  await installDependencies();
  if (!process.env.NATS_URL) await ensureNatsServer();
  say('building what has changed');
  await build({ exclude: notForStart });
  const main = path.join(root, 'infra/local/dist/main.js');
  process.exitCode = await runForeground(pinnedNode(), ['--enable-source-maps', main]);
} catch (error) {
  if (!(error instanceof PrepareError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
