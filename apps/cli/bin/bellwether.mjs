#!/usr/bin/env node
// Runs the built command on the Node that the workspace pins, whatever Node the shell has.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const main = path.join(here, '../dist/main.js');
if (!existsSync(main)) {
  console.error('error: bellwether is not built yet: run "npm run build" once (npm start does it too)');
  process.exit(1);
}
if (Number(process.versions.node.split('.')[0]) >= 24) {
  await import(main);
} else {
  const node = path.join(here, '../../../node_modules/.bin/node');
  const child = spawn(node, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
}
