// What `npm start` and `npm test` need before anything of ours can run: Node 20 or later is given, everything else
// is seen to here. Plain JavaScript without dependencies.
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { noteBuilt, projectsToBuild } from './built.mjs';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
const bin = path.join(root, 'node_modules/.bin');

/** What stops a start; its message says what to do. */
export class PrepareError extends Error {}

export function say(text) {
  for (const line of String(text).split('\n')) process.stdout.write(`bellwether | ${line}\n`);
}

/** The process that is being waited for now; a signal to us is for it. */
let current = null;
for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
  ['SIGHUP', 1],
]) {
  process.on(signal, () => {
    if (current?.forward) return void current.child.kill(signal);
    if (current) {
      try {
        process.kill(-current.child.pid, 'SIGTERM');
      } catch {
        // it has just ended
      }
    }
    process.exit(128 + number);
  });
}

/** Environment of everything that is run from here: the pinned Node first on PATH, nothing that asks or phones home. */
export function environment(extra = {}) {
  return {
    ...process.env,
    PATH: `${bin}${path.delimiter}${process.env.PATH ?? ''}`,
    NX_DAEMON: 'false',
    NX_TUI: 'false',
    NX_NO_CLOUD: 'true',
    SCARF_ANALYTICS: 'false',
    npm_config_loglevel: 'error',
    npm_config_update_notifier: 'false',
    ...extra,
  };
}

/**
 * Runs a program to its end. `output`: `keep` collects what it prints, for the error message of a failure; `errors`
 * shows what it prints as errors and drops the rest. `started` is told its process id, also its group's.
 * @returns {Promise<{code: number, output: string}>}
 */
export function run(file, args, { output = 'keep', env = environment(), cwd = root, started } = {}) {
  return new Promise((resolve) => {
    const stdio = output === 'keep' ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'ignore', 'inherit'];
    // A group of its own, so that what it starts in turn ends with it.
    const child = spawn(file, args, { cwd, env, stdio, detached: true });
    current = { child, forward: false };
    if (child.pid !== undefined) started?.(child.pid);
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (text += chunk));
    child.on('error', (error) => resolve({ code: 127, output: error.message }));
    child.on('close', (code, signal) => {
      current = null;
      resolve({ code: code ?? 1, output: signal ? `${text}\nkilled by ${signal}` : text });
    });
  });
}

