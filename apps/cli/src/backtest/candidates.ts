import { existsSync } from 'node:fs';
import type { Sli, SloDefinition } from '@bellwether/contracts';
import type { Session } from '../commands/command.js';
import { CliError, ExitCode } from '../errors.js';
import { readManifests } from '../manifest.js';

/** A definition that is tried. */
export interface Candidate {
  /** What it is called in a comparison. */
  title: string;
  name: string;
  /** Null where the server is asked by the name. */
  definition: SloDefinition | null;
  /** The SLI that a file defines beside it. */
  sli: Sli | null;
}

export interface CandidateOptions {
  file?: string[];
  slo?: string[];
  against?: string;
}

/** Definitions that are compared at most: more columns than a screen shows. */
const MOST = 4;

/**
 * The definitions that are tried: those of the files, or of the server by name, and what they are compared with. Of files
 * with more than two SLOs it is to be said which.
 * @throws CliError (usage)
 */
export function chooseCandidates({ file = [], slo = [], against }: CandidateOptions): Candidate[] {
  const chosen = file.length > 0 ? ofFiles(file, slo) : slo.map(named);
  if (chosen.length === 0)
    throw new CliError(
      'say what to try: -f <file>, or --slo <name> of an SLO that is defined',
      ExitCode.usage,
    );
  const all = against === undefined ? chosen : [...chosen, other(against, chosen)];
  if (all.length > MOST)
    throw new CliError(`${all.length} definitions are too many to compare, ${MOST} are not`, ExitCode.usage);
  return titled(all);
}

type Found = Candidate & { where: string };

const named = (name: string): Found => ({
  title: name,
  name,
  definition: null,
  sli: null,
  where: 'as defined',
});

function ofFiles(files: string[], names: readonly string[]): Found[] {
  const found = slosOf(files);
  if (names.length > 0) {
    return names.map((name) => {
      const own = found.find((candidate) => candidate.name === name);
      if (own === undefined)
        throw new CliError(`${files.join(', ')} has no SLO ${name}`, ExitCode.usage, [inThere(found)]);
      return own;
    });
  }
  if (found.length === 0) throw new CliError(`${files.join(', ')} has no SLO`, ExitCode.usage);
  if (found.length > 2)
    throw new CliError(`${files.join(', ')} has ${found.length} SLOs: say which with --slo`, ExitCode.usage, [
      inThere(found),
    ]);
  return found;
}

const inThere = (found: readonly Found[]): string =>
  `there are ${found.map(({ name }) => name).join(', ') || 'none'}`;

function slosOf(files: string[]): Found[] {
  const entries = readManifests(files);
  const slis = entries.filter(({ kind }) => kind === 'sli').map(({ resource }) => resource as unknown as Sli);
  return entries
    .filter(({ kind }) => kind === 'slo')
    .map(({ name, resource, where }) => {
      const definition = resource as unknown as SloDefinition;
      const sli = slis.find((each) => each.service === definition.service && each.name === definition.sli);
      return { title: name, name, definition, sli: sli ?? null, where };
    });
}

/** A file, or the name of an SLO that is defined. */
function other(against: string, chosen: readonly Found[]): Found {
  if (!existsSync(against)) return named(against);
  const found = slosOf([against]);
  const [only, ...more] = found;
  const same = found.find(({ name }) => name === chosen[0]?.name);
  const own = more.length === 0 ? only : same;
  if (own !== undefined) return own;
  throw new CliError(
    `${against} has ${found.length} SLOs, none of which is ${chosen[0]?.name}`,
    ExitCode.usage,
    [inThere(found)],
  );
}

/** Those of the same name are told apart by where they are. */
function titled(all: readonly Found[]): Candidate[] {
  return all.map(({ where, ...candidate }) => {
    const alone = all.filter(({ name }) => name === candidate.name).length === 1;
    const file = where.replace(/:\d+$/, '');
    return { ...candidate, title: alone ? candidate.name : file };
  });
}

/** The definition of a candidate, and its SLI: from the server where the file does not have them. */
export async function resolved(
  candidate: Candidate,
  { http }: Session,
): Promise<{ definition: SloDefinition; sli: Sli | null }> {
  if (candidate.definition !== null) return { definition: candidate.definition, sli: candidate.sli };
  const { body: definition } = await http.get<SloDefinition>(
    `/v1/slos/${encodeURIComponent(candidate.name)}`,
  );
  const sli = await http.find<Sli>(`/v1/slis/${definition.service}/${definition.sli}`);
  return { definition, sli: sli ?? null };
}
