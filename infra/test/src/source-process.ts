import { type ChildProcess, fork } from 'node:child_process';
import path from 'node:path';
import { guard } from './guard.js';

export interface ForkSourceOptions {
  args?: string[];
  env?: Record<string, string>;
  /** What becomes of its output; default `inherit`, `pipe` to read it. */
  stdio?: 'pipe' | 'inherit' | 'ignore';
  /** Descriptor that its standard output goes to, in place of `stdio`. */
  stdout?: number;
}

const LOADER = path.resolve(import.meta.dirname, '../source-loader.mjs');

/** What `new Worker` is given to run a TypeScript file of the workspace without a build. */
export const sourceWorker = (file: string): { file: string; execArgv: string[] } => ({
  file,
  execArgv: ['--import', LOADER],
});

/**
 * Starts a TypeScript file of the workspace as a real process with an IPC channel, without a build: for tests that
 * kill it. It does not survive the test run.
 */
export function forkSource(file: string, options: ForkSourceOptions = {}): ChildProcess {
  const stdio = options.stdio ?? 'inherit';
  const child = fork(file, options.args ?? [], {
    detached: true,
    execArgv: ['--enable-source-maps', '--import', LOADER],
    env: { ...process.env, ...options.env },
    stdio: ['ignore', options.stdout ?? stdio, stdio, 'ipc'],
  });
  const { pid } = child;
  if (pid !== undefined) {
    guard().watch(pid);
    child.once('exit', () => guard().unwatch(pid));
  }
  return child;
}
