import {
  DEFAULT_EVERY,
  type PrometheusRules,
  parseOrRefuse,
  service,
  sli,
  sloDefinition,
} from '@bellwether/contracts';
import {
  type Definitions,
  exportOpenSlo,
  exportPrometheusRules,
  importOpenSlo,
  importSloth,
  type Note,
  noteText,
  periodWarning,
  type Routing,
  rulesFile,
} from '@bellwether/slo';
import type { Command } from 'commander';
import { stringify } from 'yaml';
import type { z } from 'zod';
import { CliError, ExitCode } from '../errors.js';
import { withExisting } from '../existing-services.js';
import { type ForeignDocument, type ManifestEntry, readDocuments, readManifests } from '../manifest.js';
import { all, collect, lengthText, type OpenSession, render, type Session, warn } from './command.js';

const MANIFEST = [
  '-f, --file <path>',
  'of the definitions in these manifests: a file, a folder, or - (repeatable)',
] as const;
const DOCUMENT = ['-f, --file <path>', 'a YAML or JSON file, a folder, or - (repeatable)'] as const;

interface ExportOptions {
  file?: string[];
}

interface ImportOptions {
  file?: string[];
  strict: boolean;
  services: boolean;
  silent: boolean;
  prometheusUrl?: string;
  every?: string;
}

/** `import` and `export`. */
export function interchangeCommands(program: Command, open: OpenSession): void {
  const importing = program.command('import').description('definitions of other tools, as manifests');
  const exporting = program.command('export').description('definitions in the words of other tools');
  importCommands(importing, open);

  exporting
    .command('prometheus')
    .argument('[slos...]', 'these SLOs; without it, all of them')
    .description('recording and alerting rules that alert as the SLOs do, to run both side by side')
    .option(...MANIFEST, collect)
    .addHelpText(
      'after',
      '\nWhat rules cannot say is written to standard error, and to the file as comments.\n\nExamples:\n' +
        '  bellwether export prometheus > bellwether-rules.yaml && promtool check rules bellwether-rules.yaml\n' +
        '  bellwether export prometheus -f slos/',
    )
    .action(async (names: string[], options: ExportOptions, command: Command) => {
      const session = open(command);
      const { groups, notes } = exportPrometheusRules(await definitions(session, names, options.file));
      const rules: PrometheusRules = { groups, notes: notes.map(noteText) };
      warn(session, { warnings: rules.notes });
      // A rules file knows groups alone; notes are comments of it.
      session.output.out(
        session.context.output === 'json' ? JSON.stringify({ groups }, null, 2) : rulesFile(rules).trimEnd(),
      );
      if (groups.length === 0) throw new CliError('none of these SLOs has rules', ExitCode.failed);
    });

  exporting
    .command('openslo')
    .argument('[slos...]', 'these SLOs; without it, all definitions')
    .description('OpenSLO v1; "import openslo" of it gives the same definitions again')
    .option(...MANIFEST, collect)
    .addHelpText('after', '\nExample:\n  bellwether export openslo checkout-availability > slo.yaml')
    .action(async (names: string[], options: ExportOptions, command: Command) => {
      const session = open(command);
      const objects = exportOpenSlo(await definitions(session, names, options.file));
      session.output.out(
        render(session, objects, (list) => list.map((one) => stringify(one).trimEnd()).join('\n---\n')),
      );
    });
}

function importCommands(importing: Command, open: OpenSession): void {
  const formats = [
    {
      name: 'openslo',
      description: 'OpenSLO v1, and the SLOs of v1alpha',
      strict: "refuse what OpenSLO's own validator refuses; otherwise that is warned about",
      read: importOpenSlo,
    },
    {
      name: 'sloth',
      description:
        "Sloth's specifications, as files or Kubernetes resources, its catalogues of windows, and the rules it generated for SLI plugins",
      strict: "refuse fields that Sloth's specification does not have; otherwise they are warned about",
      read: (parsed: unknown[], { strict, prometheusUrl, every }: ImportOptions) =>
        importSloth(parsed, { strict, prometheusUrl: prometheusUrl ?? LOCAL_PROMETHEUS, every }),
    },
  ];
  for (const { name, description, strict, read } of formats) {
    importing
      .command(name)
      .argument('[paths...]', 'as -f')
      .description(description)
      .option(...DOCUMENT, collect)
      .option('--strict', strict, false)
      .option(
        '--prometheus-url <url>',
        `the Prometheus that queries are for, where the file does not say${name === 'sloth' ? ` (default ${LOCAL_PROMETHEUS})` : ''}`,
      )
      .option(
        '--every <duration>',
        `how often queries are asked, and what {{.window}} is then, where the file does not say: at least two scrapes, better four (default ${DEFAULT_EVERY})`,
        lengthText,
      )
      .option(
        '--silent',
        'for a trial: alerts are recorded and shown, and declare no incident, so that nobody is notified',
        false,
      )
      .option(
        '--no-services',
        'print SLIs and SLOs alone, and ask no server for what it has of their services',
      )
      .addHelpText(
        'after',
        '\nPrints manifests; warnings and faults are written to standard error. A file is imported as a whole or not at all.\n' +
          'A service that the server has keeps what the file does not say: tier, escalationPolicy and the like.\n\n' +
          `Examples:\n  bellwether import ${name} -f slo.yaml | bellwether apply -f -\n  bellwether import ${name} -f slo.yaml --no-services > slo-of-ours.yaml`,
      )
      .action(async (paths: string[], options: ImportOptions, command: Command) => {
        const session = open(command);
        const files = [...(options.file ?? []), ...paths];
        if (files.length === 0)
          throw new CliError('which file? Give -f with a file, a folder, or -', ExitCode.usage);
        const given = readDocuments(files);
        if (given.length === 0)
          throw new CliError(`there is no specification in ${files.join(', ')}`, ExitCode.usage);
        const imported = read(
          given.map(({ value }) => value),
          options,
        );
        const told = (note: Note) => `${placeIn(given, note)}${noteText(note)}`;
        warn(session, { warnings: imported.warnings.map(told) });
        if (!imported.ok)
          throw new CliError(
            `this is not ${name} that can be imported`,
            ExitCode.usage,
            imported.faults.map(told),
          );
        const { services, warnings } = await withExisting(
          options.services ? imported.definitions.services : [],
          session.http,
        );
        const period = periodWarning(imported.definitions);
        warn(session, { warnings: period === null ? warnings : [period, ...warnings] });
        const { slis, slos } = imported.definitions;
        const manifests = manifestsOf({ services, slis, slos: options.silent ? slos.map(silent) : slos });
        session.output.out(render(session, manifests, (list) => documents(list, imported.routing)));
      });
  }
}

