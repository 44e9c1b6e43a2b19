import type { Service, Sli, SloDefinition } from '@bellwether/contracts';

/** Resources that travel together: what a file of another format holds, or what is written to one. */
export interface Definitions {
  services: Service[];
  /** An SLI that an SLO names may be missing: its first measurement defines it. */
  slis: Sli[];
  slos: SloDefinition[];
}

/** Gathers what an import finds and refuses the same name twice with different content. */
export class DefinitionSet implements Definitions {
  readonly services: Service[] = [];
  readonly slis: Sli[] = [];
  readonly slos: SloDefinition[] = [];

  /** @returns whether the set has nothing else under that name */
  addService(service: Service): boolean {
    return add(this.services, service, (other) => other.name === service.name);
  }

  /** @returns whether the set has nothing else under that name */
  addSli(sli: Sli): boolean {
    return add(this.slis, sli, (other) => other.service === sli.service && other.name === sli.name);
  }

  /** @returns whether the name was free */
  addSlo(slo: SloDefinition): boolean {
    if (this.slos.some((other) => other.name === slo.name)) return false;
    this.slos.push(slo);
    return true;
  }
}

function add<T>(list: T[], entry: T, isSame: (other: T) => boolean): boolean {
  const known = list.find(isSame);
  if (known === undefined) list.push(entry);
  return known === undefined || isEqual(known, entry);
}

/** Whether two values of JSON are the same; an absent key and one that is undefined are. */
export function isEqual(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Object.is(a, b);
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].every((key) =>
    isEqual(left[key], right[key]),
  );
}
