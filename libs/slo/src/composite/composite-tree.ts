import type { SloDefinition } from '@bellwether/contracts';
import type { SloPlan } from '../slo-plan.js';
import type { Due } from '../window-tally.js';
import { type ComponentCounts, type Counts, compositeCounts } from './composite.js';

/** An SLO that is measured, as a part of a composite. */
export interface Leaf {
  slo: string;
  plan: SloPlan;
}

/** A composite with what it is made of: SLOs that are measured, and other composites. */
export interface CompositeTree<L extends Leaf = Leaf> {
  slo: string;
  plan: SloPlan;
  components: { weight: number; part: L | CompositeTree<L> }[];
}

/** SLOs that composites are made of at most, through all of them. */
export const MOST_LEAVES = 100;

export const isTree = <L extends Leaf>(part: L | CompositeTree<L>): part is CompositeTree<L> =>
  'components' in part;

/** The SLOs that are measured, each once. */
export function leavesOf<L extends Leaf>(tree: CompositeTree<L>): L[] {
  const leaves = new Map<string, L>();
  const visit = ({ components }: CompositeTree<L>): void => {
    for (const { part } of components) {
      if (isTree(part)) visit(part);
      else leaves.set(part.slo, part);
    }
  };
  visit(tree);
  return [...leaves.values()];
}

/** The longest slice of any part, minutes: how far a change in one minute may reach. */
export function longestSlice(tree: CompositeTree): number {
  const slices = tree.components.map(({ part }) => (isTree(part) ? longestSlice(part) : part.plan.slice));
  return Math.max(tree.plan.slice, ...slices);
}

/** The components of a composite with what they counted, given what the measured ones did. */
export function componentsOf<L extends Leaf>(
  tree: CompositeTree<L>,
  counted: (leaf: L) => { counts: Counts; due: Due | null },
): ComponentCounts[] {
  return tree.components.map(({ weight, part }) => {
    const { slo, plan } = part;
    if (!isTree(part)) return { slo, weight, plan, ...counted(part) };
    // It was judged with what is missing already.
    return { slo, weight, plan, counts: compositeCounts(plan, componentsOf(part, counted)), due: null };
  });
}

/** Names of the SLOs that a definition is made of. */
export const componentNames = ({ indicator }: SloDefinition): string[] =>
  indicator.kind === 'composite' ? indicator.of.map(({ slo }) => slo) : [];

/**
 * The way from an SLO back to itself through what it is made of; null when there is none.
 * @param definitionOf what is defined; a definition that is to be must be among it
 */
export function circleOf(
  slo: string,
  definitionOf: (slo: string) => SloDefinition | undefined,
): string[] | null {
  const seen = new Set<string>();
  const search = (name: string, way: string[]): string[] | null => {
    for (const next of componentNames(definitionOf(name) ?? NOTHING)) {
      if (next === slo) return [...way, next];
      if (seen.has(next)) continue;
      seen.add(next);
      const found = search(next, [...way, next]);
      if (found !== null) return found;
    }
    return null;
  };
  return search(slo, [slo]);
}

const NOTHING = { indicator: { kind: 'ratio' } } as SloDefinition;
