import { absenceRule, type Registry } from '../registry/registry.js';
import type { Buckets } from './buckets.js';
import { partitionOf } from './partition-of.js';

/** The SLIs of a partition that fell silent, and that no SLO or rule looks at any more: nobody would tell of their return. */
export function silentAndForgotten(registry: Registry, buckets: Buckets, partition: number): string[] {
  return [...registry.absences.values()]
    .filter(({ firing }) => firing)
    .map(({ fired }) => fired.rule.slice(absenceRule('').length))
    .filter((sli) => buckets.ofSli(sli).length === 0)
    .filter((sli) => partitionOf(sli) === partition);
}
