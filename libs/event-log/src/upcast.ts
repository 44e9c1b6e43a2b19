import { parsed } from '@bellwether/contracts';

/** One step from a version of an event's shape to the next; `data` of version `from` in, of `from + 1` out. Pure. */
export interface Upcaster {
  type: string;
  from: number;
  upcast(data: unknown): unknown;
}

/** Brings the data of an event to the latest version of its type; a `JsonText` that is of it already stays one. */
export type Upcast = (type: string, schema: number, data: unknown) => { schema: number; data: unknown };

/** @throws RangeError when two upcasters start from the same version of a type */
export function upcastWith(upcasters: readonly Upcaster[]): Upcast {
  const steps = new Map<string, Upcaster>();
  for (const step of upcasters) {
    const key = `${step.type} ${step.from}`;
    if (steps.has(key)) throw new RangeError(`two upcasters from version ${step.from} of ${step.type}`);
    steps.set(key, step);
  }
  if (steps.size === 0) return (_, schema, data) => ({ schema, data });
  return (type, recorded, original) => {
    let schema = recorded;
    let data = original;
    for (let step = steps.get(`${type} ${schema}`); step; step = steps.get(`${type} ${schema}`)) {
      data = step.upcast(parsed(data));
      schema += 1;
    }
    return { schema, data };
  };
}
