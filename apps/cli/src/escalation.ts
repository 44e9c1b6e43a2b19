import type { Rule, Service, SloDefinition } from '@bellwether/contracts';
import { declareOf, planSlo } from '@bellwether/slo';
import type { InstallationTargets } from './context.js';
import type { Known } from './known.js';
import type { ManifestEntry } from './manifest.js';
import type { PlannedChange } from './plan.js';

/** What is to be said of a resource that had an escalation policy and would have none. */
export function lostPolicy({ differences }: Pick<PlannedChange, 'differences'>): string[] {
  const lost = differences.find(({ path, leftOut }) => path === 'escalationPolicy' && leftOut);
  return lost === undefined
    ? []
    : [
        `loses its escalationPolicy ${JSON.stringify(lost.before)}: a manifest is the whole resource, and this one leaves it out`,
      ];
}

/**
 * SLOs and rules whose alerts declare incidents that no escalation policy covers: neither their own, nor their
 * service's, nor that of the installation. Said once for each service, with the first of them.
 */
export async function unpagedWarnings(
  entries: ManifestEntry[],
  known: Known,
  { defaultPolicy, hasFallback }: InstallationTargets,
): Promise<Map<ManifestEntry, string>> {
  const warnings = new Map<ManifestEntry, string>();
  if (hasFallback || (await known.find('policy', defaultPolicy)) !== undefined) return warnings;
  const unpaged = new Map<string, ManifestEntry[]>();
  for (const entry of entries.filter(declares)) {
    const { service, escalationPolicy } = entry.resource as unknown as SloDefinition | Rule;
    if (escalationPolicy !== undefined) continue;
    const about = await known.find<Service>('service', service);
    // A service that only a server knows may well have a policy.
    if (about?.escalationPolicy !== undefined || (about === undefined && !known.isWhole)) continue;
    unpaged.set(service, [...(unpaged.get(service) ?? []), entry]);
  }
  const where = known.isWhole ? '' : ' in these manifests';
  for (const [service, [first, ...others]] of unpaged) {
    if (first === undefined) continue;
    const also = others.map(({ kind, name }) => `${kind} ${name}`).join(', ');
    warnings.set(
      first,
      `nobody but a fallback target is paged for it: neither it nor service ${service} names an escalationPolicy, and there is no policy "${defaultPolicy}"${where}` +
        (also === '' ? '' : ` (likewise ${also})`),
    );
  }
  return warnings;
}

/** Whether alerts of it declare incidents. */
function declares({ kind, resource }: ManifestEntry): boolean {
  const definition: unknown = resource;
  if (kind === 'rule') return declareOf(definition as Rule) !== null;
  if (kind !== 'slo') return false;
  const slo = definition as SloDefinition;
  const planned = planSlo(slo);
  return planned.ok && planned.plan.pairs.some(({ severity }) => slo.declare[severity] !== null);
}
