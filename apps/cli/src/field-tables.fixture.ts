import {
  changeFreeze,
  errorBudgetPolicy,
  escalationPolicy,
  goldenSignalsDefinition,
  override,
  recurrence,
  rule,
  schedule,
  service,
  sli,
  sloDefinition,
  user,
} from '@bellwether/contracts';
import { stringify } from 'yaml';
import { z } from 'zod';

type JsonSchema = { [key: string]: unknown };

/** What has a table of its own in docs/manifests.md, by the name of the table. */
export const tables: Readonly<Record<string, z.ZodType>> = {
  service,
  sli,
  slo: sloDefinition,
  rule,
  user,
  schedule,
  policy: escalationPolicy,
  freeze: changeFreeze,
  override,
  errorBudgetPolicy,
  goldenSignals: goldenSignalsDefinition,
  recurrence,
};

/** Parts of several kinds: their fields stand once, in tables of their own. */
const OWN_TABLE: ReadonlySet<unknown> = new Set(['errorBudgetPolicy', 'goldenSignals', 'recurrence']);

interface Field {
  path: string;
  /** What may stand there. */
  value: string;
  /** `required`, the default as YAML, or – where there is none. */
  default: string;
  meaning: string;
}

/** Fields of a schema and of what it holds, in their order: `layers[].rotation.start`. */
function fieldsOf(schema: z.ZodType): Field[] {
  const { $defs = {}, ...root } = z.toJSONSchema(schema, { io: 'input' }) as JsonSchema & {
    $defs?: Record<string, JsonSchema>;
  };
  const fields = new Map<string, Field>();
  const resolve = (node: JsonSchema): JsonSchema =>
    typeof node.$ref === 'string'
      ? { ...$defs[node.$ref.replace('#/$defs/', '')], ...node, $ref: undefined }
      : node;

  const walk = (given: JsonSchema, prefix: string, isVariant = false): void => {
    const node = resolve(given);
    for (const variant of variantsOf(node)) walk(variant, prefix, true);
    if (node.items !== undefined) walk(node.items as JsonSchema, `${prefix}[]`);
    const expanded = new Set<unknown>();
    const required = new Set((node.required ?? []) as string[]);
    for (const [name, inner] of Object.entries((node.properties ?? {}) as Record<string, JsonSchema>)) {
      const path = prefix === '' ? name : `${prefix}.${name}`;
      const field = {
        path,
        value: formOf(inner, resolve),
        default: defaultOf(resolve(inner), required.has(name) ? requiredAs(node, name, isVariant) : '–'),
        meaning: String(inner.description ?? ''),
      };
      const known = fields.get(path);
      if (known === undefined) fields.set(path, field);
      else if (!known.value.includes(field.value)) known.value += `, ${field.value}`;
      // Fields of one shape, such as the golden signals, are told once, of the first of them.
      if (!OWN_TABLE.has(name) && !expanded.has(inner.$ref)) walk(inner, path);
      if (inner.$ref !== undefined) expanded.add(inner.$ref);
    }
  };
  walk(root, '');
  return [...fields.values()];
}

const variantsOf = (node: JsonSchema) => (node.oneOf ?? node.anyOf ?? []) as JsonSchema[];

/** What tells variants apart is required of each; all else of one variant is not of the others. */
function requiredAs({ properties }: JsonSchema, name: string, isVariant: boolean): string {
  const constants = Object.entries(properties as Record<string, JsonSchema>).filter(
    ([, inner]) => inner.const !== undefined,
  );
  if (!isVariant || constants.some(([constant]) => constant === name)) return 'required';
  return constants.length > 0 ? 'with its kind' : 'either';
}

function defaultOf(node: JsonSchema, otherwise: string): string {
  if (node['x-implied-default'] !== undefined) return '–';
  if (node.default === undefined) return otherwise;
  return `\`${stringify(node.default, { collectionStyle: 'flow' }).trim()}\``;
}

/** Shared schemas that are texts of a form, as people call them. */
const FORMS: Readonly<Record<string, string>> = {
  ResourceName: 'name',
  Duration: 'duration',
  HoldingTime: 'duration',
  TimeZone: 'time zone',
  LocalDateTime: 'local time',
  TimeOfDay: 'time of day',
  Timestamp: 'time',
  Labels: 'map of texts',
};

const several = (form: string): string =>
  form.replaceAll(/\b(name|text|object)\b/g, '$1s').replace(', list', ', lists');

function formOf(given: JsonSchema, resolve: (node: JsonSchema) => JsonSchema): string {
  const form = FORMS[String(given.$ref ?? '').replace('#/$defs/', '')];
  if (form !== undefined) return form;
  const node = resolve(given);
  if (node.const !== undefined) return `\`${node.const}\``;
  if (node.enum !== undefined) return (node.enum as string[]).map((value) => `\`${value}\``).join(', ');
  if (node.type === 'array') return `list of ${several(formOf(node.items as JsonSchema, resolve))}`;
  if (node.type === 'integer' || node.type === 'number')
    return node.type === 'integer' && node.maximum !== undefined
      ? `${node.minimum} to ${node.maximum}`
      : 'number';
  if (node.type === 'boolean') return '`true`, `false`';
  if (node.type === 'null') return '`null`';
  if (node.type === 'string') return textForm(node);
  const variants = new Set(variantsOf(node).map((variant) => formOf(variant, resolve)));
  return variants.size === 0 ? 'object' : [...variants].join(', ');
}

function textForm({ format, pattern }: JsonSchema): string {
  if (format === 'uri') return 'URL';
  if (format === 'email') return 'e-mail address';
  if (pattern === undefined) return 'text';
  return String(pattern).includes('[smhdw]') ? 'duration' : 'word';
}

/** The table of one schema, Markdown. */
export function fieldTable(schema: z.ZodType): string {
  return [
    '| field | value | default | meaning |',
    '|---|---|---|---|',
    ...fieldsOf(schema).map(
      (field) => `| \`${field.path}\` | ${field.value} | ${field.default} | ${field.meaning} |`,
    ),
  ].join('\n');
}

/** Fields that say nothing of themselves. */
export const withoutMeaning = (schema: z.ZodType): string[] =>
  fieldsOf(schema).flatMap(({ path, meaning }) => (meaning === '' ? [path] : []));
