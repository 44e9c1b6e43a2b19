import { accessSync, constants } from 'node:fs';
import path from 'node:path';

/** Where Debian and Homebrew put programs; Debian's /usr/sbin is not on everybody's PATH. */
const PLACES = ['/usr/sbin', '/usr/local/bin', '/usr/local/sbin', '/opt/homebrew/bin'];

/** A program on PATH or where the system's package manager puts it; null when it is not on this machine. */
export function findProgram(name: string, env: NodeJS.ProcessEnv = process.env): string | null {
  for (const folder of [...(env.PATH ?? '').split(path.delimiter), ...PLACES]) {
    if (!folder) continue;
    const file = path.join(folder, process.platform === 'win32' ? `${name}.exe` : name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // not here
    }
  }
  return null;
}

/** `nats-server`. */
export const findNatsServer = (env?: NodeJS.ProcessEnv): string | null => findProgram('nats-server', env);
