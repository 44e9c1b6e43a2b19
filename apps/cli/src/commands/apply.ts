import type { Command } from 'commander';
import pc from 'picocolors';
import { CliError, ExitCode } from '../errors.js';
import { kinds, type ManifestEntry, readManifests } from '../manifest.js';
import { type PlannedChange, planChange } from '../plan.js';
import { collect, type OpenSession, present, render, type Session, warn } from './command.js';

/** What became of one planned change. */
interface Applied {
  kind: string;
  name: string;
  action: PlannedChange['action'];
  warnings: string[];
}

const FILE = [
  '-f, --file <path>',
  'a YAML or JSON file, a folder, or - for standard input (repeatable)',
] as const;
const KINDS = `Kinds: ${Object.keys(kinds).join(', ')}.`;

/** `validate` and `apply`. */
export function manifestCommands(program: Command, open: OpenSession): void {
  program
    .command('validate')
    .argument('[paths...]', 'as -f')
    .description('check manifests without a server')
    .option(...FILE, collect)
    .addHelpText(
      'after',
      `\n${KINDS}\n\nExamples:\n  bellwether validate -f slos/\n  bellwether validate *.yaml`,
    )
    .action((paths: string[], options: { file?: string[] }, command: Command) => {
      const session = open(command);
      const entries = readSome([...(options.file ?? []), ...paths]);
      present(
        session,
        entries.map(({ kind, name, where }) => ({ kind, name, where })),
        (list) => (list.length === 1 ? '1 resource is valid' : `${list.length} resources are valid`),
      );
    });

  program
    .command('apply')
    .argument('[paths...]', 'as -f')
    .description('create or change resources so that they are as the manifests say; shows the plan first')
    .option(...FILE, collect)
    .option('--dry-run', 'show the plan and change nothing', false)
    .addHelpText(
      'after',
      `\nApplying twice changes nothing the second time. ${KINDS}\n\nExamples:\n` +
        '  bellwether apply -f search.yaml --dry-run\n  bellwether get slos -o yaml | bellwether apply -f -',
    )
    .action(async (paths: string[], options: { file?: string[]; dryRun: boolean }, command: Command) => {
      const session = open(command);
      const plan = await planAll(session, readSome([...(options.file ?? []), ...paths]));
      const forPeople = session.context.output === 'table';
      if (forPeople) for (const line of planLines(plan)) session.output.out(line);
      if (options.dryRun) {
        present(session, { plan: plan.map(planned) }, () => summary(plan, 'plan'));
        return;
      }
      const results: Applied[] = [];
      try {
        for (const change of plan) results.push(await applyOne(session, change, { done: results, plan }));
      } finally {
        // Also of an apply that was refused on its way: what was changed, was changed.
        dropSettled(results);
        for (const result of results) warn(session, result, `${result.kind} ${result.name}`);
        if (!forPeople) session.output.out(render(session, { plan: plan.map(planned), results }, () => ''));
      }
      if (forPeople) session.output.out(summary(results, 'applied'));
    });
}

/** A folder without a manifest is a slip of the pen, not "all is well". */
function readSome(files: string[]): ManifestEntry[] {
  if (files.length === 0)
    throw new CliError(
      'which manifests? Give -f with a file, a folder, or - for standard input',
      ExitCode.usage,
    );
  const entries = readManifests(files);
  if (entries.length === 0) throw new CliError(`there is no resource in ${files.join(', ')}`, ExitCode.usage);
  return entries;
}

async function planAll(session: Session, entries: ManifestEntry[]): Promise<PlannedChange[]> {
  const plan: PlannedChange[] = [];
  for (const entry of entries)
    plan.push(planChange(entry, await session.http.find<Record<string, unknown>>(entry.path)));
  return plan;
}

async function applyOne(
  session: Session,
  { entry, action }: PlannedChange,
  { done, plan }: { done: Applied[]; plan: PlannedChange[] },
): Promise<Applied> {
  const { kind, name } = entry;
  if (action === 'unchanged') return { kind, name, action, warnings: [] };
  try {
    const { body } = await session.http.put<{ warnings?: string[] }>(entry.path, entry.raw);
    return { kind, name, action, warnings: body.warnings ?? [] };
  } catch (error) {
    if (!(error instanceof CliError && error.exitCode === ExitCode.failed)) throw error;
    const changes = (of: { action: string }[]) => of.filter((each) => each.action !== 'unchanged').length;
    throw new CliError(`${entry.where}: ${kind} ${name}: ${error.message}`, ExitCode.failed, [
      ...error.details,
      `${changes(done)} of ${changes(plan)} changes were made before this one; mend it and apply again`,
    ]);
  }
}

/** A reference to something that the same call applied later is no longer worth a warning. */
function dropSettled(results: Applied[]): void {
  const applied = new Set(results.map(({ kind, name }) => `${kind} ${name}`));
  for (const result of results)
    result.warnings = result.warnings.filter((warning) => {
      const missing = missingOf(warning);
      return missing === undefined || !applied.has(missing);
    });
}

/** `<kind> <name>` of what a warning says is not defined yet: "sli: a/b is …", "dependsOn: service b is …". */
export function missingOf(warning: string): string | undefined {
  const [, word, name] = /(\w+):? (\S+) is not defined yet$/.exec(warning) ?? [];
  if (word === undefined) return undefined;
  return `${word === 'escalationPolicy' ? 'policy' : word} ${name}`;
}

const planned = ({ entry, action, differences }: PlannedChange) => ({
  kind: entry.kind,
  name: entry.name,
  action,
  differences,
  where: entry.where,
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

function summary(results: { action: string }[], what: 'plan' | 'applied'): string {
  const count = (action: string) => results.filter((r) => r.action === action).length;
  return what === 'plan'
    ? `plan: ${count('create')} to create, ${count('change')} to change, ${count('unchanged')} unchanged (dry run: nothing was changed)`
    : `applied: ${count('create')} created, ${count('change')} changed, ${count('unchanged')} unchanged`;
}
