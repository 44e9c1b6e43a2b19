import type { JsonSchema, Side } from './json-schema.js';

/** A change of a published schema that breaks a program which was written against it. */
export interface Incompatibility {
  /** Where, such as `POST /v1/incidents body.title`. */
  at: string;
  /** What a program that relied on it runs into. */
  message: string;
}

/**
 * What changed incompatibly from `before` to `after`. On the input side everything that was accepted must still be;
 * on the output side everything that was promised must still hold. Adding is fine on both sides.
 */
export function schemaIncompatibilities(
  before: { root: JsonSchema; document: JsonSchema },
  after: { root: JsonSchema; document: JsonSchema },
  side: Side,
  at: string,
): Incompatibility[] {
  const comparison = new Comparison(before.document, after.document, side);
  comparison.compare(before.root, after.root, at);
  return comparison.found;
}

/** Bounds, and whether a larger one accepts less. */
const BOUNDS: readonly [keyword: string, largerIsTighter: boolean][] = [
  ['minimum', true],
  ['exclusiveMinimum', true],
  ['minLength', true],
  ['minItems', true],
  ['minProperties', true],
  ['maximum', false],
  ['exclusiveMaximum', false],
  ['maxLength', false],
  ['maxItems', false],
  ['maxProperties', false],
];

class Comparison {
  found: Incompatibility[] = [];
  /** Pairs of references being compared: schemas may refer to themselves. */
  readonly #open = new Set<string>();

  constructor(
    private readonly before: JsonSchema,
    private readonly after: JsonSchema,
    private readonly side: Side,
  ) {}

