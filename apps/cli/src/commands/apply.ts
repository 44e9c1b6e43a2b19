import type { Command } from 'commander';
import pc from 'picocolors';
import { composedFaults } from '../components.js';
import { CliError, ExitCode } from '../errors.js';
import { lostPolicy, unpagedWarnings } from '../escalation.js';
import { foreseenRefusals, foreseenWarnings } from '../foreseen.js';
import { Known, notDefined } from '../known.js';
import { kinds, type ManifestEntry, readManifests } from '../manifest.js';
import { FaultyManifests, faultsIn, type ManifestFault } from '../manifest-fault.js';
import { differenceText, leftOutText, type PlannedChange, planChange } from '../plan.js';
import { referencesOf } from '../references.js';
import { all, collect, type OpenSession, present, render, type Session, warn } from './command.js';

/** What became of one planned change. */
interface Applied {
  kind: string;
  name: string;
  action: 'create' | 'change' | 'unchanged';
  warnings: string[];
}

/** A planned change, and the version of what it changes; null where there is none. */
type Planned = PlannedChange & { etag: string | null };

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
    .description('check manifests without a server, and tell what applying them would warn of')
    .option(...FILE, collect)
    .addHelpText(
      'after',
      `\nWhat only a server knows, "apply --dry-run" tells. Exits with 2 for manifests that are not valid, and with 1 for those\n` +
        `that contradict each other, so that one will be refused; -o json prints the faults, too. ${KINDS}\n\nExamples:\n  bellwether validate -f slos/\n  bellwether validate *.yaml`,
    )
    .action(async (paths: string[], options: { file?: string[] }, command: Command) => {
      const session = open(command);
      const entries = readSome(session, [...(options.file ?? []), ...paths]);
      const known = new Known(entries);
      const plan = entries.map((entry) => planChange(entry, undefined));
      const warnings = await foreseen(session, plan, known);
      const checked = entries.map((entry) => ({ entry, warnings: warnings.get(entry) ?? [] }));
      for (const { entry, warnings } of checked)
        warn(session, { warnings }, `${entry.where}: ${nameOf(entry)}`);
      const refused = await refusals(plan, known, 'resources');
      if (refused !== undefined) throw shown(session, refused);
      present(
        session,
        checked.map(({ entry: { kind, name, where }, warnings }) => ({ kind, name, where, warnings })),
        (list) => (list.length === 1 ? '1 resource is valid' : `${list.length} resources are valid`),
      );
    });

  program
    .command('apply')
    .argument('[paths...]', 'as -f')
    .description('create or change resources so that they are as the manifests say; shows the plan first')
    .option(...FILE, collect)
    .option('--dry-run', 'show the plan and its warnings, and change nothing', false)
    .addHelpText(
      'after',
      '\nA manifest is the whole resource: what it leaves out is taken away, or becomes the default; the plan marks that\n' +
        'with "-". Applying twice changes nothing the second time. Where one change will be refused, as far as that can be\n' +
        `known, none is made, and the exit code is 1, with --dry-run, too. ${KINDS}\n\nExamples:\n` +
        '  bellwether apply -f search.yaml --dry-run\n  bellwether get slos -o yaml | bellwether apply -f -',
    )
    .action(async (paths: string[], options: { file?: string[]; dryRun: boolean }, command: Command) => {
      const session = open(command);
      const entries = readSome(session, [...(options.file ?? []), ...paths]);
      const plan = await planAll(session, entries);
      const known = new Known(entries, {
        find: (path) => session.http.find(path),
        list: (path) => all(session, path),
      });
      const forPeople = session.context.output === 'table';
      if (forPeople) for (const line of planLines(plan)) session.output.out(line);
      const refused = await refusals(plan, known, 'changes');
      if (options.dryRun) {
        const warnings = await foreseen(session, plan, known);
        const told = plan.map((change) => ({
          ...planned(change),
          warnings: warnings.get(change.entry) ?? [],
        }));
        for (const one of told) warn(session, one, `${one.kind} ${one.name}`);
        if (refused !== undefined) throw shown(session, refused, { plan: told });
        present(session, { plan: told }, () => summary(plan, 'plan'));
        return;
      }
      // All or nothing, as far as it can be known: a half that is applied is what nobody asked for.
      if (refused !== undefined) throw shown(session, refused, { plan: plan.map(planned), results: [] });
      const own = await ownWarnings(session, plan, known);
      const results: Applied[] = [];
      try {
        for (const change of plan) {
          const applied = await applyOne(session, change, { done: results, plan });
          results.push({ ...applied, warnings: [...(own.get(change.entry) ?? []), ...applied.warnings] });
        }
      } finally {
        // Also of an apply that was refused on its way: what was changed, was changed.
        dropSettled(results, plan);
        for (const result of results) warn(session, result, `${result.kind} ${result.name}`);
        if (!forPeople) session.output.out(render(session, { plan: plan.map(planned), results }, () => ''));
      }
      if (forPeople) session.output.out(summary(results, 'applied'));
    });
}

type Warnings = Map<ManifestEntry, string[]>;

/** What applying a plan would warn of: what this program says itself, and what the server would say. */
async function foreseen(session: Session, plan: PlannedChange[], known: Known): Promise<Warnings> {
  const warnings = await ownWarnings(session, plan, known);
  for (const change of effective(plan)) {
    const ofServer = await foreseenWarnings(change, known, session.now());
    warnings.set(change.entry, [...(warnings.get(change.entry) ?? []), ...ofServer]);
  }
  return warnings;
}