/** Where a Prometheus listens unless it is told otherwise. */
const LOCAL_PROMETHEUS = 'http://127.0.0.1:9090';

/** `file:line:column: ` of what a note is about. */
function placeIn(given: ForeignDocument[], { document, path }: Note): string {
  const found = given.find(({ value }) => value === document);
  return found === undefined ? '' : `${found.place(path)}: `;
}

/** What was imported as manifests that `apply` takes. */
function manifestsOf({ services, slis, slos }: Definitions): Manifest[] {
  return [
    ...services.map((one) => ({ kind: 'service', ...one })),
    ...slis.map((one) => ({ kind: 'sli', ...one })),
    ...slos.map((one) => ({ kind: 'slo', ...one })),
  ];
}

/** An SLO on trial beside the alerts there are. */
const silent = <T>(slo: T) => ({ ...slo, declare: { page: null, ticket: null } });

type Manifest = { kind: string; name: string; service?: string; escalationPolicy?: string | undefined };

/** As a file; where nothing says who is paged, a comment has the place for it. */
function documents(list: Manifest[], routing: Routing): string {
  const services = list.filter(({ kind }) => kind === 'service').map(({ name }) => name);
  return list
    .map((one) => `${stringify(one).trimEnd()}${policyComment(one, routing, services)}`)
    .join('\n---\n');
}

/** @param services that are printed, too, and have the comment for their SLOs */
function policyComment(
  { kind, name, service: of, escalationPolicy }: Manifest,
  routing: Routing,
  services: string[],
): string {
  if (escalationPolicy !== undefined) return '';
  const route = kind === 'slo' ? routing[name] : undefined;
  if (route !== undefined)
    return `\n# escalationPolicy: <policy>  # another than that of the service; it was routed by ${route.replaceAll(/\s+/g, ' ')}`;
  if (kind === 'service') return '\n# escalationPolicy: <policy>  # who is paged for its incidents';
  return kind === 'slo' && of !== undefined && !services.includes(of)
    ? `\n# escalationPolicy: <policy>  # who is paged for its incidents; without it, as service ${of} says`
    : '';
}

/** Definitions of manifests, or of the server; of some SLOs, those and what they are about. */
async function definitions(
  session: Session,
  names: string[],
  files: string[] | undefined,
): Promise<Definitions> {
  const found = files === undefined ? await ofServer(session) : ofManifests(readManifests(files));
  const missing = names.filter((name) => !found.slos.some((slo) => slo.name === name));
  if (missing.length > 0)
    throw new CliError(
      missing.length === 1 ? `there is no SLO ${missing[0]}` : `there are no SLOs ${missing.join(', ')}`,
      files === undefined ? ExitCode.failed : ExitCode.usage,
    );
  if (names.length === 0) return found;
  const slos = found.slos.filter(({ name }) => names.includes(name));
  return {
    services: found.services.filter(({ name }) => slos.some((slo) => slo.service === name)),
    slis: found.slis.filter((one) => slos.some((slo) => slo.service === one.service && slo.sli === one.name)),
    slos,
  };
}

/** What the server has. Fields that this program does not know would be left out unseen: then it refuses. */
async function ofServer(session: Session): Promise<Definitions> {
  const read = async <T extends z.ZodType>(kind: string, schema: T): Promise<z.output<T>[]> =>
    (await all<unknown>(session, `/v1/${kind}`)).map((one) =>
      parseOrRefuse(schema, one, `one of the ${kind} of the server`),
    );
  return {
    services: await read('services', service),
    slis: await read('slis', sli),
    slos: await read('slos', sloDefinition),
  };
}

function ofManifests(entries: ManifestEntry[]): Definitions {
  const of = <T>(kind: string): T[] =>
    entries.filter((entry) => entry.kind === kind).map(({ resource }) => resource as T);
  return { services: of('service'), slis: of('sli'), slos: of('slo') };
}
