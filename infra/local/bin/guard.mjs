// The guard is the parent of Postgres and NATS. It outlives the process that asked for it (the supervisor of
// `npm start`, or a test run) by exactly the time it takes to stop what that process left: when the IPC channel
// closes, for whatever reason, kill -9 included, everything started here is stopped and every folder entrusted
// here is removed. Plain JavaScript without dependencies, so that it runs before anything is built.
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { devNull } from 'node:os';

/** Children by the number their owner gave them: {child, stopSignal, graceMs}. */
const children = new Map();
/** Processes of the owner's own (services) that must not survive it: pid → start time. */
const watched = new Map();
const folders = new Set();

// Ctrl-C and a closing terminal are the owner's business; it tells us, or goes away.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});

function report(message) {
  if (process.connected) process.send(message, () => {});
}

function start({ id, file, args, cwd, env, uid, gid, log, stopSignal, graceMs }) {
  let output = 'ignore';
  try {
    if (log) output = openSync(log, 'a', 0o600);
    const child = spawn(file, args, {
      cwd,
      env,
      detached: true, // a process group of its own: a terminal's Ctrl-C does not reach it
      stdio: ['ignore', output, output],
      ...(uid === undefined ? {} : { uid, gid }),
    });
    child.on('error', (error) => report({ type: 'failed', id, message: error.message }));
    child.on('exit', (code, signal) => {
      children.delete(id);
      report({ type: 'exit', id, code, signal });
    });
    if (child.pid !== undefined) {
      children.set(id, { child, stopSignal, graceMs });
      report({ type: 'spawned', id, pid: child.pid });
    }
  } catch (error) {
    report({ type: 'failed', id, message: error.message });
  } finally {
    if (typeof output === 'number') closeSync(output);
  }
}

/** When the process `pid` started, in the kernel's own units; null when there is none. */
function startTime(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? null : fields[19];
  } catch {
    return null;
  }
}

function alive(pid) {
  if (process.platform === 'linux') return startTime(pid) === watched.get(pid);
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function killGroup(pid) {
  for (const target of [-pid, pid]) {
    try {
      process.kill(target, 'SIGKILL');
    } catch {
      // already gone
    }
  }
}

async function until(condition, milliseconds) {
  const deadline = Date.now() + milliseconds;
  while (!condition() && Date.now() < deadline) await new Promise((done) => setTimeout(done, 20));
  return condition();
}

/** Others may still be writing into it or removing from it: whether it is gone now. */
function remove(folder) {
  try {
    rmSync(folder, { recursive: true, force: true });
    return true;
  } catch {
    return false;
  }
}

async function end() {
  // Whoever reads what the owner says is not kept waiting for us: a test run would end only after all of its guards.
  closeSync(2);
  openSync(devNull, 'w');
  // Services first: they exit by themselves when the channel to their supervisor closes and may still want
  // to commit; those that do not within the time are killed.
  const gone = () => [...watched.keys()].every((pid) => !alive(pid));
  if (watched.size > 0 && !(await until(gone, 5_000))) {
    for (const pid of watched.keys()) if (alive(pid)) killGroup(pid);
  }
  await Promise.all(
    [...children.values()].map(async ({ child, stopSignal, graceMs }) => {
      const exited = new Promise((done) => child.once('exit', done));
      child.kill(stopSignal);
      const timer = setTimeout(() => killGroup(child.pid), graceMs);
      await exited;
      clearTimeout(timer);
    }),
  );
  for (const folder of folders) await until(() => remove(folder), 5_000);
  process.exit(0);
}

process.on('message', (message) => {
  if (message.type === 'spawn') start(message);
  if (message.type === 'watch') watched.set(message.pid, startTime(message.pid));
  if (message.type === 'unwatch') watched.delete(message.pid);
  if (message.type === 'remove-at-end') folders.add(message.folder);
  if (message.type === 'keep') folders.delete(message.folder);
});
process.on('disconnect', end);
report({ type: 'ready' });
