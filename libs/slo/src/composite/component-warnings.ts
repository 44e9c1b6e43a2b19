import type { SloDefinition } from '@bellwether/contracts';
import { sliceMinutes } from '../slice-rule.js';

/**
 * What is to be said of the SLOs that a composite is made of: files may be applied in any order, and components may be
 * budgeted otherwise than it is.
 * @param find a definition by its name; undefined when there is none
 */
export function componentWarnings(
  definition: SloDefinition,
  find: (name: string) => SloDefinition | undefined,
): string[] {
  const { indicator, budgeting } = definition;
  if (indicator.kind !== 'composite') return [];
  const slice = sliceMinutes(definition);
  return indicator.of.flatMap(({ slo }, i) => {
    const field = `indicator.of.${i}.slo`;
    const component = find(slo);
    if (component === undefined) return [`${field}: SLO ${slo} is not defined yet`];
    const { method } = component.budgeting;
    if (budgeting.method === 'occurrences')
      return method === 'occurrences'
        ? []
        : [`${field}: ${slo} counts slices of time: each of them is one event`];
    const own = sliceMinutes(component);
    return slice % own === 0
      ? []
      : [
          `${field}: a slice of ${slo} is ${own}m, of which ${slice}m are no whole number: it counts in each slice that it touches`,
        ];
  });
}
