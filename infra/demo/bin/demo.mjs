// `npm run demo` and `npm run demo -- break`: builds what has changed, then runs the demo on the pinned Node.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { build, PrepareError, root, runForeground, say } from '../../local/bin/prepare.mjs';

const node = path.join(root, 'node_modules/.bin/node');
if (!existsSync(node)) {
  console.error(
    'the dependencies are not installed yet: run "npm start" first (in another terminal), then the demo',
  );
  process.exit(1);
}
try {
  if (process.argv.length === 2) say('building what has changed');
  // As "npm start" does, whose services may be running from what it built.
  await build({ exclude: ['@bellwether/bench', '@bellwether/testing'] });
  const main = path.join(root, 'infra/demo/dist/main.js');
  process.exitCode = await runForeground(node, [main, ...process.argv.slice(2)], { env: process.env });
} catch (error) {
  if (!(error instanceof PrepareError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
