import type { Readable } from 'node:stream';

/** What a line for a person says elsewhere, or not at all. */
const left = new Set(['level', 'time', 'message', 'service', 'error', 'pid', 'hostname']);

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

/** What of an event's data tells it from others; the whole is in the log, at its position. */
const TITLE = [
  ...['slo', 'rule', 'service', 'sli', 'incident', 'page', 'severity', 'tier', 'group', 'level', 'remaining'],
  ...['longWindow', 'longBurn', 'shortWindow', 'shortBurn', 'value', 'threshold'],
];

function titleOf(data: unknown): string[] {
  const given = Object(data) as Record<string, unknown>;
  return TITLE.filter((key) => given[key] !== undefined && given[key] !== null).map((key) =>
    field(key, given[key]),
  );
}

/** Characters of a value that a person reads in a line. */
const LONGEST = 300;

function field(key: string, value: unknown): string {
  const plain = typeof value === 'number' ? Number(value.toPrecision(6)) : value;
  const text = typeof plain === 'string' ? plain : (JSON.stringify(plain) ?? 'undefined');
  return `${key}=${text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text}`;
}

/** A service's log entry (JSON, as libs/service writes it) as a line for a person; any other line as it is. */
export function readable(line: string): string {
  if (!line.startsWith('{')) return line;
  try {
    const entry = JSON.parse(line) as Record<string, unknown> & {
      error?: string | { message?: string; stack?: string };
    };
    if (typeof entry.level !== 'string' || typeof entry.time !== 'string') return line;
    const fields = Object.entries(entry)
      .filter(([key]) => !left.has(key))
      .flatMap(([key, value]) => (key === 'data' ? titleOf(value) : [field(key, value)]));
    const head = [entry.time.slice(11, 23), entry.level.padEnd(5), entry.message, ...fields];
    const error =
      typeof entry.error === 'string' ? entry.error : (entry.error?.stack ?? entry.error?.message);
    return head.filter((part) => part !== undefined).join(' ') + (error ? `\n${error}` : '');
  } catch {
    return line;
  }
}
