/** Hours of a series that changed lately, each with the revision that changed it last; the latest first. */
export type RecentHours = readonly (readonly [hour: number, revision: number])[];

/** Hours that are remembered: live measurements touch one or two, late ones a few. */
const REMEMBERED = 16;

/** What is remembered after a revision that changed hours. */
export function withChanged(recent: RecentHours, hours: Iterable<number>, revision: number): RecentHours {
  const changed = new Set(hours);
  const before = recent.filter(([hour]) => !changed.has(hour));
  return [...[...changed].map((hour) => [hour, revision] as const), ...before].slice(0, REMEMBERED);
}

/** The hours that changed since a revision; null when that is no longer remembered. */
export function changedSince(recent: RecentHours, revision: number): number[] | null {
  const later = recent.filter(([, changed]) => changed > revision);
  // A full memory may have forgotten what is as late as its oldest entry.
  const oldest = recent.at(-1);
  const isForgotten = recent.length >= REMEMBERED && oldest !== undefined && oldest[1] > revision;
  return isForgotten ? null : later.map(([hour]) => hour);
}
