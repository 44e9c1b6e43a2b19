import type { Fault, SloDefinition } from '@bellwether/contracts';
import { componentFaults, componentNames } from '@bellwether/slo';
import type { Known } from './known.js';
import type { ManifestEntry } from './manifest.js';
import type { PlannedChange } from './plan.js';

/**
 * What the server would refuse of composites because of what the others are made of by then: one change comes after the
 * other, and each is held against those before it and against what the server has of those to come.
 */
export async function composedFaults(
  plan: readonly PlannedChange[],
  known: Known,
): Promise<Map<ManifestEntry, Fault[]>> {
  const slos = plan.filter(({ entry }) => entry.kind === 'slo');
  const defined = new Map(slos.map(({ entry, current }) => [entry.name, definition(current)]));
  const found = new Map<ManifestEntry, Fault[]>();
  for (const { entry } of slos) {
    const asked = definition(entry.resource) as SloDefinition;
    defined.set(entry.name, asked);
    if (asked.indicator.kind !== 'composite') continue;
    await learn(componentNames(asked), defined, known);
    const faults = componentFaults(asked, (name) => defined.get(name));
    if (faults.length > 0) found.set(entry, faults);
  }
  return found;
}

/** Adds the SLOs of these names, and all that they are made of, to those that are known. */
async function learn(
  names: readonly string[],
  defined: Map<string, SloDefinition | undefined>,
  known: Known,
): Promise<void> {
  const seen = new Set<string>();
  const wanted = [...names];
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    if (!defined.has(name)) defined.set(name, await known.find<SloDefinition>('slo', name));
    const one = defined.get(name);
    if (one !== undefined) wanted.push(...componentNames(one));
  }
}

const definition = (resource: Record<string, unknown> | undefined): SloDefinition | undefined =>
  resource as unknown as SloDefinition | undefined;