/** What the server does not warn of, since it sees one resource at a time. */
async function ownWarnings({ context }: Session, plan: PlannedChange[], known: Known): Promise<Warnings> {
  const changes = effective(plan);
  const unpaged = await unpagedWarnings(
    changes.map(({ entry }) => entry),
    known,
    context.installation,
  );
  return new Map(
    changes.map((change) => {
      const nobody = unpaged.get(change.entry);
      return [change.entry, [...lostPolicy(change), ...(nobody === undefined ? [] : [nobody])]];
    }),
  );
}

const effective = (plan: PlannedChange[]) => plan.filter(({ action }) => action !== 'unchanged');
const nameOf = ({ kind, name }: ManifestEntry): string => `${kind} ${name}`;

/** What of a plan will be refused; undefined: nothing, as far as it can be known. */
async function refusals(
  plan: PlannedChange[],
  known: Known,
  what: 'resources' | 'changes',
): Promise<FaultyManifests | undefined> {
  const changes = effective(plan);
  const composed = await composedFaults(plan, known);
  const found: ManifestFault[][] = [];
  for (const change of changes) {
    const faults = [...(await foreseenRefusals(change, known)), ...(composed.get(change.entry) ?? [])];
    found.push(faultsIn(change.entry, faults));
  }
  const refused = found.filter((faults) => faults.length > 0);
  if (refused.length === 0) return undefined;
  return new FaultyManifests(
    `${refused.length} of ${changes.length} ${what} will be refused${what === 'changes' ? '; nothing was changed' : ''}`,
    ExitCode.failed,
    refused.flat(),
  );
}

/** Prints what is wrong for a program that reads along; for people the error itself is printed. */
function shown(session: Session, error: FaultyManifests, besides: object = {}): FaultyManifests {
  if (session.context.output !== 'table')
    session.output.out(render(session, { ...besides, ...error.document }, () => ''));
  return error;
}

/** A folder without a manifest is a slip of the pen, not "all is well". */
function readSome(session: Session, files: string[]): ManifestEntry[] {
  if (files.length === 0)
    throw new CliError(
      'which manifests? Give -f with a file, a folder, or - for standard input',
      ExitCode.usage,
    );
  let entries: ManifestEntry[];
  try {
    entries = readManifests(files);
  } catch (error) {
    throw error instanceof FaultyManifests ? shown(session, error) : error;
  }
  if (entries.length === 0) throw new CliError(`there is no resource in ${files.join(', ')}`, ExitCode.usage);
  return entries;
}

async function planAll(session: Session, entries: ManifestEntry[]): Promise<Planned[]> {
  const plan: Planned[] = [];
  for (const entry of entries) {
    const { status, body, etag } = await session.http.get<Record<string, unknown>>(entry.path, {
      optional: true,
    });
    plan.push({ ...planChange(entry, status === 404 ? undefined : body), etag });
  }
  return plan;
}

async function applyOne(
  session: Session,
  { entry, action, etag: before }: Planned,
  { done, plan }: { done: Applied[]; plan: Planned[] },
): Promise<Applied> {
  const { kind, name } = entry;
  if (action === 'unchanged') return { kind, name, action, warnings: [] };
  try {
    const { body, etag } = await session.http.put<{ warnings?: string[] }>(entry.path, entry.raw);
    // The server makes no new version of what does not change: whether a secret did is seen here alone.
    const same = action !== 'create' && etag !== null && etag === before;
    const made = action === 'send' ? 'change' : action;
    return { kind, name, action: same ? 'unchanged' : made, warnings: body.warnings ?? [] };
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
function dropSettled(results: Applied[], plan: PlannedChange[]): void {
  const applied = new Set(results.map(({ kind, name }) => `${kind} ${name}`));
  for (const [i, result] of results.entries()) {
    const references = referencesOf((plan[i] as PlannedChange).entry);
    const settled = references.filter(({ kind, name }) => applied.has(`${kind} ${name}`));
    const texts = new Set(settled.map(({ said }) => notDefined(said)));
    result.warnings = result.warnings.filter((warning) => !texts.has(warning));
  }
}

const planned = ({ entry, action, differences }: PlannedChange) => ({
  kind: entry.kind,
  name: entry.name,
  action,
  differences: differences.map(differenceText),
  where: entry.where,
});

function planLines(plan: PlannedChange[]): string[] {
  const sign = {
    create: pc.green('+ create   '),
    change: pc.yellow('~ change   '),
    send: '  send     ',
    unchanged: '  unchanged',
  } as const;
  return plan.flatMap(({ entry, action, differences }) => [
    `${sign[action]} ${nameOf(entry)}`,
    ...differences.map((difference) =>
      difference.leftOut ? pc.red(`    - ${leftOutText(difference)}`) : `      ${differenceText(difference)}`,
    ),
  ]);
}

function summary(results: { action: string }[], what: 'plan' | 'applied'): string {
  const count = (action: string) => results.filter((r) => r.action === action).length;
  const sent = count('send') === 0 ? '' : `, ${count('send')} with secrets to compare`;
  return what === 'plan'
    ? `plan: ${count('create')} to create, ${count('change')} to change, ${count('unchanged')} unchanged${sent} (dry run: nothing was changed)`
    : `applied: ${count('create')} created, ${count('change')} changed, ${count('unchanged')} unchanged`;
}
