import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { DataFolder } from './data-folder.js';
import { StartError } from './start-error.js';
import { canReach, type UnprivilegedUser, unprivilegedUser } from './unprivileged-user.js';

/** Where Postgres keeps its files and as whom it runs. */
export interface PostgresPlace {
  folder: string;
  /** Null: as ourselves. */
  user: UnprivilegedUser | null;
}

const pointer = 'postgres.location';

/**
 * `postgres/` in the data folder; but when we are root and the data folder lies below one that is closed to others
 * (root's home), a folder below `stateFolder`, to which `postgres.location` in the data folder then points.
 */
export function postgresPlace(data: DataFolder, stateFolder: string): PostgresPlace {
  const user = unprivilegedUser();
  if (!user) return { folder: data.file('postgres'), user: null };
  const kept = owner(data.file('postgres'));
  if (canReach(data.path, kept ?? user)) return { folder: data.file('postgres'), user: kept ?? user };
  if (existsSync(data.file('postgres', 'data'))) {
    throw new StartError(
      `Postgres' files in ${data.file('postgres')} belong to a user who can no longer reach them, since a folder ` +
        'above has been closed to others. Start as that user, or open the way with `chmod o+x` on the folders above.',
    );
  }

  if (existsSync(data.file(pointer))) {
    const folder = readFileSync(data.file(pointer), 'utf8').trim();
    if (existsSync(folder)) {
      refuseAnothers(folder, data);
      return { folder, user: owner(folder) ?? user };
    }
  }
  const name = createHash('sha256').update(data.path).digest('hex').slice(0, 12);
  const home = path.join(stateFolder, `data-${name}`);
  const folder = path.join(home, 'postgres');
  mkdirSync(home, { recursive: true, mode: 0o711 });
  writeFileSync(path.join(home, 'data-folder'), `${data.path}\n`, { mode: 0o600 });
  writeFileSync(data.file(pointer), `${folder}\n`);
  return { folder, user: owner(folder) ?? user };
}

/** A copied data folder points to the files of the original: starting on them would stop the original's server. */
function refuseAnothers(folder: string, data: DataFolder): void {
  const file = path.join(folder, '..', 'data-folder');
  const original = existsSync(file) ? readFileSync(file, 'utf8').trim() : data.path;
  if (original === data.path || !existsSync(path.join(original, pointer))) return;
  throw new StartError(
    `${data.path} is a copy of ${original}, whose database lies in ${folder}. Remove ${data.file(pointer)} to ` +
      'start this one with a database of its own.',
  );
}

/** Who owns a folder that exists, unless it is root. */
function owner(folder: string): UnprivilegedUser | null {
  const stat = statSync(folder, { throwIfNoEntry: false });
  return stat && stat.uid !== 0 ? { name: `uid ${stat.uid}`, uid: stat.uid, gid: stat.gid } : null;
}
