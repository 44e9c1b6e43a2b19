import { checkedBy, duration, durationMillis, timestamp } from '@bellwether/contracts';
import type { Command } from 'commander';
import pc from 'picocolors';
import { stringify } from 'yaml';
import type { z } from 'zod';
import type { Context, OutputFormat } from '../context.js';
import { CliError, ExitCode } from '../errors.js';
import type { HttpClient } from '../http.js';
import type { Output } from '../output.js';

/** What a command works with. */
export interface Session {
  context: Context;
  http: HttpClient;
  output: Output;
  now(): Date;
  /** Resolves after so many milliseconds. */
  pause(millis: number): Promise<void>;
}

/**
 * Makes the session of one invocation from the global options.
 * @param documents formats that the command prints besides tables, JSON and YAML
 */
export type OpenSession = (command: Command, documents?: readonly OutputFormat[]) => Session;

/** `value` as JSON or YAML when asked to, else what `forPeople` makes of it. */
export function render<T>({ context }: Session, value: T, forPeople: (value: T) => string): string {
  if (context.output === 'json') return JSON.stringify(value, null, 2);
  if (context.output === 'yaml') return stringify(value).trimEnd();
  return forPeople(value);
}

/** Prints a value in the form that was asked for. */
export function present<T>(session: Session, value: T, forPeople: (value: T) => string): void {
  session.output.out(render(session, value, forPeople));
}

/** Prints the warnings of an answer, beside what is printed for programs. */
export function warn({ output }: Session, body: { warnings?: string[] | undefined }, what = ''): void {
  for (const warning of body.warnings ?? [])
    output.err(`${pc.yellow('warning')}: ${what === '' ? '' : `${what}: `}${warning}`);
}

/** The option of commands that show what changes. */
export const WATCH = ['-w, --watch', 'show it again whenever it has changed, until Ctrl-C'] as const;

const everyMillis = 2_000;

/** Prints what `show` makes; with `watch` again whenever it has become something else, also after an outage. */
export async function shown(
  session: Session,
  watch: boolean | undefined,
  show: () => Promise<string>,
): Promise<void> {
  let last = await show();
  session.output.out(last);
  for (let away = false; watch; ) {
    await session.pause(everyMillis);
    try {
      const text = await show();
      if (text !== last) session.output.out(`\n${text}`);
      last = text;
      away = false;
    } catch (error) {
      if (!(error instanceof CliError && error.exitCode === ExitCode.unreachable)) throw error;
      if (!away) session.output.err(pc.yellow('connection lost; trying until it is back'));
      away = true;
    }
  }
}

/** Every item of a list. @param onPage gets each page, for what it says besides its items */
export async function all<T>(session: Session, path: string, onPage?: (page: object) => void): Promise<T[]> {
  const items: T[] = [];
  for await (const item of session.http.list<T>(path, onPage)) items.push(item);
  return items;
}

/** The number an option was given. @throws CliError (usage) */
export const number = (text: string): number => {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value))
    throw new CliError(`"${text}" is not a number`, ExitCode.usage);
  return value;
};

/** The whole number above 0 that an option was given. @throws CliError (usage) */
export const whole = (text: string): number => {
  const value = number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new CliError(`"${text}" is not a whole number above 0`, ExitCode.usage);
  return value;
};

/** The length of a duration option such as `2h`, milliseconds. @throws CliError (usage) */
export function length(text: string): number {
  const parsed = duration.safeParse(text);
  if (!parsed.success)
    throw new CliError(`"${text}" is not a duration such as 30m, 2h or 1d`, ExitCode.usage);
  return durationMillis(parsed.data);
}

/** A duration option as it is written, checked. @throws CliError (usage) */
export function lengthText(text: string): string {
  length(text);
  return text;
}

/** The time that an option was given, as it was written. @throws CliError (usage) */
export function time(text: string): string {
  const fault = timestamp.safeParse(text).error?.issues[0]?.message;
  if (fault !== undefined) throw new CliError(`"${text}" ${fault}`, ExitCode.usage);
  return text;
}

/** Takes one of these words. @throws CliError (usage) */
export const oneOf =
  <T extends string>(words: readonly T[]) =>
  (text: string): T => {
    const found = words.find((word) => word === text);
    if (found === undefined) throw new CliError(`"${text}" is none of ${words.join(', ')}`, ExitCode.usage);
    return found;
  };

/** Takes some of these words, with commas between them. @throws CliError (usage) */
export const someOf =
  (words: readonly string[]) =>
  (text: string): string =>
    text.split(',').map(oneOf(words)).join(',');

/** A body as the contract has it: what is wrong with it is told before anything is sent. @throws CliError (usage) */
export function checkedBody<T extends z.ZodType>(schema: T, what: string, body: unknown): z.input<T> {
  const checked = checkedBy(schema, body);
  if (checked.ok) return body as z.input<T>;
  throw new CliError(
    `${what} is not valid`,
    ExitCode.usage,
    checked.faults.map(({ path, message }) => `${path || '(root)'}: ${message}`),
  );
}

/** Collects a repeatable option. */
export const collect = (value: string, before: string[] = []): string[] => [...before, value];
