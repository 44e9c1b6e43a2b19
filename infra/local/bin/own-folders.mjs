// Whose the checkout is. Plain JavaScript without dependencies: it is looked at before anything is installed.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import path from 'node:path';
import { missingDependency } from './dependencies.mjs';
import { PrepareError, root } from './prepare.mjs';

/**
 * Refuses a checkout that this user cannot write to, before npm or Nx fail somewhere in it: it was cloned, or once
 * started, by somebody else.
 */
export function requireOwnFolders() {
  const foreign = foreignFolders();
  if (foreign.length > 0) throw new PrepareError(foreignText(foreign, root, nameOf(process.getuid())));
}

/**
 * What an installation, a build and a run write to, and this user may not.
 * @param {string} folder the checkout
 * @param {(file: string) => boolean} canWrite
 * @returns {{name: string, uid: number}[]} in the checkout or absolute, and whose each is
 */
export function foreignFolders(folder = root, canWrite = isWritable) {
  const inside = (...names) => {
    try {
      return readdirSync(path.join(folder, ...names), { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => path.join(...names, entry.name));
    } catch {
      return [];
    }
  };
  const workspaces = ['apps', 'libs', 'infra'].flatMap((group) => inside(group));
  const built = workspaces.flatMap((name) => [path.join(name, 'dist'), ...inside(name, 'dist')]);
  const data = process.env.BELLWETHER_DATA_DIR?.trim() || '.bellwether';
  const kept = [data, ...keptIn(folder, data)];
  const installed = missingDependency(folder) === null ? [] : ['node_modules'];
  return ['.', ...installed, '.nx', ...inside('.nx'), ...workspaces, ...built, ...kept].flatMap((name) => {
    const file = path.resolve(folder, name);
    if (!existsSync(file) || canWrite(file)) return [];
    return [{ name, uid: statSync(file).uid }];
  });
}

/**
 * What a run keeps in its data folder, Postgres' own files left out: those are of the user that Postgres runs as. Root may
 * start in anybody's folder, and leaves files there that their owner may not open.
 * @returns {string[]} as `data` is: in the checkout, or absolute
 */
function keptIn(folder, data) {
  try {
    return readdirSync(path.resolve(folder, data), { withFileTypes: true }).flatMap((entry) => {
      const name = path.join(data, entry.name);
      if (entry.isDirectory()) return entry.name === 'postgres' ? [] : [name, ...keptIn(folder, name)];
      return entry.isFile() ? [name] : [];
    });
  } catch {
    // Not there yet, or closed to us: then the folder itself is what is told.
    return [];
  }
}

/** What a person is told of such folders, with the way out. */
export function foreignText(foreign, folder, user, ownerOf = nameOf) {
  const owners = new Map();
  for (const { name, uid } of foreign) owners.set(uid, [...(owners.get(uid) ?? []), name]);
  const lines = [...owners].map(([uid, names]) => {
    const [shown, more] = [names.slice(0, 5), names.length - 5];
    return `  ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}: of user ${ownerOf(uid)}`;
  });
  const [first] = [...owners.keys()].map(ownerOf);
  return [
    `User ${user} may not write to what a start writes to in ${folder}:`,
    ...lines,
    ...(first === user
      ? [`They are yours, but closed to writing. Open them: chmod -R u+w '${folder}'`]
      : [
          `Start as ${first}; or make the folder ${user}'s, if nothing runs in it: sudo chown -R ${user} '${folder}'`,
          `or use a clone of your own: git clone '${folder}' bellwether`,
        ]),
  ].join('\n');
}

function isWritable(file) {
  try {
    const enter = statSync(file).isDirectory() ? constants.X_OK : 0;
    accessSync(file, constants.R_OK | constants.W_OK | enter);
    return true;
  } catch {
    return false;
  }
}

function nameOf(uid) {
  try {
    if (uid === process.getuid()) return userInfo().username;
  } catch {
    // a user without a name
  }
  const { status, stdout } = spawnSync('id', ['-un', String(uid)], { encoding: 'utf8' });
  return status === 0 && stdout.trim() !== '' ? stdout.trim() : `uid ${uid}`;
}
