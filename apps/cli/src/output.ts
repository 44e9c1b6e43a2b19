import type { UnreadablePoints } from '@bellwether/contracts';
import Table from 'cli-table3';
import pc from 'picocolors';

/** Where a command writes; tests hand in their own. */
export interface Output {
  out(text: string): void;
  err(text: string): void;
  /** Whether a person looks on: colours and a progress line make sense. */
  interactive: boolean;
  /** Shows a line in place of the one that was shown last; an empty one takes it away. Absent where nobody looks on. */
  line?(text: string): void;
}

export const processOutput: Output = {
  out: (text) => void process.stdout.write(`${text}\n`),
  err: (text) => void process.stderr.write(`${text}\n`),
  interactive: process.stderr.isTTY === true,
  // Cut to the screen: a line that wraps cannot be taken back.
  ...(process.stderr.isTTY && {
    line: (text: string) =>
      void process.stderr.write(`\r${text.slice(0, (process.stderr.columns ?? 80) - 1)}\x1b[K`),
  }),
};

export interface Column<T> {
  head: string;
  cell: (row: T) => unknown;
}

/** A borderless table, as kubectl and docker print them: easy to read, easy to cut. */
export function table<T>(columns: Column<T>[], rows: T[]): string {
  const grid = new Table({
    head: columns.map((column) => pc.bold(column.head)),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
    chars: Object.fromEntries(
      [
        'top',
        'top-mid',
        'top-left',
        'top-right',
        'bottom',
        'bottom-mid',
        'bottom-left',
        'bottom-right',
        'left',
        'left-mid',
        'mid',
        'mid-mid',
        'right',
        'right-mid',
        'middle',
      ].map((key) => [key, '']),
    ),
  });
  for (const row of rows) grid.push(columns.map((column) => plain(column.cell(row))));
  return grid
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** Two columns of names and values. */
export function fields(entries: [string, unknown][]): string {
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries.map(([name, value]) => `${pc.bold(name.padEnd(width))}  ${plain(value)}`).join('\n');
}

/** A ratio as a percentage for people: 0.99912 → 99.912 %. */
export function percent(ratio: number | null | undefined, digits = 3): string {
  return ratio === null || ratio === undefined ? '–' : `${Number((ratio * 100).toFixed(digits))} %`;
}

/** A number of events for people: fractions come of weights and rates, and nobody reads more than two digits of them. */
export function amount(events: number): string {
  return String(Number(events.toFixed(2)));
}

/** A burn rate with the window that it is over: the hour, which most SLOs have, else the shortest. */
export function burnCell(burn: readonly { window: string; rate: number | null }[]): string {
  const shown = burn.find(({ window }) => window === '1h') ?? burn[0];
  if (shown === undefined || shown.rate === null) return '–';
  return `${shown.rate.toFixed(2)} (${shown.window})`;
}

/** How long ago or ahead: "4 min ago", "in 30 s". */
export function relative(at: string | null | undefined, now: Date): string {
  if (!at) return '–';
  const seconds = Math.round((Date.parse(at) - now.getTime()) / 1000);
  const text = span(Math.abs(seconds));
  return seconds > 0 ? `in ${text}` : `${text} ago`;
}

/** Longer than any window is, and than anybody plans for. */
const YEARS_MS = 3 * 365 * 86_400_000;

/** When a budget will be gone at the recent pace: a day in years to come says no more than that it will not be. */
export const exhaustion = (at: string | null, now: Date): string =>
  at !== null && Date.parse(at) - now.getTime() > YEARS_MS ? 'not for years' : relative(at, now);

/** A length of time in its largest unit: "4 min". */
export function span(seconds: number): string {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** Colours a state by how much it needs attention; plain where colours are off. */
export function tone(state: string): string {
  if (
    [
      'firing',
      'breached',
      'open',
      'investigating',
      'exhausted',
      'failed',
      'failing',
      'sev1',
      'critical',
      'nobody',
      'unreachable',
    ].includes(state)
  )
    return pc.red(state);
  if (
    ['at-risk', 'identified', 'acknowledged', 'sev2', 'warning', 'pending', 'no-data', 'unknown'].includes(
      state,
    )
  )
    return pc.yellow(state);
  if (['ok', 'resolved', 'delivered', 'monitoring'].includes(state)) return pc.green(state);
  return state;
}

function plain(value: unknown): string {
  if (value === null || value === undefined || value === '') return '–';
  if (Array.isArray(value)) return value.length === 0 ? '–' : value.join(', ');
  return String(value);
}

/** `12 of the latest 15 points, the newest 5 s ago: a threshold reads …` */
export function unreadableLine({ points, of, newest, reason }: UnreadablePoints, now: Date): string {
  return `${points} of the latest ${of} points, the newest ${relative(newest, now)}: ${reason}`;
}
