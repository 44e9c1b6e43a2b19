import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks a second, as Linux tells processor time in /proc on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;

/** What processes took: seconds of processor time since their start, and bytes of memory, shared pages divided. */
export interface Cost {
  cpuSeconds: number;
  bytes: number;
}

/** What some processes and all of their children took so far. */
export function costOf(roots: readonly number[]): Cost {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const parent = /^\d+$/.test(name) ? stat(Number(name))?.parent : undefined;
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const cost = { cpuSeconds: 0, bytes: 0 };
  const seen = [...roots];
  for (const pid of seen) {
    seen.push(...(children.get(pid) ?? []));
    cost.cpuSeconds += stat(pid)?.cpuSeconds ?? 0;
    cost.bytes += proportionalBytes(pid);
  }
  return cost;
}

function stat(pid: number): { parent: number; cpuSeconds: number } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the program, in brackets, may hold blanks.
    const [, parent, ...rest] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    // Own user and system time, then those of children that have ended.
    const ticks = rest.slice(9, 13).reduce((sum, value) => sum + Number(value), 0);
    return { parent: Number(parent), cpuSeconds: ticks / TICKS_PER_SECOND };
  } catch {
    return null; // it has just ended
  }
}

function proportionalBytes(pid: number): number {
  try {
    const kib = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1];
    return Number(kib ?? 0) * 1024;
  } catch {
    return 0;
  }
}
