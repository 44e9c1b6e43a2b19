import { serviceProblems, unknownVariables } from './service-settings.js';
import type { ServiceDefinition } from './services.js';
import { type Settings, settingsFrom } from './settings.js';
import { StartError } from './start-error.js';
import { StartAborted, Supervisor } from './supervisor.js';

const width = 10;

/**
 * Runs the system in the foreground until a signal, or until the process that started this one has gone: log lines
 * on stdout, one line `bellwether ready: <url>`, what went wrong on stderr, exit code 0 after an orderly stop.
 */
export async function runForeground(services: readonly ServiceDefinition[]): Promise<void> {
  // The reader of our output may go away (`npm start | head`); that is no reason to crash.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  const { env } = process;
  const settings = await settingsOf(services, env);
  let asked: string | null = null;

  const stop = async (reason: string): Promise<void> => {
    if (asked !== null) return;
    asked = reason;
    log('bellwether', `stopping: ${reason}`);
    try {
      await supervisor.stop();
      log('bellwether', 'stopped');
    } catch (error) {
      complain(error);
      process.exitCode = 1;
    }
    process.exit();
  };
  const fail = (error: unknown, reason: string): Promise<void> => {
    complain(error);
    process.exitCode = 1;
    return stop(reason);
  };
  const onFailure = (error: unknown): void => void fail(error, 'it cannot go on');
  const supervisor = new Supervisor({ settings, services, env, log, onFailure });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop(signal));
  process.on('disconnect', () => void stop('npm start is gone'));
  process.on('uncaughtException', (error) => void fail(error, 'an error of the supervisor'));

  try {
    await supervisor.start();
    if (asked === null) process.stdout.write(`bellwether ready: ${supervisor.apiUrl}\n`);
  } catch (error) {
    if (asked !== null || error instanceof StartAborted) return;
    await fail(error, 'it could not start');
  }
}

/** The settings of the environment; with any that is wrong, every one is named and the process ends. */
async function settingsOf(services: readonly ServiceDefinition[], env: NodeJS.ProcessEnv): Promise<Settings> {
  try {
    for (const unknown of await unknownVariables(services, env)) log('bellwether', `warning: ${unknown}`);
    return settingsFrom(env, await serviceProblems(services, env));
  } catch (error) {
    complain(error);
    process.exit(1);
  }
}

function log(source: string, text: string): void {
  for (const line of text.split('\n')) process.stdout.write(`${source.padEnd(width)} | ${line}\n`);
}

/** What a person can act on without a stack; anything else with it. */
function complain(error: unknown): void {
  const text = error instanceof StartError ? error.message : ((error as Error).stack ?? String(error));
  for (const line of text.split('\n')) process.stderr.write(`${'bellwether'.padEnd(width)} | ${line}\n`);
}
