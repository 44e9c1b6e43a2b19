import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { commandLine } from './orphan.js';

/** The process that listens on a local TCP port, as far as we are allowed to see: `process 123 (node server.js)`. */
export function portOwner(port: number): string | null {
  const pid = process.platform === 'linux' ? listenerOnLinux(port) : listenerByLsof(port);
  if (pid === null) return null;
  // The command's name, not its arguments: those may hold secrets.
  const program = commandLine(pid)?.split(' ')[0];
  return program ? `process ${pid} (${program.split('/').pop()})` : `process ${pid}`;
}

function listenerOnLinux(port: number): number | null {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  const inodes = new Set<string>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    try {
      for (const line of readFileSync(table, 'utf8').split('\n').slice(1)) {
        const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
        if (local?.endsWith(`:${hexPort}`) && state === '0A' && inode) inodes.add(`socket:[${inode}]`);
      }
    } catch {
      // no IPv6 here
    }
  }
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      for (const fd of readdirSync(`/proc/${pid}/fd`)) {
        if (inodes.has(readlinkSync(`/proc/${pid}/fd/${fd}`))) return Number(pid);
      }
    } catch {
      // another user's process, or one that has just ended
    }
  }
  return null;
}

function listenerByLsof(port: number): number | null {
  try {
    const pids = execFileSync('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-t'], { encoding: 'utf8' });
    return Number(pids.split('\n')[0]) || null;
  } catch {
    return null;
  }
}