/** Runs a program in the foreground, with our terminal; signals are passed on to it. Resolves with its exit code. */
export function runForeground(file, args, { env = environment() } = {}) {
  return new Promise((resolve) => {
    // The channel tells it that we are gone, however we end.
    const child = spawn(file, args, { cwd: root, env, stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
    current = { child, forward: true };
    stopWhenNpmIsGone(child);
    child.on('error', () => resolve(1));
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

/** npm that was killed cannot pass a signal on; what it started would run for ever. */
function stopWhenNpmIsGone(child) {
  if (!process.env.npm_lifecycle_event) return;
  // npm runs scripts in a shell: `sh -c "node …/start.mjs"`. Some shells replace themselves by the command.
  const script = path.basename(process.argv[1] ?? '');
  const parent = ancestor(process.ppid);
  const npm = parent.command.includes(script) ? parent.parent : process.ppid;
  if (!(npm > 1)) return;
  setInterval(() => {
    if (!isAlive(npm) && child.connected) child.disconnect();
  }, 500).unref();
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** A process' parent (0 when it cannot be told) and command line. */
function ancestor(pid) {
  try {
    if (process.platform === 'linux') {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      return { parent, command: readFileSync(`/proc/${pid}/cmdline`, 'utf8') };
    }
    const { stdout } = spawnSync('ps', ['-o', 'ppid=,command=', '-p', String(pid)], { encoding: 'utf8' });
    const [, parent, command] = stdout.match(/^\s*(\d+)\s+(.*)/) ?? [];
    return { parent: Number(parent ?? 0), command: command ?? '' };
  } catch {
    return { parent: 0, command: '' };
  }
}

export function requireNode(least = 20) {
  const version = process.versions.node;
  if (Number(version.split('.')[0]) >= least) return;
  throw new PrepareError(
    `Node.js ${least} or later is needed; this is ${version}. Install a current one (nodejs.org) and try again.`,
  );
}

/** The Node that this project pins; the present one where it could not be installed but is as new. */
export function pinnedNode() {
  const node = path.join(bin, 'node');
  if (existsSync(node)) return node;
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  throw new PrepareError(
    'The pinned Node is missing from node_modules: npm installed without running install scripts. ' +
      'Run `npm rebuild node`, or use Node 24.',
  );
}

const natsPlaces = ['/usr/sbin', '/usr/local/bin', '/usr/local/sbin', '/opt/homebrew/bin'];

function findProgram(name) {
  for (const folder of [...(process.env.PATH ?? '').split(path.delimiter), ...natsPlaces]) {
    if (!folder) continue;
    try {
      accessSync(path.join(folder, name), constants.X_OK);
      return path.join(folder, name);
    } catch {
      // not here
    }
  }
  return null;
}

/**
 * A program that is not ours and comes with the system's package manager.
 * @typedef {{names: string[], what: string, debian: string, brew: string[], other: string, without: string}} SystemProgram
 */

/** @type {SystemProgram} */
export const natsServer = {
  names: ['nats-server'],
  what: 'the message broker',
  debian: 'nats-server',
  brew: ['install', 'nats-server'],
  other: "your system's package manager, or a release of github.com/nats-io/nats-server put on PATH",
  without: 'set NATS_URL to a NATS server with JetStream of your own',
};

/** @type {SystemProgram} */
export const chromium = {
  names: ['chromium', 'chromium-browser'],
  what: 'the browser of the browser tests',
  debian: 'chromium',
  brew: ['install', '--cask', 'chromium'],
  other: "your system's package manager",
  without: 'set BELLWETHER_CHROMIUM to the path of a Chromium or Chrome',
};

/** @type {SystemProgram} */
export const prometheus = {
  names: ['promtool'],
  what: 'the Prometheus that exported rules and sources are tested with',
  debian: 'prometheus',
  brew: ['install', 'prometheus'],
  other: "your system's package manager, or a release of github.com/prometheus/prometheus put on PATH",
  without: 'leave those tests out',
};

/**
 * How a program can be had: by `apt` or `brew` right away, or by the person with `command`.
 * @param {SystemProgram} program
 * @param {{platform: string, isRoot: boolean, has: (program: string) => boolean}} machine
 */
export function installation(program, { platform, isRoot, has }) {
  if (has('apt-get')) {
    const command = `apt-get update && apt-get install -y ${program.debian}`;
    return isRoot ? { by: 'apt', command } : { by: 'hand', command: `sudo sh -c '${command}'` };
  }
  if (platform === 'darwin') {
    // Homebrew refuses root.
    return { by: has('brew') && !isRoot ? 'brew' : 'hand', command: `brew ${program.brew.join(' ')}` };
  }
  return { by: 'hand', command: program.other };
}

/** Finds `nats-server` or gets it from the system's package manager. */
export async function ensureNatsServer() {
  await ensure(natsServer);
}

/** The Chromium of the browser tests, or one that the package manager has. @returns its path */
export async function ensureChromium() {
  const chosen = process.env.BELLWETHER_CHROMIUM;
  if (chosen) return chosen;
  const application = '/Applications/Chromium.app/Contents/MacOS/Chromium';
  if (process.platform === 'darwin' && existsSync(application)) return application;
  return await ensure(chromium, () => (existsSync(application) ? application : null));
}

/** Prometheus and promtool; without them the tests that need them are skipped. @returns whether they are there */
export async function ensurePrometheus() {
  try {
    await ensure(prometheus);
    return true;
  } catch (error) {
    if (!(error instanceof PrepareError)) throw error;
    say(error.message);
    return false;
  }
}

/** @param {SystemProgram} program @returns {Promise<string>} its path */
async function ensure(program, elsewhere = () => null) {
  const find = () => program.names.map(findProgram).find((found) => found !== null) ?? elsewhere();
  const present = find();
  if (present) return present;
  const [name] = program.names;
  const { by, command } = installation(program, {
    platform: process.platform,
    isRoot: process.getuid?.() === 0,
    has: (other) => findProgram(other) !== null,
  });
  if (by === 'hand') {
    throw new PrepareError(
      `${name} (${program.what}) is not on this machine. Install it with: ${command}\n` +
        `Then start again; or ${program.without}.`,
    );
  }
  say(`${name} is missing: installing it (${command})`);
  const { code, output } =
    by === 'apt' ? await installWithApt(program.debian) : await run('brew', program.brew);
  const found = find();
  if (code === 0 && found) return found;
  throw new PrepareError(
    `${name} could not be installed:\n${lastLines(output)}\n` +
      `Install it by other means, or ${program.without}.`,
  );
}

async function installWithApt(name) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const wait = ['-qq', '-o', 'DPkg::Lock::Timeout=120'];
  // Some lists may fail to update and the package still be there: the installation's answer counts.
  const updated = await run('apt-get', [...wait, 'update'], { env });
  const args = [...wait, 'install', '-y', '--no-install-recommends', name];
  const { code, output } = await run('apt-get', args, { env });
  // Where systemd runs, the package has just started a server of its own: on the port that ours wants, or for nobody.
  const hasServer = name === natsServer.debian || name === prometheus.debian;
  if (code === 0 && hasServer && existsSync('/run/systemd/system')) {
    await run('systemctl', ['disable', '--now', name], { env });
  }
  return { code, output: updated.output + output };
}

/** What `npm start` does without. */
export const notForStart = ['@bellwether/bench', '@bellwether/demo', '@bellwether/testing'];

/** Builds what has changed. */
export async function build({ env = environment(), exclude = [] } = {}) {
  const changed = projectsToBuild(root, exclude);
  if (changed.length === 0) return;
  const names = changed.map(({ name }) => name).join(',');
  const args = [
    path.join(bin, 'nx'),
    'run-many',
    '-t',
    'build',
    '--output-style=static',
    `--projects=${names}`,
  ];
  const { code, output } = await run(pinnedNode(), args, { env });
  if (code !== 0) throw new PrepareError(`The build failed:\n${lastLines(output, 40)}`);
  noteBuilt(root, changed);
}

export function lastLines(text, count = 15) {
  return text.trimEnd().split('\n').slice(-count).join('\n');
}
