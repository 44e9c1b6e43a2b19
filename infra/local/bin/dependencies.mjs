// What is in node_modules, and what has to be. Plain JavaScript without dependencies: none of them may be there yet.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { PrepareError, root, run, say } from './prepare.mjs';

/** `npm ci`, but only when what is installed is not what package-lock.json says. */
export async function installDependencies() {
  const problem = missingDependency();
  if (problem === null) return;
  say(`installing dependencies with npm ci (${problem}); this may take some minutes`);
  const npm = process.env.npm_execpath;
  const [file, args] = npm && /\.c?js$/.test(npm) ? [process.execPath, [npm]] : ['npm', []];
  const { code, output } = await tellingOf(
    run(file, [...args, 'ci', '--no-audit', '--no-fund', '--loglevel=error']),
    (seconds) => say(`still installing after ${seconds} s: ${installedSoFar()}`),
  );
  // npm says what is wrong first, and how it is used after that.
  if (code !== 0)
    throw new PrepareError(`npm ci failed:\n${output.trim().split('\n').slice(0, 25).join('\n')}`);
  const still = missingDependency();
  if (still !== null)
    throw new PrepareError(`npm ci succeeded, but ${still}. Remove node_modules and try again.`);
}

/**
 * Waits for work that takes long, and tells now and then that it goes on: whoever sees nothing takes it for dead.
 * @template T
 * @param {Promise<T>} work
 * @param {(seconds: number) => void} tell gets how long it has been
 * @returns {Promise<T>}
 */
export async function tellingOf(work, tell, everySeconds = 15) {
  let seconds = 0;
  const timer = setInterval(() => {
    seconds += everySeconds;
    tell(seconds);
  }, everySeconds * 1000);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}

/** How far an installation is: `412 of 830 packages are there`. */
export function installedSoFar(folder = root) {
  const places = [...needed(folder)].map(([place]) => place);
  const there = places.filter((place) => existsSync(path.join(folder, place, 'package.json')));
  return `${there.length} of ${places.length} packages are there`;
}

/** Places in node_modules that package-lock.json says must be there, with what must be in them. */
function* needed(folder) {
  const wanted = JSON.parse(readFileSync(path.join(folder, 'package-lock.json'), 'utf8')).packages;
  for (const [place, entry] of Object.entries(wanted)) {
    // The workspaces themselves are in the list, too.
    if (place.includes('node_modules/') && !entry.optional && !entry.devOptional) yield [place, entry];
  }
}

/** What differs between package-lock.json and node_modules; null when nothing does. */
export function missingDependency(folder = root) {
  let installed;
  try {
    installed = JSON.parse(
      readFileSync(path.join(folder, 'node_modules/.package-lock.json'), 'utf8'),
    ).packages;
  } catch {
    return 'nothing is installed yet';
  }
  for (const [place, { version, link }] of needed(folder)) {
    // A version that one workspace alone wants is in a folder of its own, which may be lost while the list stays.
    const there = existsSync(path.join(folder, place));
    if (there && (link || installed[place]?.version === version)) continue;
    return `${place.replace(/^node_modules\//, '')} is not installed as package-lock.json says`;
  }
  return null;
}
