import { setTimeout as sleep } from 'node:timers/promises';
import { Command, CommanderError, Option } from 'commander';
import { manifestCommands } from './commands/apply.js';
import { backtestCommand } from './commands/backtest.js';
import type { OpenSession } from './commands/command.js';
import { completionCommand } from './commands/completion.js';
import { correctionCommands } from './commands/correction.js';
import { eventCommands } from './commands/events.js';
import { explainCommand } from './commands/explain.js';
import { forecastCommand } from './commands/forecast.js';
import { freezeCommands } from './commands/freeze.js';
import { gateCommand } from './commands/gate.js';
import { readCommands } from './commands/get.js';
import { historyCommand } from './commands/history.js';
import { incidentCommands } from './commands/incident.js';
import { initCommand } from './commands/init.js';
import { interchangeCommands } from './commands/interchange.js';
import { onCallCommands } from './commands/oncall.js';
import { operationCommands } from './commands/operations.js';
import { publishCommand } from './commands/publish.js';
import { reportCommand } from './commands/report.js';
import { ruleCommands } from './commands/rule.js';
import { signalsCommand } from './commands/signals.js';
import { sloCommands } from './commands/slo.js';
import { type GlobalOptions, resolveContext } from './context.js';
import { CliError, ExitCode } from './errors.js';
import { HttpClient } from './http.js';
import { type Output, processOutput } from './output.js';

/** Surroundings of an invocation; tests hand in their own. */
export interface Surroundings {
  env?: NodeJS.ProcessEnv;
  output?: Output;
  now?: () => Date;
  cwd?: string;
  /** Waits so many milliseconds; a rejection ends what is watched. */
  pause?: (millis: number) => Promise<void>;
}

/** The whole command tree. */
export function buildProgram({
  env = process.env,
  output = processOutput,
  now = () => new Date(),
  cwd = process.cwd(),
  pause = (millis) => sleep(millis),
}: Surroundings = {}): Command {
  const program = new Command('bellwether')
    .description('error budgets, incidents and pages on one append-only log')
    .version('0.1.0')
    .option('--url <url>', 'the api (BELLWETHER_URL)')
    .option('--ingest-url <url>', 'the ingest service (BELLWETHER_INGEST_URL)')
    .option(
      '--token <token>',
      'access token (BELLWETHER_TOKEN; better than an option, which others on the machine can see)',
    )
    .option('--data-dir <dir>', 'data folder of a local run (BELLWETHER_DATA_DIR)')
    .option('--database-url <url>', 'Postgres of the log (DATABASE_URL)')
    .addOption(
      new Option('-o, --output <format>', 'how to print; csv and md are for reports')
        .choices(['table', 'json', 'yaml', 'csv', 'md'])
        .default('table'),
    )
    .showHelpAfterError('(add --help for help)')
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 refused or not found, 2 wrong call or invalid file, 3 server not reachable.',
    )
    .configureOutput({
      writeOut: (text) => output.out(text.trimEnd()),
      writeErr: (text) => output.err(text.trimEnd()),
    });
  const open: OpenSession = (command, documents = []) => {
    const context = resolveContext(command.optsWithGlobals<GlobalOptions>(), env, cwd);
    const isDocument = context.output === 'csv' || context.output === 'md';
    if (isDocument && !documents.includes(context.output))
      throw new CliError(
        `${command.name()} does not print ${context.output}; take table, json or yaml`,
        ExitCode.usage,
      );
    return { context, http: new HttpClient(context), output, now, pause };
  };
  initCommand(program, open, cwd);
  manifestCommands(program, open);
  interchangeCommands(program, open);
  readCommands(program, open);
  historyCommand(program, open);
  forecastCommand(program, open);
  backtestCommand(program, open);
  sloCommands(program, open);
  ruleCommands(program, open);
  signalsCommand(program, open);
  reportCommand(program, open);
  publishCommand(program, open);
  correctionCommands(program, open);
  gateCommand(program, open);
  freezeCommands(program, open);
  incidentCommands(program, open);
  onCallCommands(program, open);
  eventCommands(program, open);
  explainCommand(program, open);
  operationCommands(program, open);
  completionCommand(program, output);
  inherit(program);
  return program;
}

/** Sub-commands answer usage errors as the root does: on the same output, as exceptions. */
function inherit(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) {
    child.copyInheritedSettings(command);
    inherit(child);
  }
}

/** Runs one invocation. @returns the exit code */
export async function run(argv: string[], surroundings: Surroundings = {}): Promise<number> {
  const output = surroundings.output ?? processOutput;
  try {
    await buildProgram(surroundings).parseAsync(argv, { from: 'user' });
    return Number(process.exitCode ?? ExitCode.ok);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
    if (error instanceof CliError) {
      output.err(`error: ${error.message}`);
      for (const detail of error.details) output.err(`  ${detail}`);
      return error.exitCode;
    }
    output.err(`error: ${error instanceof Error ? error.message : String(error)}`);
    return ExitCode.failed;
  }
}
