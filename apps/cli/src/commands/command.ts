import type { Command } from 'commander';
import type { Context } from '../context.js';
import { CliError, ExitCode } from '../errors.js';
import type { HttpClient } from '../http.js';
import type { Output } from '../output.js';

/** What a command works with. */
export interface Session {
  context: Context;
  http: HttpClient;
  output: Output;
  now(): Date;
}

/** Makes the session of one invocation from the global options. */
export type OpenSession = (command: Command) => Session;

/** Prints `value` as JSON when asked to, else what `forPeople` makes of it. */
export function present<T>(session: Session, value: T, forPeople: (value: T) => string): void {
  session.output.out(session.context.output === 'json' ? JSON.stringify(value, null, 2) : forPeople(value));
}

/** The number an option was given. @throws CliError (usage) */
export const number = (text: string): number => {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value))
    throw new CliError(`"${text}" is not a number`, ExitCode.usage);
  return value;
};

/** Collects a repeatable option. */
export const collect = (value: string, before: string[] = []): string[] => [...before, value];
