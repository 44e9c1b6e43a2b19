import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { httpUrl, nearestNames, resourceName } from '@bellwether/contracts';
import { type Command, InvalidArgumentError } from 'commander';
import { CliError, ExitCode } from '../errors.js';
import { type Answers, manifestOf } from '../init/documents.js';
import { people } from '../init/people.js';
import { type Template, templates } from '../init/templates.js';
import { type ManifestEntry, parseManifest } from '../manifest.js';
import { FaultyManifests } from '../manifest-fault.js';
import { table } from '../output.js';
import { collect, type OpenSession, present, type Session } from './command.js';

interface InitOptions {
  name?: string;
  team?: string;
  tier?: number;
  objective?: number;
  latency?: number;
  runbooks: string;
  policy?: string;
  dependsOn?: string[];
  file?: string;
}

/** Stands for the runbooks that there are not yet. */
const NO_RUNBOOKS = 'https://runbooks.example.org';

/** `init`. */
export function initCommand(program: Command, open: OpenSession, cwd: string): void {
  program
    .command('init')
    .argument('[template]', `${Object.keys(templates).join(', ')}; without it, what there is`)
    .option('--name <service>', 'name of the service (default: the template’s)', named)
    .option('--team <team>', 'who owns it', named)
    .option('--tier <1..4>', 'how critical it is; 1 is the most', tier)
    .option('--objective <share>', 'what is promised, such as 99.9% or 0.999', share)
    .option('--latency <time>', 'the bound of the template’s time, such as 300ms or 2s', seconds)
    .option('--runbooks <url>', 'where runbooks are; each is at its alert’s name below it', base, NO_RUNBOOKS)
    .option('--policy <name>', 'escalation policy; without it, one is there as comments', named)
    .option('--depends-on <service>', 'what it needs (repeatable)', collect)
    .option('-f, --file <path>', 'where to write; - prints it (default: <service>.yaml)')
    .description('write what is usually promised and watched of a kind of service, ready to apply')
    .addHelpText(
      'after',
      '\nExamples:\n  bellwether init web-service --name shop --team web --objective 99.95%\n' +
        '  bellwether init database --name orders-db -f - | bellwether validate -f -',
    )
    .action((given: string | undefined, options: InitOptions, command: Command) => {
      const session = open(command);
      if (given === undefined) return list(session);
      const template = templateOf(given);
      const answers = answersOf(given, template, options);
      const text = textOf(given, template, answers);
      const file = options.file ?? `${answers.name}.yaml`;
      const entries = checked(file, text);
      if (file === '-') return session.output.out(text.trimEnd());
      write(path.resolve(cwd, file), file, text);
      const next = nextSteps(file, template, answers);
      present(session, { file, resources: entries.map(({ kind, name }) => ({ kind, name })), next }, () =>
        [
          `wrote ${file}: ${summary(entries)}`,
          '',
          'Next:',
          ...next.map((step, i) => `  ${i + 1}. ${step}`),
        ].join('\n'),
      );
    });
}

function list(session: Session): void {
  const rows = Object.entries(templates).map(([name, { description, usual }]) => ({
    name,
    description,
    objective: usual.objective,
  }));
  present(session, rows, (all) =>
    table(
      [
        { head: 'TEMPLATE', cell: (row) => row.name },
        { head: 'FOR', cell: (row) => row.description },
        { head: 'OBJECTIVE', cell: (row) => `${Number((row.objective * 100).toPrecision(10))} %` },
      ],
      all,
    ),
  );
}

function templateOf(given: string): Template {
  const template = Object.hasOwn(templates, given) ? templates[given] : undefined;
  if (template !== undefined) return template;
  const [near] = nearestNames(given, Object.keys(templates), 1);
  const meant = near === undefined ? '' : `did you mean ${near}? `;
  throw new CliError(
    `there is no template "${given}"; ${meant}${meant === '' ? 'there' : 'There'} are ${Object.keys(templates).join(', ')}`,
    ExitCode.usage,
  );
}

