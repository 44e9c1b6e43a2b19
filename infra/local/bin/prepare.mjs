// What `npm start` and `npm test` need before anything of ours can run: Node 20 or later is given, everything else
// is seen to here. Plain JavaScript without dependencies.
import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

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
  const npm = process.ppid;
  setInterval(() => {
    if (process.ppid !== npm && child.connected) child.disconnect();
  }, 500).unref();
}

export function requireNode(least = 20) {
  const version = process.versions.node;
  if (Number(version.split('.')[0]) >= least) return;
  throw new PrepareError(
    `Node.js ${least} or later is needed; this is ${version}. Install a current one (nodejs.org) and try again.`,
  );
}

/** `npm ci`, but only when what is installed is not what package-lock.json says. */
export async function installDependencies() {
  const problem = missingDependency();
  if (problem === null) return;
  say(`installing dependencies with npm ci (${problem})`);
  const npm = process.env.npm_execpath;
  const [file, args] = npm && /\.c?js$/.test(npm) ? [process.execPath, [npm]] : ['npm', []];
  const { code, output } = await run(file, [...args, 'ci', '--no-audit', '--no-fund', '--loglevel=error']);
  if (code !== 0) throw new PrepareError(`npm ci failed:\n${lastLines(output)}`);
  const still = missingDependency();
  if (still !== null)
    throw new PrepareError(`npm ci succeeded, but ${still}. Remove node_modules and try again.`);
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
  const wanted = JSON.parse(readFileSync(path.join(folder, 'package-lock.json'), 'utf8')).packages;
  for (const [place, { version, link, optional, devOptional }] of Object.entries(wanted)) {
    if (!place.startsWith('node_modules/') || optional || devOptional) continue;
    if (link ? existsSync(path.join(folder, place)) : installed[place]?.version === version) continue;
    return `${place.slice('node_modules/'.length)} is not installed as package-lock.json says`;
  }
  return null;
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

/** Finds `nats-server` or gets it from the system's package manager. */
export async function ensureNatsServer() {
  if (findProgram('nats-server')) return;
  const isRoot = process.getuid?.() === 0;
  if (isRoot && findProgram('apt-get')) return installWithApt();
  if (!isRoot && process.platform === 'darwin' && findProgram('brew')) {
    say('nats-server is missing: installing it with brew install nats-server');
    const { code, output } = await run('brew', ['install', 'nats-server'], { env: process.env });
    if (code === 0 && findProgram('nats-server')) return;
    throw new PrepareError(`brew install nats-server failed:\n${lastLines(output)}`);
  }
  const command =
    process.platform === 'darwin'
      ? 'brew install nats-server'
      : findProgram('apt-get')
        ? 'sudo apt-get update && sudo apt-get install -y nats-server'
        : "your system's package manager, or a release of github.com/nats-io/nats-server put on PATH";
  throw new PrepareError(
    `nats-server (the message broker) is not on this machine. Install it with: ${command}\n` +
      'Then start again; or set NATS_URL to a NATS server with JetStream of your own.',
  );
}

async function installWithApt() {
  say('nats-server is missing: installing it with apt-get install nats-server');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const wait = ['-o', 'DPkg::Lock::Timeout=120', '-qq'];
  const updated = await run('apt-get', [...wait, 'update'], { env });
  const { code, output } = await run(
    'apt-get',
    [...wait, 'install', '-y', '--no-install-recommends', 'nats-server'],
    { env },
  );
  if (code !== 0 || !findProgram('nats-server')) {
    throw new PrepareError(
      `apt-get install nats-server failed:\n${lastLines(updated.output + output)}\n` +
        'Install nats-server by other means, or set NATS_URL to a NATS server with JetStream of your own.',
    );
  }
  // Where systemd runs, the package has just started a server of its own on the port that ours wants.
  if (existsSync('/run/systemd/system')) {
    await run('systemctl', ['disable', '--now', 'nats-server'], { env });
  }
}

/** Builds what has changed (Nx caches the rest). */
export async function build(env = environment()) {
  const args = [path.join(bin, 'nx'), 'run-many', '-t', 'build', '--output-style=static'];
  const { code, output } = await run(pinnedNode(), args, { env });
  if (code !== 0) throw new PrepareError(`The build failed:\n${lastLines(output, 40)}`);
}

export function lastLines(text, count = 15) {
  return text.trimEnd().split('\n').slice(-count).join('\n');
}
