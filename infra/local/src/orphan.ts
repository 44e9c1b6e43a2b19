import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { within } from './deadline.js';

/** The command line of a running process; null when there is none or it may not be seen. */
export function commandLine(pid: number): string | null {
  try {
    if (process.platform === 'linux') {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() || null;
    }
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).trim() || null;
  } catch {
    return null;
  }
}

/**
 * Stops a server that a killed run left behind. It is only taken for ours when its command line names our folder:
 * a process id in an old file may have been given to somebody else since.
 */
export async function stopOrphan(
  pid: number,
  folder: string,
  signal: NodeJS.Signals,
  graceMs: number,
): Promise<boolean> {
  const isOurs = () => commandLine(pid)?.includes(folder) ?? false;
  if (!Number.isInteger(pid) || pid <= 1 || !isOurs()) return false;
  process.kill(pid, signal);
  if (!(await within(graceMs, () => !isOurs()))) {
    process.kill(pid, 'SIGKILL');
    await within(5_000, () => !isOurs());
  }
  return true;
}