function answersOf(name: string, { usual }: Template, options: InitOptions): Answers {
  return {
    name: options.name ?? name,
    team: options.team,
    tier: options.tier ?? usual.tier,
    objective: options.objective ?? usual.objective,
    seconds: options.latency ?? usual.seconds,
    runbooks: options.runbooks,
    policy: options.policy,
    dependsOn: options.dependsOn ?? [],
  };
}

function textOf(given: string, template: Template, answers: Answers): string {
  const heading = `${answers.name}: ${template.description} (bellwether init ${given}).\nEvery number here is a starting point: change it to what you promise and see.\n`;
  return manifestOf(heading, template.documents(answers), people(answers));
}

/** What is written must be taken as it is: a name that is too long for what is made of it is told here. */
function checked(file: string, text: string): ManifestEntry[] {
  const { entries, faults } = parseManifest(file, text);
  if (faults.length > 0)
    throw new FaultyManifests('what these options lead to is not valid', ExitCode.usage, faults);
  return entries;
}

function write(where: string, file: string, text: string): void {
  try {
    writeFileSync(where, text, { flag: 'wx' });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new CliError(
      code === 'EEXIST'
        ? `${file} exists already and is left as it is; name another with --file, or print it with --file -`
        : `${file} cannot be written: ${message}`,
    );
  }
}

function summary(entries: readonly ManifestEntry[]): string {
  const counts = new Map<string, number>();
  for (const { kind } of entries) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts].map(([kind, count]) => `${count} ${kind}${count === 1 ? '' : 's'}`).join(', ');
}

function nextSteps(file: string, template: Template, answers: Answers): string[] {
  const measurements = Object.entries(template.measurements(answers));
  return [
    ...(answers.runbooks === NO_RUNBOOKS
      ? [`write the runbooks, and put their addresses in place of ${NO_RUNBOOKS}`]
      : []),
    ...(answers.policy === undefined ? [`say who is paged: at the end of ${file}`] : []),
    `bellwether validate -f ${file}`,
    `bellwether apply -f ${file}`,
    `measure, as your service will:${measurements
      .map(([sli, options]) => `\n       bellwether publish ${answers.name} ${sli} ${options}`)
      .join('')}`,
    `see it: bellwether status, bellwether rule, bellwether signals ${answers.name}`,
  ];
}

// ——— options ———

function named(text: string): string {
  const parsed = resourceName.safeParse(text);
  if (!parsed.success) throw new InvalidArgumentError(`It ${parsed.error.issues[0]?.message}.`);
  return text;
}

function base(text: string): string {
  if (!httpUrl.safeParse(text).success) throw new InvalidArgumentError('It must be an http or https URL.');
  return text.replace(/\/+$/, '');
}

function tier(text: string): number {
  if (!/^[1-4]$/.test(text)) throw new InvalidArgumentError('It must be from 1 to 4.');
  return Number(text);
}

/** `99.9%` or `0.999`. */
function share(text: string): number {
  const percent = /^([0-9.]+) ?%$/.exec(text)?.[1];
  const value = percent === undefined ? Number(text) : Number((Number(percent) / 100).toPrecision(12));
  if (!(value > 0 && value < 1))
    throw new InvalidArgumentError('It must be above 0 and below 1, such as 0.999, or 99.9%.');
  return value;
}

const SECONDS: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600 };

/** `300ms`, `0.5s`, `5m` or `26h`. */
function seconds(text: string): number {
  const [, number, unit] = /^([0-9]+(?:[.][0-9]+)?)(ms|s|m|h)$/.exec(text) ?? [];
  const value = Number(number) * (SECONDS[unit ?? ''] ?? Number.NaN);
  if (!(value > 0)) throw new InvalidArgumentError('It must be a time such as 300ms, 0.5s, 5m or 26h.');
  return Number(value.toPrecision(12));
}
