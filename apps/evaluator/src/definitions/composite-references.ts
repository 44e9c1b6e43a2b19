import type { Fault, SloDefinition } from '@bellwether/contracts';
import { circleOf, componentNames, MOST_LEAVES } from '@bellwether/slo';
import type { Registry } from '../registry/registry.js';

/** What is defined now; a definition that is asked for takes the place of the one that is there. */
export function definitionOf({ slos }: Registry, asked?: SloDefinition) {
  return (name: string): SloDefinition | undefined => {
    if (name === asked?.name) return asked;
    const entry = slos.get(name);
    return entry === undefined || entry.retired ? undefined : entry.definition;
  };
}

/** Why a composite cannot be made of what it names: it would be made of itself, or of too many. */
export function componentFaults(registry: Registry, asked: SloDefinition): Fault[] {
  const find = definitionOf(registry, asked);
  const circle = circleOf(asked.name, find);
  if (circle !== null) {
    const i = componentNames(asked).indexOf(circle[1] as string);
    return [{ path: `indicator.of.${i}.slo`, message: `would be made of itself: ${circle.join(' → ')}` }];
  }
  const all = new Set<string>();
  const wanted = componentNames(asked);
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    if (all.has(name)) continue;
    all.add(name);
    wanted.push(...componentNames(find(name) ?? NOTHING));
  }
  if (all.size <= MOST_LEAVES) return [];
  return [
    {
      path: 'indicator.of',
      message: `comes to ${all.size} SLOs through other composites, at most ${MOST_LEAVES} are possible`,
    },
  ];
}

/** What goes on without an SLO that is retired. */
export function compositesOf({ slos }: Registry, slo: string): string[] {
  return [...slos]
    .filter(([, { definition, retired }]) => !retired && componentNames(definition).includes(slo))
    .map(([name]) => name);
}

const NOTHING = { indicator: { kind: 'ratio' } } as SloDefinition;
