import type { JsonSchema } from './json-schema.js';

/** The schema with `$ref` resolved and `allOf` folded into one. */
export function flatten(schema: JsonSchema, document: JsonSchema): JsonSchema {
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

/** A part of a schema as text, with references replaced by what they name; undefined when there is none. */
export function spelledOut(part: unknown, document: JsonSchema): string | undefined {
  const walk = (value: unknown, open: readonly string[]): unknown => {
    if (Array.isArray(value)) return value.map((inner) => walk(inner, open));
    if (value === null || typeof value !== 'object') return value;
    const { $ref, ...rest } = value as JsonSchema;
    const inner = Object.entries(rest)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]): [string, unknown] => [key, walk(each, open)]);
    if (typeof $ref !== 'string') return Object.fromEntries(inner);
    // Schemas may refer to themselves.
    const named = open.includes($ref) ? $ref : walk(resolve($ref, document), [...open, $ref]);
    return inner.length === 0 ? named : Object.fromEntries([...inner, ['$ref', named]]);
  };
  return JSON.stringify(walk(part, []));
}

export function branchesOf(schema: JsonSchema): JsonSchema[] | undefined {
  return (schema.anyOf ?? schema.oneOf) as JsonSchema[] | undefined;
}

export function typesOf(schema: JsonSchema): string[] | null {
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

export const covers = (types: string[], type: string) =>
  types.includes(type) || (type === 'integer' && types.includes('number'));

/** The only values that are possible, as JSON; null when the schema does not list them. */
export function valuesOf(schema: JsonSchema): string[] | null {
  if ('const' in schema) return [JSON.stringify(schema.const)];
  return Array.isArray(schema.enum) ? schema.enum.map((value) => JSON.stringify(value)) : null;
}

export const propertiesOf = (schema: JsonSchema) => (schema.properties ?? {}) as Record<string, JsonSchema>;
export const requiredOf = (schema: JsonSchema) => new Set((schema.required ?? []) as string[]);
/** The schemas of a tuple's places, in either draft: `prefixItems`, or `items` as a list. */
export const tupleOf = (schema: JsonSchema): JsonSchema[] | undefined =>
  Array.isArray(schema.items) ? schema.items : (schema.prefixItems as JsonSchema[] | undefined);
export const anyName: JsonSchema = { type: 'string' };

/** What items behind the places of a tuple are; false for none, undefined where nothing is said. */
export const itemsOf = (schema: JsonSchema): JsonSchema | false | undefined => {
  const items = Array.isArray(schema.items) ? schema.additionalItems : schema.items;
  return items === true ? undefined : (items as JsonSchema | false | undefined);
};

export function restOf(schema: JsonSchema): JsonSchema | false {
  const rest = schema.additionalProperties;
  if (rest === false) return false;
  return typeof rest === 'object' && rest !== null ? (rest as JsonSchema) : {};
}

export function constantsOf(schema: JsonSchema): [string, string[] | null][] {
  return Object.entries(propertiesOf(schema))
    .map(([name, inner]): [string, string[] | null] => [name, valuesOf(inner)])
    .filter(([, values]) => values?.length === 1);
}

/** An object that says by a constant which variant it is. */
export const isVariant = (schema: JsonSchema) => constantsOf(schema).length > 0;

export const nameOf = (types: string[] | null) => (types === null ? 'anything' : types.join(' or '));

export function describe(schema: JsonSchema): string {
  const constants = constantsOf(schema).map(([name, values]) => `${name} ${values?.join()}`);
  if (constants.length > 0) return `the variant ${constants.join(', ')}`;
  return valuesOf(schema)?.join(', ') ?? nameOf(typesOf(schema));
}
