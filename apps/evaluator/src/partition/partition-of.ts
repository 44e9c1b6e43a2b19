import { measurementPartition } from '@bellwether/contracts';

const known = new Map<string, number>();

/** Partition of an SLI (`<service>/<sli>`): asked for every SLO at each definition, and so remembered. */
export function partitionOf(sli: string): number {
  let partition = known.get(sli);
  if (partition === undefined) {
    const slash = sli.indexOf('/');
    partition = measurementPartition(sli.slice(0, slash), sli.slice(slash + 1));
    known.set(sli, partition);
  }
  return partition;
}
