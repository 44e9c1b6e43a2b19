/** The journal of everything but measurements. */
export const CONTROL_JOURNAL = 'control';

/** How many journals measurements are spread over, so that ingest instances do not share a lock. Fixed: it is part of what is stored. */
export const MEASUREMENT_PARTITIONS = 16;

/** Partition (0 to 15) of an SLI: FNV-1a, 32 bit, of `<service>/<sli>`. */
export function measurementPartition(service: string, sli: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(`${service}/${sli}`)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return hash % MEASUREMENT_PARTITIONS;
}

/** `measurement-00` … `measurement-15`. */
export function partitionJournal(partition: number): string {
  return `measurement-${String(partition).padStart(2, '0')}`;
}

/** The journal that holds the measurements of an SLI. */
export function measurementJournal(service: string, sli: string): string {
  return partitionJournal(measurementPartition(service, sli));
}

export const MEASUREMENT_JOURNALS: readonly string[] = Array.from(
  { length: MEASUREMENT_PARTITIONS },
  (_, i) => partitionJournal(i),
);

/** Every journal there is. */
export const JOURNALS: readonly string[] = [CONTROL_JOURNAL, ...MEASUREMENT_JOURNALS];
