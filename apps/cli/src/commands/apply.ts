import type { Command } from 'commander';
import pc from 'picocolors';
import { CliError, ExitCode } from '../errors.js';
import { type ManifestEntry, readManifests } from '../manifest.js';
import { type PlannedChange, planChange } from '../plan.js';
import { collect, type OpenSession, present, type Session } from './command.js';

interface ApplyResult {
  kind: string;
  name: string;
  action: PlannedChange['action'];
  differences: string[];
  warnings: string[];
}

/** `validate` and `apply`. */
export function manifestCommands(program: Command, open: OpenSession): void {
  program
    .command('validate')
    .description('check manifests without a server')
    .requiredOption('-f, --file <path>', 'a YAML or JSON file, a folder, or - (repeatable)', collect)
    .action((options: { file: string[] }, command: Command) => {
      const session = open(command);
      const entries = readSome(options.file);
      present(
        session,
        entries.map(({ kind, name, where }) => ({ kind, name, where })),
        (list) => (list.length === 1 ? '1 resource is valid' : `${list.length} resources are valid`),
      );
    });

  program
    .command('apply')
    .description('create or change resources so that they are as the manifests say; shows the plan first')
    .requiredOption('-f, --file <path>', 'a YAML or JSON file, a folder, or - (repeatable)', collect)
    .option('--dry-run', 'show the plan and change nothing', false)
    .addHelpText(
      'after',
      '\nApplying twice changes nothing the second time. Kinds: user, schedule, policy, service, sli, slo.',
    )
    .action(async (options: { file: string[]; dryRun: boolean }, command: Command) => {
      const session = open(command);
      const plan = await planAll(session, readSome(options.file));
      const json = session.context.output === 'json';
      if (!json) for (const line of planLines(plan)) session.output.out(line);
      const results = options.dryRun
        ? plan.map((change) => resultOf(change, []))
        : await applyAll(session, plan);
      if (json) session.output.out(JSON.stringify(results, null, 2));
      else session.output.out(summary(results, options.dryRun));
    });
}

/** A folder without a manifest is a slip of the pen, not "all is well". */
function readSome(files: string[]): ManifestEntry[] {
  const entries = readManifests(files);
  if (entries.length === 0) throw new CliError('the manifests hold no resource', ExitCode.usage);
  return entries;
}

async function planAll(session: Session, entries: ManifestEntry[]): Promise<PlannedChange[]> {
  const plan: PlannedChange[] = [];
  for (const entry of entries)
    plan.push(planChange(entry, await session.http.find<Record<string, unknown>>(entry.path)));
  return plan;
}

async function applyAll(session: Session, plan: PlannedChange[]): Promise<ApplyResult[]> {
  const results: ApplyResult[] = [];
  for (const change of plan) {
    if (change.action === 'unchanged') {
      results.push(resultOf(change, []));
      continue;
    }
    try {
      const { body } = await session.http.put<{ warnings?: string[] }>(change.entry.path, change.entry.raw);
      results.push(resultOf(change, body.warnings ?? []));
    } catch (error) {
      if (error instanceof CliError && error.exitCode === ExitCode.failed) {
        throw new CliError(
          `${change.entry.where}: ${change.entry.kind} ${change.entry.name}: ${error.message}`,
          ExitCode.failed,
          [
            ...error.details,
            `${results.filter((r) => r.action !== 'unchanged').length} of ${plan.filter((c) => c.action !== 'unchanged').length} changes were made before this one; mend it and apply again`,
          ],
        );
      }
      throw error;
    }
  }
  // A reference to something applied later in the same call is no longer worth a warning.
  const defined = new Set(plan.map(({ entry }) => entry.name));
  for (const result of results) {
    result.warnings = result.warnings.filter((warning) => {
      const missing = /(\S+) is not defined yet$/.exec(warning)?.[1];
      return missing === undefined || !defined.has(missing);
    });
  }
  for (const result of results)
    for (const warning of result.warnings)
      session.output.err(`${pc.yellow('warning')}: ${result.kind} ${result.name}: ${warning}`);
  return results;
}

const resultOf = ({ entry, action, differences }: PlannedChange, warnings: string[]): ApplyResult => ({
  kind: entry.kind,
  name: entry.name,
  action,
  differences,
  warnings,
});

function planLines(plan: PlannedChange[]): string[] {
  const sign = {
    create: pc.green('+ create   '),
    change: pc.yellow('~ change   '),
    unchanged: '  unchanged',
  } as const;
  return plan.flatMap(({ entry, action, differences }) => [
    `${sign[action]} ${entry.kind} ${entry.name}`,
    ...differences.map((d) => `      ${d}`),
  ]);
}

function summary(results: ApplyResult[], dryRun: boolean): string {
  const count = (action: string) => results.filter((r) => r.action === action).length;
  return `${dryRun ? 'plan' : 'applied'}: ${count('create')} created, ${count('change')} changed, ${count('unchanged')} unchanged${dryRun ? ' (dry run: nothing was changed)' : ''}`;
}
