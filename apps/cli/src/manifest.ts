import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import {
  changeFreeze,
  escalationPolicy,
  nearestNames,
  override,
  rule,
  schedule,
  service,
  sli,
  sloDefinition,
  user,
} from '@bellwether/contracts';
import { type Document, isNode, LineCounter, parseAllDocuments } from 'yaml';
import type { z } from 'zod';
import { CliError, ExitCode } from './errors.js';
import { foreign } from './foreign.js';
import { FaultyManifests, faultsIn, type ManifestFault, notValid } from './manifest-fault.js';
import { resourceOf } from './refusals.js';
import { yamlFault } from './yaml-fault.js';

/** The kinds a manifest may hold, in the order in which they are applied: what others refer to comes first. */
export const kinds = {
  user: { schema: user, path: (r: Named) => `/v1/users/${r.name}`, plural: 'users' },
  schedule: { schema: schedule, path: (r: Named) => `/v1/schedules/${r.name}`, plural: 'schedules' },
  policy: { schema: escalationPolicy, path: (r: Named) => `/v1/policies/${r.name}`, plural: 'policies' },
  service: { schema: service, path: (r: Named) => `/v1/services/${r.name}`, plural: 'services' },
  sli: { schema: sli, path: (r: Named) => `/v1/slis/${r.service}/${r.name}`, plural: 'slis' },
  slo: { schema: sloDefinition, path: (r: Named) => `/v1/slos/${r.name}`, plural: 'slos' },
  rule: { schema: rule, path: (r: Named) => `/v1/rules/${r.name}`, plural: 'rules' },
  freeze: { schema: changeFreeze, path: (r: Named) => `/v1/freezes/${r.name}`, plural: 'freezes' },
} as const satisfies Record<string, { schema: z.ZodType; path: (r: Named) => string; plural: string }>;

export type Kind = keyof typeof kinds;
type Named = { name: string; service?: string | undefined };

/** One resource of a manifest: as written (`raw`) and with defaults filled in (`resource`). */
export interface ManifestEntry {
  kind: Kind;
  name: string;
  path: string;
  raw: Record<string, unknown>;
  resource: Record<string, unknown>;
  /** `file:line` of the document. */
  where: string;
  /** `file:line:column` of a field of it, or of the nearest one around it that is there. */
  place(path: string): string;
}

/**
 * Reads manifests: YAML or JSON, several documents a file, each `kind: <kind>` plus the resource's fields.
 * Folders are read recursively; `-` is standard input.
 * @throws FaultyManifests (usage) naming file, line and field of every fault
 */
export function readManifests(
  paths: string[],
  stdin: () => string = () => readFileSync(0, 'utf8'),
): ManifestEntry[] {
  const sources = sourcesOf(paths, stdin);
  const faults: ManifestFault[] = [];
  const entries = sources.flatMap(({ file, text }) => {
    const parsed = parseManifest(file, text);
    faults.push(...parsed.faults);
    return parsed.entries;
  });
  if (faults.length > 0)
    throw notValid(sources.length === 1 ? `${sources[0]?.file} is` : 'the manifests are', faults);
  const seen = new Map<string, string>();
  for (const { kind, name, where, place } of entries) {
    const id = `${kind} ${name}`;
    const before = seen.get(id);
    if (before)
      throw new FaultyManifests(`${id} is defined twice: ${before} and ${where}`, ExitCode.usage, [
        { where: place(''), kind, name, path: '', message: `is defined at ${before}, too` },
      ]);
    seen.set(id, where);
  }
  const order = Object.keys(kinds);
  return entries.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
}

/** A document of another tool. */
export interface ForeignDocument {
  value: unknown;
  /** `file:line:column` of a field of it, or of the nearest one around it that is there. */
  place(path: string): string;
}

/**
 * Reads documents of other tools, YAML or JSON; paths as those of manifests. A list is each of its entries.
 * @throws CliError (usage) naming file, line and column of what is no YAML
 */
export function readDocuments(
  paths: string[],
  stdin: () => string = () => readFileSync(0, 'utf8'),
): ForeignDocument[] {
  return sourcesOf(paths, stdin).flatMap(({ file, text }) => {
    const lines = new LineCounter();
    const documents = parseAllDocuments(text, { lineCounter: lines });
    return [...documents].flatMap((document) => {
      const unread = yamlFault(document, text, lines);
      if (unread !== undefined) {
        const { line, col } = lines.linePos(unread.offset);
        throw new CliError(`${file} is not valid`, ExitCode.usage, [
          `${file}:${line}:${col}: ${unread.message}`,
        ]);
      }
      const value: unknown = document.toJS({ maxAliasCount: 100 });
      const place = (path: string): string => {
        const start = document.contents?.range?.[0] ?? 0;
        const { line, col } = lines.linePos(placeOf(document, path) ?? start);
        return `${file}:${line}:${col}`;
      };
      if (value === null || value === undefined) return [];
      if (!Array.isArray(value)) return [{ value, place }];
      return value.map((entry: unknown, i) => ({
        value: entry,
        place: (path: string) => place(path === '' ? String(i) : `${i}.${path}`),
      }));
    });
  });
}

