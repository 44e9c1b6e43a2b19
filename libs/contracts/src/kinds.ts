import type { z } from 'zod';

/** How what is said of a field of another kind begins. */
export const OTHER_KIND = 'goes with ';

/** Objects of several kinds, told apart by one field: each kind has fields of its own. */
export class Kinds {
  readonly #options: readonly { words: readonly string[]; fields: ReadonlySet<string> }[];

  constructor(
    readonly discriminator: string,
    options: readonly z.core.$ZodType[],
  ) {
    this.#options = options.map((option) => ({
      words: [...(option._zod.propValues?.[discriminator] ?? [])].map(String),
      fields: new Set(Object.keys(shapeOf(option) ?? {})),
    }));
  }

  /** What is wrong with `field` in `value`, where only objects of other kinds have it: `goes with kind mean, not with …`. */
  with(field: string, value: Readonly<Record<string, unknown>>): string | undefined {
    const words = this.#options.filter(({ fields }) => fields.has(field)).flatMap((option) => option.words);
    if (words.length === 0) return undefined;
    const listed = [words.slice(0, -1).join(', '), ...words.slice(-1)]
      .filter((part) => part !== '')
      .join(' or ');
    return `${OTHER_KIND}${this.discriminator} ${listed}, not with ${String(value[this.discriminator])}`;
  }
}

const known = new WeakMap<z.core.$ZodType, ReadonlyMap<z.core.$ZodType, Kinds>>();

/** The objects within a schema that are one of several kinds. */
export function kindsIn(schema: z.core.$ZodType): ReadonlyMap<z.core.$ZodType, Kinds> {
  let found = known.get(schema);
  if (found === undefined) {
    found = new Map(collected(schema, new Set()));
    known.set(schema, found);
  }
  return found;
}

function* collected(
  schema: z.core.$ZodType,
  seen: Set<z.core.$ZodType>,
): Generator<[z.core.$ZodType, Kinds]> {
  if (seen.has(schema)) return;
  seen.add(schema);
  const { def } = schema._zod;
  if ('discriminator' in def) {
    const { discriminator, options } = def as z.core.$ZodDiscriminatedUnionDef;
    const kinds = new Kinds(discriminator, options);
    for (const option of options) yield [option, kinds];
  }
  for (const inner of partsOf(def)) yield* collected(inner, seen);
}

/** The schemas that a schema is made of. */
function partsOf(def: z.core.$ZodTypeDef): readonly z.core.$ZodType[] {
  const {
    shape,
    options,
    element,
    innerType,
    valueType,
    in: input,
    out,
  } = def as Partial<
    z.core.$ZodObjectDef & z.core.$ZodUnionDef & z.core.$ZodArrayDef & z.core.$ZodPipeDef
  > & { innerType?: z.core.$ZodType; valueType?: z.core.$ZodType };
  const parts = [
    ...Object.values(shape ?? {}),
    ...(options ?? []),
    element,
    innerType,
    valueType,
    input,
    out,
  ];
  return parts.filter((part) => part !== undefined) as z.core.$ZodType[];
}

const shapeOf = (schema: z.core.$ZodType): object | undefined =>
  (schema._zod.def as Partial<z.core.$ZodObjectDef>).shape;
