import { readFileSync } from 'node:fs';

/** The last lines of a log file, for an error message. */
export function logTail(file: string, lines = 12): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } catch {
    return `(no output in ${file})`;
  }
}