const sourcesOf = (paths: string[], stdin: () => string): { file: string; text: string }[] =>
  paths.flatMap((given) =>
    given === '-'
      ? [{ file: 'stdin', text: stdin() }]
      : filesOf(given).map((file) => ({ file, text: read(file) })),
  );

/** Parses the documents of one file. @returns also its faults */
export function parseManifest(
  file: string,
  source: string,
): { entries: ManifestEntry[]; faults: ManifestFault[] } {
  const lines = new LineCounter();
  const faults: ManifestFault[] = [];
  const entries: ManifestEntry[] = [];
  for (const document of parseAllDocuments(source, { lineCounter: lines, uniqueKeys: true })) {
    if ('empty' in document && document.empty) continue;
    const start = document.contents?.range?.[0] ?? document.range?.[0] ?? 0;
    const at = (offset: number) => {
      const { line, col } = lines.linePos(offset);
      return `${file}:${line}:${col}`;
    };
    const place = (path: string) => at(placeOf(document, path) ?? start);
    const unread = yamlFault(document, source, lines);
    if (unread !== undefined) {
      faults.push({ where: at(unread.offset), message: unread.message });
      continue;
    }
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    if (value === null || value === undefined) continue;
    const where = `${file}:${lines.linePos(start).line}`;
    if (typeof value !== 'object' || Array.isArray(value)) {
      faults.push({
        where: at(start),
        message: 'a document must be a mapping with "kind" and the fields of the resource',
      });
      continue;
    }
    const ofOthers = foreign(value);
    if (ofOthers !== undefined) {
      faults.push({ where: at(start), message: `${ofOthers} -f ${file === 'stdin' ? '-' : file}` });
      continue;
    }
    const { kind, ...raw } = value as Record<string, unknown>;
    if (typeof kind !== 'string' || !Object.hasOwn(kinds, kind)) {
      faults.push({ where: place('kind'), message: unknownKind(kind) });
      continue;
    }
    const checked = resourceOf(kind as Kind, kinds[kind as Kind].schema, raw);
    if (!checked.ok) {
      const said = typeof raw.name === 'string' ? raw.name : undefined;
      faults.push(...faultsIn({ kind, name: said, place }, checked.faults));
      continue;
    }
    const resource = checked.resource as Named & typeof checked.resource;
    const name = kind === 'sli' ? `${resource.service}/${resource.name}` : resource.name;
    const path = kinds[kind as Kind].path(resource);
    entries.push({ kind: kind as Kind, name, path, raw, resource, where, place });
  }
  return { entries, faults };
}

function unknownKind(kind: unknown): string {
  const [near] = typeof kind === 'string' ? nearestNames(kind, Object.keys(kinds), 1) : [];
  const known = `must be one of ${Object.keys(kinds).join(', ')}`;
  if (kind === undefined) return `kind is missing; it ${known}`;
  const meant = near === undefined ? 'it' : `did you mean ${near}? It`;
  return `kind ${JSON.stringify(kind)} is not known; ${meant} ${known}`;
}

/** Offset of a field, or of the nearest one around it that is there. */
function placeOf(document: Document.Parsed, path: string): number | undefined {
  const steps = path === '' ? [] : path.split('.').map((step) => (/^\d+$/.test(step) ? Number(step) : step));
  for (; steps.length > 0; steps.pop()) {
    const node: unknown = document.getIn(steps, true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return undefined;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CliError(`${file} cannot be read: ${(error as Error).message}`, ExitCode.usage);
  }
}

function filesOf(given: string): string[] {
  let stat: ReturnType<typeof statSync>;
  try {
    stat = statSync(given);
  } catch {
    throw new CliError(`${given} does not exist`, ExitCode.usage);
  }
  if (!stat.isDirectory()) return [given];
  return readdirSync(given, { withFileTypes: true })
    .sort((a, b) => a.name.localeCompare(b.name))
    .flatMap((entry) => {
      const full = path.join(given, entry.name);
      if (entry.isDirectory()) return filesOf(full);
      return /[.](ya?ml|json)$/.test(entry.name) ? [full] : [];
    });
}

/** Re-exported for `bellwether oncall override`, whose body is checked before it is sent. */
export { override };
