import { z } from 'zod';
import { type Kinds, kindsIn, OTHER_KIND } from './kinds.js';
import { nearestNames } from './nearest.js';

/** One fault of a request: where (JSON path, dots and indexes) and what. */
export const fault = z.object({ path: z.string(), message: z.string() }).meta({ id: 'Fault' });
export type Fault = z.infer<typeof fault>;

/** What is said of a field that a schema does not have. */
export const NOT_KNOWN = 'is not a known field';

/** What a schema makes of a value: what it is, or what is wrong with it. */
export type Checked<T extends z.ZodType> = { ok: true; data: z.output<T> } | { ok: false; faults: Fault[] };

/**
 * Checks a value. Of a field that the schema does not have, the faults say which one may have been meant, or which kind
 * of the object has it.
 */
export function checkedBy<T extends z.ZodType>(schema: T, value: unknown): Checked<T> {
  const result = schema.safeParse(value, { error: unknownFields(kindsIn(schema)) });
  return result.success ? { ok: true, data: result.data } : { ok: false, faults: faultsOf(result.error) };
}

/** A line for each key: only while it is checked is it known which fields an object may have. */
const unknownFields =
  (kinds: ReadonlyMap<z.core.$ZodType, Kinds>): z.core.$ZodErrorMap =>
  ({ code, keys, inst, input }) => {
    const schema = inst as z.core.$ZodType | undefined;
    const definition = schema?._zod.def;
    if (schema === undefined || code !== 'unrecognized_keys' || definition?.type !== 'object')
      return undefined;
    const given = new Set(Object.keys(input as object));
    const free = Object.keys((definition as z.core.$ZodObjectDef).shape).filter((field) => !given.has(field));
    return (keys as string[])
      .map((key) => {
        const elsewhere = kinds.get(schema)?.with(key, input as Record<string, unknown>);
        if (elsewhere !== undefined) return elsewhere;
        const [near] = nearestNames(key, free, 1);
        return near === undefined ? NOT_KNOWN : `${NOT_KNOWN}; did you mean ${near}?`;
      })
      .join('\n');
  };

/** The faults of a zod error, paths in dotted form with indexes: `layers.0.rotation.start`. */
export function faultsOf(error: z.ZodError): Fault[] {
  return error.issues.flatMap((issue) => faultsAt([], issue));
}

function faultsAt(place: readonly PropertyKey[], issue: z.core.$ZodIssue): Fault[] {
  const at = [...place, ...issue.path];
  const path = at.map(String).join('.');
  if (issue.code === 'invalid_union') {
    const meant = meantBranch(issue.errors);
    if (meant) return meant.flatMap((inner) => faultsAt(at, inner));
  }
  if (issue.code === 'unrecognized_keys') {
    const lines = issue.message.split('\n');
    return issue.keys.map((key, i) => ({
      path: [...at, key].map(String).join('.'),
      message: lines[i]?.startsWith(NOT_KNOWN) || lines[i]?.startsWith(OTHER_KIND) ? lines[i] : NOT_KNOWN,
    }));
  }
  if (issue.code === 'invalid_key')
    return issue.issues.map(({ message }) => ({ path, message: `its name ${message}` }));
  return [{ path, message: said(issue) }];
}

/** A schema's own words, and in place of zod's general ones what the field has to be. */
function said(issue: z.core.$ZodIssue): string {
  if (isMissing(issue)) return 'is required';
  if (!/^(Invalid (option|input|discriminator)|Too (small|big))/.test(issue.message)) return issue.message;
  switch (issue.code) {
    case 'invalid_value':
      return oneOf(issue.values.map(String));
    case 'invalid_union':
      return 'options' in issue && Array.isArray(issue.options)
        ? oneOf(issue.options.map(String))
        : issue.message;
    case 'invalid_type':
      return issue.message.replace(
        /^Invalid input: expected (\w+), received (\w+)$/,
        (_, expected: string, received: string) =>
          `must be ${withArticle(expected)}, not ${withArticle(received)}`,
      );
    case 'too_small':
      return `must ${measure(issue.origin)}${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}${unit(issue.origin, issue.minimum)}`;
    case 'too_big':
      return `must ${measure(issue.origin)}${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}${unit(issue.origin, issue.maximum)}`;
    default:
      return issue.message;
  }
}

const oneOf = (words: readonly string[]) =>
  words.length === 1 ? `must be ${words[0]}` : `must be one of ${words.join(', ')}`;
const withArticle = (type: string) =>
  /^(null|undefined|NaN)$/.test(type) ? type : `${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}`;
const measure = (origin: string) => (origin === 'array' || origin === 'string' ? 'have ' : 'be ');
const UNITS: Record<string, readonly [one: string, more: string]> = {
  array: [' entry', ' entries'],
  string: [' character', ' characters'],
};
const unit = (origin: string, many: number | bigint) => UNITS[origin]?.[Number(many) === 1 ? 0 : 1] ?? '';

/** The one alternative whose fields are those given: its faults tell more than that nothing fits. */
function meantBranch(
  branches: readonly (readonly z.core.$ZodIssue[])[],
): readonly z.core.$ZodIssue[] | undefined {
  const distance = (issues: readonly z.core.$ZodIssue[]) =>
    issues.reduce((sum, issue) => {
      if (issue.code === 'unrecognized_keys') return sum + issue.keys.length;
      // A field that must be one of some words tells alternatives apart, as one that is missing does.
      return sum + (issue.path.length === 0 || isMissing(issue) || issue.code === 'invalid_value' ? 1 : 0);
    }, 0);
  // An object where a name or an object may stand: its type says what was meant.
  const ofItsType = branches.filter((issues) => !issues.some(isOtherType));
  const [first, second] = (ofItsType.length > 0 && ofItsType.every(looksInside) ? ofItsType : branches)
    .map((issues) => ({ issues, far: distance(issues) }))
    .sort((a, b) => a.far - b.far);
  return first && (second === undefined || first.far < second.far) ? first.issues : undefined;
}

/** Whether an alternative is for another type of value altogether. */
const isOtherType = (issue: z.core.$ZodIssue): boolean =>
  issue.code === 'invalid_type' && issue.path.length === 0;
/** Whether an alternative finds fault with the fields of a value alone. */
const looksInside = (issues: readonly z.core.$ZodIssue[]): boolean =>
  issues.every((issue) => issue.path.length > 0 || issue.code === 'unrecognized_keys');

function isMissing(issue: z.core.$ZodIssue): boolean {
  return issue.code === 'invalid_type' && issue.message.endsWith('received undefined');
}
