/** The instants of one incident that its metrics are made of. */
export interface IncidentTimes {
  readonly startedAt: string;
  readonly detectedAt: string;
  readonly acknowledgedAt: string | null;
  readonly resolvedAt: string | null;
}

/** Durations of one incident in minutes, to the millisecond; null while the end is still open. */
export interface IncidentDurations {
  /** TTD = detected − started. */
  readonly timeToDetectMinutes: number;
  /** TTA = acknowledged − detected. */
  readonly timeToAcknowledgeMinutes: number | null;
  /** TTR = resolved − detected. */
  readonly timeToResolveMinutes: number | null;
}

/**
 * Never negative: a fault that was over before anybody noticed (a resolve back-dated to before the detection)
 * took no time to resolve.
 */
function minutesBetween(from: string, to: string): number {
  return Math.max(0, Date.parse(to) - Date.parse(from)) / 60_000;
}

/** TTD, TTA and TTR of one incident. */
export function durations(times: IncidentTimes): IncidentDurations {
  const { startedAt, detectedAt, acknowledgedAt, resolvedAt } = times;
  return {
    timeToDetectMinutes: minutesBetween(startedAt, detectedAt),
    timeToAcknowledgeMinutes: acknowledgedAt === null ? null : minutesBetween(detectedAt, acknowledgedAt),
    timeToResolveMinutes: resolvedAt === null ? null : minutesBetween(detectedAt, resolvedAt),
  };
}

/** Count, mean and percentiles of durations in minutes; all but the count are null when there are none. */
export interface DurationSummary {
  readonly count: number;
  readonly mean: number | null;
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p99: number | null;
}

/** Percentiles by nearest rank (NIST handbook 1.3.5.6), so that each is a duration that occurred. */
export function summarize(minutes: readonly number[]): DurationSummary {
  const sorted = [...minutes].sort((a, b) => a - b);
  const count = sorted.length;
  const rank = (p: number) => sorted[Math.max(0, Math.ceil(p * count) - 1)] ?? null;
  const mean = count === 0 ? null : sorted.reduce((sum, value) => sum + value, 0) / count;
  return { count, mean, p50: rank(0.5), p90: rank(0.9), p99: rank(0.99) };
}

/** MTTD, MTTA and MTTR over incidents; those merged into another are left out, since they count once. */
export interface IncidentMetrics {
  readonly incidents: number;
  readonly timeToDetect: DurationSummary;
  readonly timeToAcknowledge: DurationSummary;
  readonly timeToResolve: DurationSummary;
}

/** Aggregates the durations of incidents (minutes). */
export function incidentMetrics(
  incidents: Iterable<IncidentTimes & { readonly mergedInto: string | null }>,
): IncidentMetrics {
  const counted = [...incidents].filter((incident) => incident.mergedInto === null).map(durations);
  const known = (values: (number | null)[]) => summarize(values.filter((value) => value !== null));
  return {
    incidents: counted.length,
    timeToDetect: summarize(counted.map((d) => d.timeToDetectMinutes)),
    timeToAcknowledge: known(counted.map((d) => d.timeToAcknowledgeMinutes)),
    timeToResolve: known(counted.map((d) => d.timeToResolveMinutes)),
  };
}
