import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import { kinds, type ManifestEntry } from './manifest.js';

/** What applying a manifest entry would do. */
export interface PlannedChange {
  entry: ManifestEntry;
  /** What the server has; undefined: nothing, or no server was asked. */
  current: Record<string, unknown> | undefined;
  action: 'create' | 'change' | 'unchanged';
  differences: Difference[];
}

/** A field that would have another value. */
export interface Difference {
  path: string;
  before: unknown;
  after: unknown;
  /**
   * Whether it is because the manifest leaves it out: a manifest is the whole resource, so that what it does not say
   * is taken away, or becomes the default.
   */
  leftOut: boolean;
}

/** Compares an entry with what the server has (undefined: nothing). Write-only secrets are compared by the server. */
export function planChange(
  entry: ManifestEntry,
  current: Record<string, unknown> | undefined,
): PlannedChange {
  if (!current) return { entry, current, action: 'create', differences: [] };
  const changed = differ('', shownSli(current), shownSli(entry.resource)).map((difference) => ({
    ...difference,
    leftOut: !isNothing(difference.before) && (isNothing(difference.after) || isDefault(entry, difference)),
  }));
  const differences = [...changed, ...takenAway(entry, current)];
  return { entry, current, action: differences.length === 0 ? 'unchanged' : 'change', differences };
}

/** A composite has no SLI: the name in its place, which the contract fills in, is nobody's business. */
const shownSli = (resource: Record<string, unknown>): Record<string, unknown> =>
  (resource.indicator as { kind?: string } | undefined)?.kind === 'composite'
    ? Object.fromEntries(Object.entries(resource).filter(([field]) => field !== 'sli'))
    : resource;

/** Whether a field has its value for want of another, and not from another field: a rule's SLI may name its service. */
function isDefault({ kind, raw, resource }: ManifestEntry, { path }: Differing): boolean {
  const field = path.split('.')[0] as string;
  if (Object.hasOwn(raw, field)) return false;
  const schema = (kinds[kind].schema.shape as Record<string, z.ZodType>)[field];
  const given = schema?.safeParse(undefined);
  return given?.success === true && isDeepStrictEqual(given.data, resource[field]);
}

/** `tier: 2 → 1` */
export function differenceText({ path, before, after }: Difference): string {
  return after === SENT_AGAIN
    ? `${path}: (write-only; sent again)`
    : `${path}: ${show(before)} → ${show(after)}`;
}

/** Of what is left out: `escalationPolicy: "shop"`, and what becomes of it where that is not nothing. */
export function leftOutText({ path, before, after }: Difference): string {
  return `${path}: ${show(before)}${isNothing(after) ? '' : ` (left out; the default is ${show(after)})`}`;
}

/** Stands for a secret, which nobody can compare. */
const SENT_AGAIN = Symbol('sent again');

/** Optional fields of the resource that the server has and the manifest has not: a resource is replaced as a whole. */
function takenAway({ kind, resource }: ManifestEntry, current: Record<string, unknown>): Difference[] {
  return Object.keys(kinds[kind].schema.shape)
    .filter((field) => !Object.hasOwn(resource, field) && !isNothing(current[field]))
    .map((field) => ({ path: field, before: current[field], after: undefined, leftOut: true }));
}

type Differing = Omit<Difference, 'leftOut'>;

/** Leaf paths at which the wanted value is another than the current one. */
function differ(path: string, current: unknown, wanted: unknown): Differing[] {
  if (wanted === undefined) return [];
  if (path.endsWith('.secret'))
    return typeof wanted === 'string' && wanted !== 'sealed'
      ? [{ path, before: current, after: SENT_AGAIN }]
      : [];
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
  return Object.is(current, wanted) ? [] : [{ path, before: current, after: wanted }];
}

/** A nested field that the server has and the manifest has not: a label taken away differs, a server's default does not. */
function absent(current: unknown): unknown {
  return typeof current === 'string' ? null : undefined;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isNothing = (value: unknown) => value === undefined || value === null;
const show = (value: unknown) => (isNothing(value) ? '(none)' : JSON.stringify(value));
