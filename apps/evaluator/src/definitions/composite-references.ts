import type { SloDefinition } from '@bellwether/contracts';
import { componentNames } from '@bellwether/slo';
import type { Registry } from '../registry/registry.js';

/** What is defined now. */
export function definitionOf({ slos }: Registry) {
  return (name: string): SloDefinition | undefined => {
    const entry = slos.get(name);
    return entry === undefined || entry.retired ? undefined : entry.definition;
  };
}

/** What goes on without an SLO that is retired. */
export function compositesOf({ slos }: Registry, slo: string): string[] {
  return [...slos]
    .filter(([, { definition, retired }]) => !retired && componentNames(definition).includes(slo))
    .map(([name]) => name);
}
