import { execFile } from 'node:child_process';
import { findProgram } from '@bellwether/local';

/** The `promtool` of this machine; null when there is none (Debian: package `prometheus`). */
export const promtool: string | null = findProgram('promtool');

/** Runs promtool to its end. */
export function runPromtool(args: string[], cwd: string): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    if (promtool === null) return reject(new Error('promtool is not on this machine'));
    // Go's runtime takes as many threads as there are cores, which other tests use, too.
    const env = { PATH: '/usr/bin:/bin', TZ: 'UTC', GOMAXPROCS: '1', TMPDIR: cwd };
    execFile(promtool, args, { cwd, env, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      resolve({ code, output: `${stdout}${stderr}` });
    });
  });
}
