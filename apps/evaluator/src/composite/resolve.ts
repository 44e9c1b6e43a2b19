import { cadenceOf, type SloComponent } from '@bellwether/contracts';
import { type CompositeTree, indicatorKey, isTree, type Leaf, leavesOf, type SloPlan } from '@bellwether/slo';
import { planOf } from '../partition/live-series.js';
import type { Registry } from '../registry/registry.js';

/** An SLO that is measured, and where its buckets are found. */
export interface MeasuredLeaf extends Leaf {
  /** `<service>/<sli>`. */
  sli: string;
  /** The indicator's identity. */
  indicator: string;
  /** The cadence that the SLI's definition gives, milliseconds. */
  cadence: number | undefined;
}

/** A composite as its components are defined. */
export interface Resolved {
  tree: CompositeTree<MeasuredLeaf>;
  leaves: MeasuredLeaf[];
}

/** What is asked of the definitions, as of now or of some time. */
export interface KnownSlos {
  /** The plan of an SLO, and its SLI's unit and cadence; null when it is unknown, retired or cannot be evaluated. */
  planned(slo: string): { plan: SloPlan; unit: string | undefined; cadence: number | undefined } | null;
}

/** The definitions as they are now. */
export function knownNow(registry: Registry): KnownSlos {
  return {
    planned(slo) {
      const planned = planOf(registry, slo);
      if (planned === null) return null;
      const { service, sli } = planned.plan.definition;
      return { ...planned, cadence: cadenceOf(registry.slis.get(`${service}/${sli}`)?.data) };
    },
  };
}

/**
 * A composite with all it is made of. What is not defined (yet), or would lead back to itself, is left out: definitions
 * come in any order, and two that are given at once may close a circle.
 * @returns null when there is no such composite
 */
export function resolveComposite(known: KnownSlos, slo: string): Resolved | null {
  const root = known.planned(slo);
  if (root === null || root.plan.indicator.kind !== 'composite') return null;
  const partOf = (
    name: string,
    above: readonly string[],
  ): MeasuredLeaf | CompositeTree<MeasuredLeaf> | null => {
    const found = above.includes(name) ? null : known.planned(name);
    if (found === null) return null;
    const { plan, unit, cadence } = found;
    if (plan.indicator.kind === 'composite') return treeOf(name, plan, [...above, name]);
    const { service, sli } = plan.definition;
    return {
      slo: name,
      plan,
      sli: `${service}/${sli}`,
      indicator: indicatorKey(plan.indicator, unit),
      cadence,
    };
  };
  const treeOf = (name: string, plan: SloPlan, above: readonly string[]): CompositeTree<MeasuredLeaf> => ({
    slo: name,
    plan,
    components:
      plan.indicator.kind === 'composite'
        ? plan.indicator.of.flatMap(({ slo: component, weight }) => {
            const part = partOf(component, above);
            return part === null ? [] : [{ weight, part }];
          })
        : [],
  });
  const tree = treeOf(slo, root.plan, [slo]);
  return { tree, leaves: leavesOf(tree) };
}

/** The SLIs that a composite is measured by, `<service>/<sli>` each. */
export const slisOf = (resolved: Resolved | null): string[] => [
  ...new Set(resolved?.leaves.map(({ sli }) => sli)),
];

/** What the status of a composite says of what it is made of. */
export function componentsOfStatus({ plan, components }: CompositeTree<MeasuredLeaf>): SloComponent[] {
  const { indicator } = plan.definition;
  const known = new Set(components.map(({ part }) => part.slo));
  return indicator.kind === 'composite'
    ? indicator.of.map(({ slo, weight }) => ({ slo, weight, known: known.has(slo) }))
    : [];
}

/** Whether composites are made of the same, in the same way. */
export function isSame(a: CompositeTree<MeasuredLeaf>, b: CompositeTree<MeasuredLeaf>): boolean {
  return (
    a.plan === b.plan &&
    a.components.length === b.components.length &&
    a.components.every(({ part, weight }, i) => {
      const other = b.components[i];
      if (other === undefined || other.weight !== weight) return false;
      if (isTree(part)) return isTree(other.part) && isSame(part, other.part);
      return !isTree(other.part) && part.plan === other.part.plan && part.indicator === other.part.indicator;
    })
  );
}

/** The SLO, the composite itself or one that it is measured by, of which only the corrections are others than before. */
export function correctedSince(before: Resolved, after: Resolved): string | null {
  const plans = ({ tree, leaves }: Resolved): Map<string, SloPlan> =>
    new Map([tree, ...leaves].map(({ slo, plan }) => [slo, plan]));
  const known = plans(before);
  for (const [slo, { definition, corrections }] of plans(after)) {
    const was = known.get(slo);
    if (was?.definition === definition && was.corrections.key !== corrections.key) return slo;
  }
  return null;
}
