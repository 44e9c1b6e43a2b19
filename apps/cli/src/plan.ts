import { kinds, type ManifestEntry } from './manifest.js';

/** What applying a manifest entry would do. */
export interface PlannedChange {
  entry: ManifestEntry;
  action: 'create' | 'change' | 'unchanged';
  /** Fields that differ: `path: before → after`. */
  differences: string[];
}

/** Compares an entry with what the server has (undefined: nothing). Write-only secrets are compared by the server. */
export function planChange(
  entry: ManifestEntry,
  current: Record<string, unknown> | undefined,
): PlannedChange {
  if (!current) return { entry, action: 'create', differences: [] };
  const differences = [...differ('', current, entry.resource), ...takenAway(entry, current)];
  return { entry, action: differences.length === 0 ? 'unchanged' : 'change', differences };
}

/** Optional fields of the resource that the server has and the manifest has not: a resource is replaced as a whole. */
function takenAway({ kind, resource }: ManifestEntry, current: Record<string, unknown>): string[] {
  return Object.keys(kinds[kind].schema.shape)
    .filter(
      (field) => !Object.hasOwn(resource, field) && current[field] !== undefined && current[field] !== null,
    )
    .map((field) => `${field}: ${show(current[field])} → (none)`);
}

/** Leaf paths at which the wanted value is another than the current one. */
function differ(path: string, current: unknown, wanted: unknown): string[] {
  if (wanted === undefined) return [];
  if (path.endsWith('.secret'))
    return typeof wanted === 'string' && wanted !== 'sealed' ? [`${path}: (write-only; sent again)`] : [];
  if (isObject(current) && isObject(wanted)) {
    const keys = new Set([...Object.keys(wanted), ...(path === '' ? [] : Object.keys(current))]);
    return [...keys].flatMap((key) =>
      differ(
        path === '' ? key : `${path}.${key}`,
        current[key],
        Object.hasOwn(wanted, key) ? wanted[key] : absent(current[key]),
      ),
    );
  }
  if (Array.isArray(current) && Array.isArray(wanted) && current.length === wanted.length) {
    return wanted.flatMap((value, i) => differ(`${path}.${i}`, current[i], value));
  }
  return Object.is(current, wanted) ? [] : [`${path}: ${show(current)} → ${show(wanted)}`];
}

/** A nested field that the server has and the manifest has not: a label taken away differs, a server's default does not. */
function absent(current: unknown): unknown {
  return typeof current === 'string' ? null : undefined;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const show = (value: unknown) => (value === undefined || value === null ? '(none)' : JSON.stringify(value));
