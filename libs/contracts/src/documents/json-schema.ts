import { z } from 'zod';
import { IMPLIED_DEFAULT } from '../names.js';
import { PARAMETER_SCHEMA } from './route.js';

/** A JSON Schema, of the draft that its document is read by. */
export type JsonSchema = { [key: string]: unknown };

/** The draft that schemas are written in: OpenAPI 3.1 reads 2020-12, AsyncAPI 3.0 reads 07. */
export type Draft = '2020-12' | '07';

/** Which side of a schema: what may be sent, or what is given out (defaults filled in, so more is certain). */
export type Side = 'input' | 'output';

/** Where documents keep their shared schemas. */
export const SCHEMAS = '#/components/schemas/';

/**
 * Turns zod schemas into JSON Schemas that refer to shared ones by name (`.meta({ id })`). A name whose two sides
 * differ gets a second schema, `<name>Input`, so that a reader never sees a default that is not filled in yet.
 */
export class SchemaComponents {
  readonly #wanted: { schema: z.ZodType; side: Side }[] = [];
  readonly #defs: Record<Side, Map<string, JsonSchema>> = { input: new Map(), output: new Map() };
  #differing: Set<string> | undefined;

  constructor(private readonly draft: Draft) {}

  /** Announces a schema. All are announced before the first is given out: names depend on both sides. */
  want(schema: z.ZodType, side: Side): void {
    this.#wanted.push({ schema, side });
    for (const [id, def] of Object.entries(convert(schema, side, this.draft).defs))
      this.#defs[side].set(id, def);
    this.#differing = undefined;
  }

  /** The JSON Schema of a zod schema, with its named parts as references into the components. */
  of(schema: z.ZodType, side: Side): JsonSchema {
    return this.rename(convert(schema, side, this.draft).root, side);
  }

  /** `components.schemas` of all that was announced, by name. */
  all(): Record<string, JsonSchema> {
    const found: [string, JsonSchema][] = [];
    for (const side of ['output', 'input'] as const) {
      for (const [id, def] of this.#defs[side]) found.push([this.nameOf(id, side), this.rename(def, side)]);
    }
    return Object.fromEntries(found.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  }

  private nameOf(id: string, side: Side): string {
    this.#differing ??= this.differing();
    return side === 'input' && this.#differing.has(id) ? `${id}Input` : id;
  }

  /** Names whose sides differ, themselves or in what they refer to. */
  private differing(): Set<string> {
    const { input, output } = this.#defs;
    const differing = new Set<string>();
    for (const [id, def] of input) {
      const other = output.get(id);
      if (other && JSON.stringify(def) !== JSON.stringify(other)) differing.add(id);
    }
    for (let size = -1; size !== differing.size; ) {
      size = differing.size;
      for (const [id, def] of input) {
        if (output.has(id) && references(def).some((name) => differing.has(name))) differing.add(id);
      }
    }
    return differing;
  }

  private rename(schema: JsonSchema, side: Side): JsonSchema {
    return mapSchema(schema, (node) =>
      typeof node.$ref === 'string' ? { ...node, $ref: SCHEMAS + this.nameOf(named(node.$ref), side) } : node,
    );
  }
}

function convert(
  schema: z.ZodType,
  side: Side,
  draft: Draft,
): { root: JsonSchema; defs: Record<string, JsonSchema> } {
  const {
    $schema: _,
    $defs,
    definitions,
    ...root
  } = z.toJSONSchema(schema, {
    io: side,
    target: draft === '07' ? 'draft-07' : 'draft-2020-12',
    unrepresentable: 'throw',
    override: ({ jsonSchema }) => tidy(jsonSchema as JsonSchema, side),
  }) as JsonSchema;
  const defs = ($defs ?? definitions ?? {}) as Record<string, JsonSchema>;
  // A named schema at the root is itself a component.
  const id = z.globalRegistry.get(schema)?.id;
  if (id === undefined || root.$ref !== undefined) return { root, defs };
  return { root: { $ref: `#/$defs/${id}` }, defs: { ...defs, [id]: root } };
}

/** The name that a reference of zod's is to. */
const named = (reference: string): string => reference.replace(/^#\/(\$defs|definitions)\//, '');

const PATTERNLESS: ReadonlySet<unknown> = new Set(['date-time', 'uuid', 'email']);

function tidy(schema: JsonSchema, side: Side): void {
  const parameter = schema[PARAMETER_SCHEMA];
  if (parameter !== undefined) {
    for (const key of Object.keys(schema)) delete schema[key];
    Object.assign(schema, parameter);
  }
  if (schema[IMPLIED_DEFAULT] !== undefined) {
    delete schema.default;
    delete schema[IMPLIED_DEFAULT];
  }
  delete schema.id;
  // Answers may grow: a reader that refuses what it does not know would break with the next release.
  if (side === 'output' && schema.additionalProperties === false) delete schema.additionalProperties;
  // Not a rule of ours, only the range that JavaScript can count in.
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
  // The pattern that zod checks dates with says no more than the format does, in 300 characters.
  // Of a described timestamp zod repeats it beside the reference.
  if (PATTERNLESS.has(schema.format) || named(String(schema.$ref)) === 'Timestamp') delete schema.pattern;
}

/** A copy of a schema in which `change` was applied to each object in it. */
function mapSchema(schema: JsonSchema, change: (node: JsonSchema) => JsonSchema): JsonSchema {
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk);
    if (value === null || typeof value !== 'object') return value;
    return change(Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, walk(inner)])));
  };
  return walk(schema) as JsonSchema;
}

function references(schema: JsonSchema): string[] {
  const names: string[] = [];
  mapSchema(schema, (node) => {
    if (typeof node.$ref === 'string') names.push(named(node.$ref));
    return node;
  });
  return names;
}
