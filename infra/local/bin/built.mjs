// Which projects have changed since they were built here. Nx would say so too, but it answers a build that it has in its
// cache by deleting `dist` and writing it anew, under whatever runs from there: a second command in the same folder
// must not pull the services of the first from under it.
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';

const folders = ['libs', 'apps', 'infra'];
/** Files of the workspace that every build reads (`namedInputs` of nx.json). */
const shared = ['.swcrc', 'tsconfig.base.json', 'nx.json', 'package-lock.json'];
const stateOf = (root) => path.join(root, '.nx/built.json');

/**
 * The projects that are to be built, but for those excluded by name.
 * @returns {{name: string, folder: string, hash: string}[]} with what their sources come to, for {@link noteBuilt}
 */
export function projectsToBuild(root, exclude = []) {
  const built = readState(root);
  return projects(root)
    .filter(({ name }) => !exclude.includes(name))
    .map(({ name, folder }) => ({ name, folder, hash: hashOf(root, folder) }))
    .filter((project) => built[project.name] !== markOf(project));
}

/** Notes that these have been built. */
export function noteBuilt(root, projects) {
  const state = {
    ...readState(root),
    ...Object.fromEntries(projects.map((project) => [project.name, markOf(project)])),
  };
  mkdirSync(path.dirname(stateOf(root)), { recursive: true });
  const temporary = `${stateOf(root)}.${process.pid}`;
  writeFileSync(temporary, JSON.stringify(state));
  renameSync(temporary, stateOf(root));
}

/** What was built from which sources: another build, by Nx alone, makes the folder anew. Null where nothing is built. */
function markOf({ folder, hash }) {
  const dist = statSync(path.join(folder, 'dist'), { throwIfNoEntry: false });
  return dist === undefined ? null : `${hash} ${dist.mtimeMs}`;
}

function readState(root) {
  try {
    return JSON.parse(readFileSync(stateOf(root), 'utf8'));
  } catch {
    return {}; // nothing was built here, or what says so was cut short: all is built
  }
}

function projects(root) {
  return folders
    .flatMap((group) => readdirSync(path.join(root, group)).map((name) => path.join(root, group, name)))
    .filter((folder) => existsSync(path.join(folder, 'package.json')))
    .map((folder) => ({ folder, ...JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) }))
    .filter(({ nx }) => nx?.targets?.build !== undefined)
    .map(({ name, folder }) => ({ name, folder }));
}

function hashOf(root, folder) {
  const hash = createHash('sha256');
  const sources = readdirSync(path.join(folder, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name))
    .sort();
  for (const file of [
    ...sources,
    path.join(folder, 'package.json'),
    ...shared.map((name) => path.join(root, name)),
  ]) {
    if (!existsSync(file)) continue;
    const content = readFileSync(file);
    hash.update(`${path.relative(root, file)}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}
