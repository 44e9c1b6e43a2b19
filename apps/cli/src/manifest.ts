import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import {
  escalationPolicy,
  faultsOf,
  override,
  schedule,
  service,
  sli,
  sloDefinition,
  user,
} from '@bellwether/contracts';
import { isMap, LineCounter, parseAllDocuments } from 'yaml';
import type { z } from 'zod';
import { CliError, ExitCode } from './errors.js';

/** The kinds a manifest may hold, in the order in which they are applied: what others refer to comes first. */
export const kinds = {
  user: { schema: user, path: (r: Named) => `/v1/users/${r.name}`, plural: 'users' },
  schedule: { schema: schedule, path: (r: Named) => `/v1/schedules/${r.name}`, plural: 'schedules' },
  policy: { schema: escalationPolicy, path: (r: Named) => `/v1/policies/${r.name}`, plural: 'policies' },
  service: { schema: service, path: (r: Named) => `/v1/services/${r.name}`, plural: 'services' },
  sli: { schema: sli, path: (r: Named) => `/v1/slis/${r.service}/${r.name}`, plural: 'slis' },
  slo: { schema: sloDefinition, path: (r: Named) => `/v1/slos/${r.name}`, plural: 'slos' },
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
}

/**
 * Reads manifests: YAML or JSON, several documents a file, each `kind: <kind>` plus the resource's fields.
 * Folders are read recursively; `-` is standard input.
 * @throws CliError (usage) naming file, line and field of every fault
 */
export function readManifests(
  paths: string[],
  stdin: () => string = () => readFileSync(0, 'utf8'),
): ManifestEntry[] {
  const entries = paths.flatMap((given) =>
    given === '-'
      ? parseManifest('stdin', stdin())
      : filesOf(given).flatMap((file) => parseManifest(file, readFileSync(file, 'utf8'))),
  );
  const seen = new Map<string, string>();
  for (const entry of entries) {
    const id = `${entry.kind} ${entry.name}`;
    const before = seen.get(id);
    if (before) throw new CliError(`${id} is defined twice: ${before} and ${entry.where}`, ExitCode.usage);
    seen.set(id, entry.where);
  }
  const order = Object.keys(kinds);
  return entries.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
}

/** Parses the documents of one file. @throws CliError (usage) */
export function parseManifest(file: string, source: string): ManifestEntry[] {
  const lines = new LineCounter();
  const faults: string[] = [];
  const entries: ManifestEntry[] = [];
  for (const document of parseAllDocuments(source, { lineCounter: lines, uniqueKeys: true })) {
    if ('empty' in document && document.empty) continue;
    const line = lines.linePos(document.contents?.range?.[0] ?? document.range?.[0] ?? 0).line;
    const [error] = document.errors;
    if (error) {
      // The first one: what the parser says after it has lost the thread leads astray.
      const message = error.message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '');
      faults.push(`${file}:${error.linePos?.[0].line ?? line}: ${message}`);
      continue;
    }
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    if (value === null || value === undefined) continue;
    const where = `${file}:${line}`;
    if (typeof value !== 'object' || Array.isArray(value)) {
      faults.push(`${where}: a document must be a mapping with "kind" and the fields of the resource`);
      continue;
    }
    const { kind, ...raw } = value as Record<string, unknown>;
    if (typeof kind !== 'string' || !Object.hasOwn(kinds, kind)) {
      faults.push(
        `${where}: kind ${JSON.stringify(kind) ?? '(missing)'} is not known; it must be one of ${Object.keys(kinds).join(', ')}`,
      );
      continue;
    }
    const known = kinds[kind as Kind];
    const parsed = known.schema.safeParse(raw);
    if (!parsed.success) {
      for (const fault of faultsOf(parsed.error)) {
        const at =
          fault.path === ''
            ? undefined
            : document.getIn(
                fault.path.split('.').map((p) => (/^\d+$/.test(p) ? Number(p) : p)),
                true,
              );
        const range =
          at && typeof at === 'object' && 'range' in at ? (at as { range?: [number] }).range : undefined;
        const faultLine = range ? lines.linePos(range[0]).line : line;
        faults.push(
          `${file}:${faultLine}: ${kind} ${isMap(document.contents) ? (raw.name ?? '(no name)') : ''}: ${fault.path || '(root)'}: ${fault.message}`,
        );
      }
      continue;
    }
    const resource = parsed.data as unknown as Record<string, unknown> & Named;
    const name = kind === 'sli' ? `${resource.service}/${resource.name}` : resource.name;
    entries.push({ kind: kind as Kind, name, path: known.path(resource), raw, resource, where });
  }
  if (faults.length > 0) throw new CliError(`${file} is not valid`, ExitCode.usage, faults);
  return entries;
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
