/** How long after its declaration an incident still takes in alerts of services it depends on or that depend on it. */
export const RELATED_WINDOW_MS = 30 * 60_000;
/** How long after the resolve the same alert reopens the incident instead of declaring another. */
export const REOPEN_WINDOW_MS = 30 * 60_000;

/** What placing an alert has to know of an incident. */
export interface PlacedIncident {
  readonly id: string;
  readonly services: readonly string[];
  /** Names of the SLOs, rules or integrations whose alerts are attached. */
  readonly alertSources: readonly string[];
  readonly declaredAt: string;
  readonly resolvedAt: string | null;
  readonly mergedInto: string | null;
}

/** An alert that fired, as far as its place goes. */
export interface PlacedAlert {
  /** Name of the SLO, rule or integration that fired. */
  readonly source: string;
  readonly service: string;
  readonly firedAt: string;
}

/** Where an alert belongs. */
export type Placement =
  | { readonly kind: 'attach'; readonly incident: string; readonly related: boolean }
  | { readonly kind: 'reopen'; readonly incident: string }
  | { readonly kind: 'declare' };

/** The incident number of `INC-<n>`. */
export function incidentNumber(id: string): number {
  return Number(id.slice('INC-'.length));
}

/**
 * Where an alert belongs: in the open incident of its service; else in an open one, younger than 30 min, of a
 * service that it depends on or that depends on it; else in the incident it was part of, when that was resolved
 * less than 30 min ago; else in a new one. Among several the oldest takes it, so that every alert of a storm
 * finds the same incident.
 *
 * @param related services that the alert's service depends on, and those that depend on it
 */
export function place(
  alert: PlacedAlert,
  incidents: Iterable<PlacedIncident>,
  related: ReadonlySet<string>,
): Placement {
  const elapsed = (since: string) => Date.parse(alert.firedAt) - Date.parse(since);
  const known = [...incidents]
    .filter((incident) => incident.mergedInto === null)
    .sort((a, b) => incidentNumber(a.id) - incidentNumber(b.id));
  const open = known.filter((incident) => incident.resolvedAt === null);

  const same = open.find((incident) => incident.services.includes(alert.service));
  if (same) return { kind: 'attach', incident: same.id, related: false };

  const near = open.find(
    (incident) =>
      incident.services.some((service) => related.has(service)) &&
      elapsed(incident.declaredAt) < RELATED_WINDOW_MS,
  );
  if (near) return { kind: 'attach', incident: near.id, related: true };

  const earlier = known.findLast(
    (incident) =>
      incident.resolvedAt !== null &&
      incident.alertSources.includes(alert.source) &&
      elapsed(incident.resolvedAt) <= REOPEN_WINDOW_MS,
  );
  if (earlier) return { kind: 'reopen', incident: earlier.id };

  return { kind: 'declare' };
}
