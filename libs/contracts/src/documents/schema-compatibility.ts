import type { JsonSchema, Side } from './json-schema.js';
import {
  anyName,
  branchesOf,
  constantsOf,
  covers,
  describe,
  flatten,
  isVariant,
  itemsOf,
  nameOf,
  propertiesOf,
  requiredOf,
  restOf,
  spelledOut,
  tupleOf,
  typesOf,
  valuesOf,
} from './schema-reading.js';

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

/** Bounds that stand for themselves, and whether a larger one accepts less. */
const BOUNDS: readonly [keyword: string, largerIsTighter: boolean][] = [
  ['minLength', true],
  ['minItems', true],
  ['minProperties', true],
  ['maxLength', false],
  ['maxItems', false],
  ['maxProperties', false],
];

/** Bounds of numbers, of which an exclusive one implies the other. */
const RANGES: readonly [inclusive: string, exclusive: string, largerIsTighter: boolean][] = [
  ['minimum', 'exclusiveMinimum', true],
  ['maximum', 'exclusiveMaximum', false],
];

/** Rules that are the same or are another rule: which of two accepts less cannot be told. */
const RULES = [
  'pattern',
  'format',
  'multipleOf',
  'contentEncoding',
  'contentMediaType',
  'not',
  'if',
  'then',
  'else',
  'contains',
  'minContains',
  'maxContains',
  'dependentRequired',
  'dependentSchemas',
  'patternProperties',
  'unevaluatedItems',
  'unevaluatedProperties',
] as const;

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
    this.compareBounds(before, after, at);
    this.compareRules(before, after, at);
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
    } else if (was?.length === 1 && 'const' in before && is?.join() !== was[0]) {
      this.report(at, `the value was ${was.join()} and is ${is?.join() ?? 'open'}`);
    }
  }

  /**
   * A limit binds whoever sends when it is new, and whoever reads when it is lost. What it binds to has to be certain
   * from the limits of the other document.
   */
  private compareBounds(before: JsonSchema, after: JsonSchema, at: string): void {
    const [binding, given] = this.side === 'input' ? [after, before] : [before, after];
    const report = (keyword: string) =>
      this.report(at, `${keyword} was ${before[keyword] ?? 'not set'} and is ${after[keyword] ?? 'not set'}`);
    for (const [keyword, largerIsTighter] of BOUNDS) {
      const [bound, other] = [binding[keyword], given[keyword]];
      if (typeof bound !== 'number') continue;
      const implied = typeof other === 'number' && (largerIsTighter ? other >= bound : other <= bound);
      if (!implied) report(keyword);
    }
    for (const [inclusive, exclusive, largerIsTighter] of RANGES) {
      const beyond = (value: unknown, bound: number) =>
        typeof value === 'number' && (largerIsTighter ? value > bound : value < bound);
      for (const keyword of [inclusive, exclusive]) {
        const bound = binding[keyword];
        if (typeof bound !== 'number') continue;
        const implied =
          given[keyword] === bound ||
          given[exclusive] === bound ||
          beyond(given[inclusive], bound) ||
          beyond(given[exclusive], bound);
        if (!implied) report(keyword);
      }
    }
    if (binding.uniqueItems === true && given.uniqueItems !== true)
      this.report(at, this.side === 'input' ? 'items must be unique now' : 'items may be the same now');
  }

  /** Like bounds, but of rules that are compared as they are written, with what they refer to. */
  private compareRules(before: JsonSchema, after: JsonSchema, at: string): void {
    const binding = this.side === 'input' ? after : before;
    for (const keyword of RULES) {
      if (binding[keyword] === undefined) continue;
      const [was, is] = [spelledOut(before[keyword], this.before), spelledOut(after[keyword], this.after)];
      if (was !== is) this.report(at, `${keyword} was ${was ?? 'not set'} and is ${is ?? 'not set'}`);
    }
    const [names, namesNow] = [before.propertyNames, after.propertyNames] as (JsonSchema | undefined)[];
    if (names || namesNow) this.compare({ ...anyName, ...names }, { ...anyName, ...namesNow }, join(at, '*'));
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
    if (was && is && was.length !== is.length) {
      this.report(at, `it had ${was.length} places and has ${is.length}`);
      return;
    }
    // Only what was an array has items; what became one is told by its type.
    if (!was && itemsOf(before) === undefined && !typesOf(before)?.includes('array')) return;
    const [each, eachNow] = [itemsOf(before) ?? {}, itemsOf(after) ?? {}];
    const places = (was ?? is ?? []).length;
    for (let i = 0; i < places; i++) this.compareItems(was?.[i] ?? each, is?.[i] ?? eachNow, `${at}[${i}]`);
    this.compareItems(each, eachNow, `${at}[]`);
  }

  /** Items of one place, or of all that follow; false where there are none. */
  private compareItems(was: JsonSchema | false, is: JsonSchema | false, at: string): void {
    if (was !== false && is !== false) this.compare(was, is, at);
    else if (was === false && is !== false && this.side === 'output') this.report(at, 'may come now');
    else if (was !== false && is === false && this.side === 'input') this.report(at, 'is no longer accepted');
  }

  private report(at: string, message: string): void {
    this.found.push({ at, message });
  }
}

const join = (at: string, name: string) => (at === '' ? name : `${at}.${name}`);
