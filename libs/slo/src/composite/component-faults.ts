import type { Fault, SloDefinition } from '@bellwether/contracts';
import { circleOf, componentNames, MOST_LEAVES } from './composite-tree.js';

/**
 * Why a composite cannot be made of what it names: it would be made of itself, or of too many.
 * @param definitionOf what is defined besides; the composite itself takes the place of what is defined by its name
 */
export function componentFaults(
  asked: SloDefinition,
  definitionOf: (slo: string) => SloDefinition | undefined,
): Fault[] {
  const find = (name: string) => (name === asked.name ? asked : definitionOf(name));
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
    const found = find(name);
    if (found !== undefined) wanted.push(...componentNames(found));
  }
  if (all.size <= MOST_LEAVES) return [];
  return [
    {
      path: 'indicator.of',
      message: `comes to ${all.size} SLOs through other composites, at most ${MOST_LEAVES} are possible`,
    },
  ];
}
