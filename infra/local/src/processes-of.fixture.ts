import { readdirSync } from 'node:fs';
import { commandLine } from './orphan.js';

/** The running processes whose command line holds the text (Linux): id and command line. */
export function processesOf(text: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => ({ pid, command: commandLine(Number(pid)) ?? '' }))
    .filter(({ command }) => command.includes(text))
    .map(({ pid, command }) => `${pid} ${command}`);
}