  compare(before: JsonSchema, after: JsonSchema, at: string): void {
    const pair = `${String(before.$ref)} ${String(after.$ref)}`;
    const named = before.$ref !== undefined && after.$ref !== undefined;
    if (named && this.#open.has(pair)) return;
    if (named) this.#open.add(pair);
    this.compareResolved(flatten(before, this.before), flatten(after, this.after), at);
    if (named) this.#open.delete(pair);
  }

  private compareResolved(before: JsonSchema, after: JsonSchema, at: string): void {
    const [oldBranches, newBranches] = [branchesOf(before), branchesOf(after)];
    if (oldBranches || newBranches) {
      this.compareBranches(oldBranches ?? [before], newBranches ?? [after], at);
      return;
    }
    this.compareTypes(before, after, at);
    this.compareValues(before, after, at);
    if (this.side === 'input') this.compareBounds(before, after, at);
    this.compareObjects(before, after, at);
    this.compareArrays(before, after, at);
  }

  /**
   * Input: each shape that was accepted is still accepted by some branch. Output: each shape that may come is one
   * that was promised, or a new object variant, which a reader of variants has to expect.
   */
  private compareBranches(before: JsonSchema[], after: JsonSchema[], at: string): void {
    const [wanted, offered] = this.side === 'input' ? [before, after] : [after, before];
    for (const branch of wanted) {
      const fits = offered.some((other) => {
        const [b, a] = this.side === 'input' ? [branch, other] : [other, branch];
        return this.isCompatible(b, a);
      });
      if (fits) continue;
      const flat = flatten(branch, this.side === 'input' ? this.before : this.after);
      if (this.side === 'output' && isVariant(flat) && !this.isKnownVariant(flat, before)) continue;
      this.report(
        at,
        this.side === 'input'
          ? `${describe(flat)} was accepted and no longer is`
          : `${describe(flat)} may come now, which was not so before`,
      );
    }
  }

  /** Whether a variant with the same constants was there before: then it changed and is not new. */
  private isKnownVariant(variant: JsonSchema, before: JsonSchema[]): boolean {
    const constants = JSON.stringify(constantsOf(variant));
    return before.some((other) => JSON.stringify(constantsOf(flatten(other, this.before))) === constants);
  }

  private isCompatible(before: JsonSchema, after: JsonSchema): boolean {
    const trial = new Comparison(this.before, this.after, this.side);
    for (const pair of this.#open) trial.#open.add(pair);
    trial.compare(before, after, '');
    return trial.found.length === 0;
  }

  private compareTypes(before: JsonSchema, after: JsonSchema, at: string): void {
    const [was, is] = [typesOf(before), typesOf(after)];
    const [wanted, offered] = this.side === 'input' ? [was, is] : [is, was];
    if (offered === null) return;
    if (wanted === null || wanted.some((type) => !covers(offered, type))) {
      this.report(at, `the type was ${nameOf(was)} and is ${nameOf(is)}`);
    }
  }

  private compareValues(before: JsonSchema, after: JsonSchema, at: string): void {
    const [was, is] = [valuesOf(before), valuesOf(after)];
    if (this.side === 'input') {
      if (is === null) return;
      const gone = was?.filter((value) => !is.includes(value));
      if (was === null) this.report(at, `only ${is.join(', ')} are accepted now`);
      else if (gone && gone.length > 0) this.report(at, `${gone.join(', ')} is no longer accepted`);
    } else if (was !== null && is === null && typesOf(after) !== null) {
      this.report(at, `the values were only ${was.join(', ')}, and now may be others`);
    } else if ('const' in before && was?.some((value) => !is?.includes(value))) {
      this.report(at, `the value was ${was.join()} and is ${is?.join() ?? 'open'}`);
    }
  }

  private compareBounds(before: JsonSchema, after: JsonSchema, at: string): void {
    for (const [keyword, largerIsTighter] of BOUNDS) {
      const [was, is] = [before[keyword], after[keyword]];
      if (typeof is !== 'number') continue;
      const tighter = typeof was !== 'number' || (largerIsTighter ? is > was : is < was);
      if (tighter) this.report(at, `${keyword} was ${was ?? 'not set'} and is ${is}`);
    }
    for (const keyword of ['pattern', 'format', 'multipleOf'] as const) {
      if (after[keyword] !== undefined && before[keyword] !== after[keyword])
        this.report(at, `${keyword} was ${before[keyword] ?? 'not set'} and is ${after[keyword]}`);
    }
    if (after.uniqueItems === true && before.uniqueItems !== true)
      this.report(at, 'items must be unique now');
  }

  private compareObjects(before: JsonSchema, after: JsonSchema, at: string): void {
    const [was, is] = [propertiesOf(before), propertiesOf(after)];
    const [mustBefore, mustAfter] = [requiredOf(before), requiredOf(after)];
    const open = restOf(after);
    for (const [name, schema] of Object.entries(was)) {
      const path = join(at, name);
      const now = is[name] ?? (this.side === 'input' && open !== false ? open : undefined);
      if (now === undefined) this.report(path, this.side === 'input' ? 'is no longer accepted' : 'is gone');
      else this.compare(schema, now, path);
      if (this.side === 'output' && mustBefore.has(name) && is[name] && !mustAfter.has(name))
        this.report(path, 'was always there and may be missing now');
    }
    if (this.side === 'input') {
      for (const name of mustAfter) {
        if (!mustBefore.has(name)) this.report(join(at, name), 'is required now');
      }
    }
    this.compareRest(before, after, at);
  }

  /** `additionalProperties`: what keys that are not named may hold. */
  private compareRest(before: JsonSchema, after: JsonSchema, at: string): void {
    if (!('additionalProperties' in before) && !('additionalProperties' in after)) return;
    const [was, is] = [restOf(before), restOf(after)];
    if (was === false) return;
    if (is === false) {
      if (this.side === 'input') this.report(at, 'other keys were accepted and no longer are');
      else if (Object.keys(was).length > 0) this.report(at, 'its entries are gone');
      return;
    }
    this.compare(was, is, join(at, '*'));
  }

  private compareArrays(before: JsonSchema, after: JsonSchema, at: string): void {
    const [was, is] = [tupleOf(before), tupleOf(after)];
    if (was && is && was.length !== is.length)
      this.report(at, `it had ${was.length} places and has ${is.length}`);
    else
      for (const [i, schema] of (was ?? []).entries()) {
        const now = is?.[i] ?? itemsOf(after);
        if (now) this.compare(schema, now, `${at}[${i}]`);
      }
    const [each, eachNow] = [itemsOf(before), itemsOf(after)];
    if (each && eachNow) this.compare(each, eachNow, `${at}[]`);
    else if (this.side === 'input' && !each && !was && eachNow && typesOf(before)?.includes('array'))
      this.compare({}, eachNow, `${at}[]`);
  }

  private report(at: string, message: string): void {
    this.found.push({ at, message });
  }
}

const join = (at: string, name: string) => (at === '' ? name : `${at}.${name}`);

/** The schema with `$ref` resolved and `allOf` folded into one. */
function flatten(schema: JsonSchema, document: JsonSchema): JsonSchema {
  const { $ref, allOf, ...own } = schema;
  if ($ref === undefined && allOf === undefined) return schema;
  const parts = [
    ...(typeof $ref === 'string' ? [flatten(resolve($ref, document), document)] : []),
    ...((allOf as JsonSchema[] | undefined) ?? []).map((part) => flatten(part, document)),
    own,
  ];
  const properties = Object.assign({}, ...parts.map(propertiesOf)) as Record<string, JsonSchema>;
  const required = parts.flatMap((part) => [...requiredOf(part)]);
  return {
    ...(Object.assign({}, ...parts) as JsonSchema),
    ...(Object.keys(properties).length > 0 ? { properties } : {}),
    ...(required.length > 0 ? { required } : {}),
  };
}

/** What a local reference names. @throws RangeError when it names nothing */
export function resolve(reference: string, document: JsonSchema): JsonSchema {
  let node: unknown = document;
  for (const part of reference.replace(/^#\//, '').split('/')) {
    node = (node as Record<string, unknown> | undefined)?.[part.replaceAll('~1', '/').replaceAll('~0', '~')];
  }
  if (node === null || typeof node !== 'object') throw new RangeError(`${reference} names nothing`);
  return node as JsonSchema;
}

function branchesOf(schema: JsonSchema): JsonSchema[] | undefined {
  return (schema.anyOf ?? schema.oneOf) as JsonSchema[] | undefined;
}

function typesOf(schema: JsonSchema): string[] | null {
  if (schema.type !== undefined) return [schema.type].flat() as string[];
  const values = valuesOf(schema);
  if (values === null) return null;
  return [...new Set(values.map((value) => jsonType(JSON.parse(value))))];
}

function jsonType(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value;
}

const covers = (types: string[], type: string) =>
  types.includes(type) || (type === 'integer' && types.includes('number'));

/** The only values that are possible, as JSON; null when the schema does not list them. */
function valuesOf(schema: JsonSchema): string[] | null {
  if ('const' in schema) return [JSON.stringify(schema.const)];
  return Array.isArray(schema.enum) ? schema.enum.map((value) => JSON.stringify(value)) : null;
}

const propertiesOf = (schema: JsonSchema) => (schema.properties ?? {}) as Record<string, JsonSchema>;
const requiredOf = (schema: JsonSchema) => new Set((schema.required ?? []) as string[]);
const tupleOf = (schema: JsonSchema) => schema.prefixItems as JsonSchema[] | undefined;
const itemsOf = (schema: JsonSchema) =>
  typeof schema.items === 'object' && schema.items !== null ? (schema.items as JsonSchema) : undefined;

function restOf(schema: JsonSchema): JsonSchema | false {
  const rest = schema.additionalProperties;
  if (rest === false) return false;
  return typeof rest === 'object' && rest !== null ? (rest as JsonSchema) : {};
}

function constantsOf(schema: JsonSchema): [string, string[] | null][] {
  return Object.entries(propertiesOf(schema))
    .map(([name, inner]): [string, string[] | null] => [name, valuesOf(inner)])
    .filter(([, values]) => values?.length === 1);
}

/** An object that says by a constant which variant it is. */
const isVariant = (schema: JsonSchema) => constantsOf(schema).length > 0;

const nameOf = (types: string[] | null) => (types === null ? 'anything' : types.join(' or '));

function describe(schema: JsonSchema): string {
  const constants = constantsOf(schema).map(([name, values]) => `${name} ${values?.join()}`);
  if (constants.length > 0) return `the variant ${constants.join(', ')}`;
  return valuesOf(schema)?.join(', ') ?? nameOf(typesOf(schema));
}
