import { accessSync, constants } from 'node:fs';
import path from 'node:path';

/** `nats-server` on PATH or where Debian and Homebrew put it (Debian's /usr/sbin is not on everybody's PATH). */
export function findNatsServer(env: NodeJS.ProcessEnv = process.env): string | null {
  const folders = [
    ...(env.PATH ?? '').split(path.delimiter),
    '/usr/sbin',
    '/usr/local/bin',
    '/usr/local/sbin',
    '/opt/homebrew/bin',
  ];
  for (const folder of folders) {
    if (!folder) continue;
    const file = path.join(folder, process.platform === 'win32' ? 'nats-server.exe' : 'nats-server');
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // not here
    }
  }
  return null;
}
