import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import { kinds, type ManifestEntry } from './manifest.js';

/** What applying a manifest entry would do. */
export interface PlannedChange {
  entry: ManifestEntry;
  /** What the server has; undefined: nothing, or no server was asked. */
  current: Record<string, unknown> | undefined;
  /** `send`: as far as can be seen nothing changes, but for a secret, which the server alone can compare. */
  action: 'create' | 'change' | 'send' | 'unchanged';
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
  const changed = differ([], shownSli(current), shownSli(entry.resource)).map((differing) => {
    const { keys, before, after } = differing;
    const leftOut = !isNothing(before) && (isNothing(after) || isDefault(entry, differing));
    return { path: keys.join('.'), before, after, leftOut };
  });
  const differences = [...changed, ...takenAway(entry, current)];
  return { entry, current, action: actionOf(differences), differences };
}

function actionOf(differences: readonly Difference[]): PlannedChange['action'] {
  if (differences.length === 0) return 'unchanged';
  return differences.every(({ after }) => after === WRITE_ONLY) ? 'send' : 'change';
}

/** A composite has no SLI: the name in its place, which the contract fills in, is nobody's business. */
const shownSli = (resource: Record<string, unknown>): Record<string, unknown> =>
  (resource.indicator as { kind?: string } | undefined)?.kind === 'composite'
    ? Object.fromEntries(Object.entries(resource).filter(([field]) => field !== 'sli'))
    : resource;

/** Whether a field has its value for want of another, and not from another field: a rule's SLI may name its service. */
function isDefault({ kind, raw, resource }: ManifestEntry, { keys }: Differing): boolean {
  const [field, ...inner] = keys as [string, ...string[]];
  if (Object.hasOwn(raw, field)) return !isThere(raw[field], inner);
  const schema = (kinds[kind].schema.shape as Record<string, z.ZodType>)[field];
  const given = schema?.safeParse(undefined);
  return given?.success === true && isDeepStrictEqual(given.data, resource[field]);
}

/** Whether what a manifest says of a field says something of a part of it. */
function isThere(value: unknown, [key, ...rest]: string[]): boolean {
  if (key === undefined) return true;
  if (typeof value !== 'object' || value === null) return true;
  return Object.hasOwn(value, key) && isThere((value as Record<string, unknown>)[key], rest);
}

/** `tier: 2 → 1` */
export function differenceText({ path, before, after }: Difference): string {
  return after === WRITE_ONLY
    ? `${path}: (write-only; the server compares it)`
    : `${path}: ${show(before)} → ${show(after)}`;
}

/** Of what is left out: `escalationPolicy: "shop"`, and what becomes of it where that is not nothing. */
export function leftOutText({ path, before, after }: Difference): string {
  return `${path}: ${show(before)}${isNothing(after) ? '' : ` (left out; the default is ${show(after)})`}`;
}

/** Stands for a secret, which nobody but the server can compare. */
const WRITE_ONLY = Symbol('write-only');
/** Where secrets are; a label may be called so, too. */
const SECRET = /^(contactMethods|steps)\..*\.secret$/;

/** Optional fields of the resource that the server has and the manifest has not: a resource is replaced as a whole. */
function takenAway({ kind, resource }: ManifestEntry, current: Record<string, unknown>): Difference[] {
  return Object.keys(kinds[kind].schema.shape)
    .filter((field) => resource[field] === undefined && !isNothing(current[field]))
    .map((field) => ({ path: field, before: current[field], after: undefined, leftOut: true }));
}

/** Its place as keys: one may have dots in it, as a label's. */
type Differing = Pick<Difference, 'before' | 'after'> & { keys: readonly string[] };

/** The leaves at which the wanted value is another than the current one. */
function differ(keys: readonly string[], current: unknown, wanted: unknown): Differing[] {
  if (SECRET.test(keys.join('.')) && typeof wanted === 'string')
    return wanted === 'sealed' ? [] : [{ keys, before: current, after: WRITE_ONLY }];
  if (isObject(current) && isObject(wanted)) {
    // What the server has at the top and the manifest has not may be its own, such as warnings: see takenAway. Deeper
    // there is nothing but the resource.
    const all = keys.length === 0 ? definedIn(wanted) : [...definedIn(wanted), ...Object.keys(current)];
    return [...new Set(all)].flatMap((key) => differ([...keys, key], current[key], own(wanted, key)));
  }
  if (Array.isArray(current) && Array.isArray(wanted) && current.length === wanted.length) {
    return wanted.flatMap((value, i) => differ([...keys, String(i)], current[i], value));
  }
  if (isNothing(current) && isNothing(wanted)) return [];
  return Object.is(current, wanted) ? [] : [{ keys, before: current, after: wanted }];
}

const definedIn = (object: Record<string, unknown>) =>
  Object.keys(object).filter((key) => object[key] !== undefined);
const own = (object: Record<string, unknown>, key: string) =>
  Object.hasOwn(object, key) ? object[key] : undefined;
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isNothing = (value: unknown) => value === undefined || value === null;
const show = (value: unknown) => (isNothing(value) ? '(none)' : JSON.stringify(value, withoutSecret));
const withoutSecret = (key: string, value: unknown) =>
  key === 'secret' && value !== 'sealed' ? '(write-only)' : value;
