import type { Readable } from 'node:stream';

const levels: Record<number, string> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};
const left = new Set(['level', 'time', 'msg', 'pid', 'hostname', 'service', 'name', 'err']);

/** Calls `take` for each whole line of the stream; a line that does not end is cut at 64 KiB. */
export function eachLine(stream: Readable, take: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > 65_536) lines.push(rest.slice(0, 65_536));
    if (rest.length > 65_536) rest = '';
    for (const line of lines) take(line);
  });
  stream.on('end', () => {
    if (rest !== '') take(rest);
  });
  stream.on('error', () => {});
}

/** A service's log line for a person: pino's JSON as `time level message key=value`; anything else as it is. */
export function readable(line: string): string {
  if (!line.startsWith('{')) return line;
  try {
    const entry = JSON.parse(line) as Record<string, unknown> & {
      err?: { message?: string; stack?: string };
    };
    if (typeof entry.level !== 'number') return line;
    const time = new Date(entry.time as number | string).toISOString().slice(11, 23);
    const fields = Object.entries(entry)
      .filter(([key]) => !left.has(key))
      .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
    const error = entry.err?.stack ?? entry.err?.message;
    const head = [time, (levels[entry.level] ?? String(entry.level)).padEnd(5), entry.msg, ...fields];
    return head.filter((part) => part !== undefined).join(' ') + (error ? `\n${error}` : '');
  } catch {
    return line;
  }
}
