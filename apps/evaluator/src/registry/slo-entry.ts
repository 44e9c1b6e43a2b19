import type { SloAlertFired, SloAlertResolved, SloDefinition, SloPolicyEntered } from '@bellwether/contracts';
import type { RecordedEvent } from '@bellwether/event-log';
import {
  alertKey,
  type Correction,
  Corrections,
  emptyLedger,
  evolveLedger,
  evolvePolicy,
  type PolicyLedger,
  type SloLedger,
  type StepMark,
  stepKey,
} from '@bellwether/slo';

/** What a firing hands on to its end: the story it belongs to. */
export interface Firing {
  eventId: string;
  correlationId: string;
}

/** An SLO as its stream has it. */
export interface SloEntry {
  definition: SloDefinition;
  /** Counts definitions and retirements: the resource's ETag. */
  version: number;
  retired: boolean;
  /** Since when it reads the SLI that it reads, epoch milliseconds, by the times of its definitions. */
  readsSince: number;
  ledger: SloLedger;
  /** Steps of its error-budget policy. */
  policy: PolicyLedger;
  /** By severity, tier and group, and by step of the policy. */
  firings: ReadonlyMap<string, Firing>;
  /** Those that are in effect. They are of the SLO's name: another definition of it does not end them. */
  corrections: Corrections;
  /** How often corrections were added or withdrawn, and the last time. */
  corrected: { version: number; last: Firing | null };
  streamVersion: number;
}

/**
 * Since when an SLO or a rule reads the SLI that it reads now, epoch milliseconds: from one definition to the next it goes on
 * doing so where that names the same one.
 */
export function readsSince<D extends { service: string; sli: string }>(
  before: { definition: D; retired: boolean; readsSince: number } | undefined,
  { service, sli }: D,
  definedAt: Date,
): number {
  const goesOn =
    before !== undefined &&
    !before.retired &&
    before.definition.service === service &&
    before.definition.sli === sli;
  return goesOn ? before.readsSince : definedAt.getTime();
}

/** Folds an event of an SLO's stream. */
export function evolveSlo(entry: SloEntry | undefined, event: RecordedEvent): SloEntry | undefined {
  const streamVersion = event.version;
  if (event.type === 'slo.defined') {
    const definition = event.data as SloDefinition;
    return {
      definition,
      version: (entry?.version ?? 0) + 1,
      retired: false,
      readsSince: readsSince(entry, definition, event.occurredAt),
      ledger: entry?.ledger ?? emptyLedger,
      policy: entry?.policy ?? new Map(),
      firings: entry?.firings ?? new Map(),
      corrections: entry?.corrections ?? Corrections.NONE,
      corrected: entry?.corrected ?? { version: 0, last: null },
      streamVersion,
    };
  }
  if (entry === undefined) return undefined;
  if (event.type === 'slo.retired')
    return { ...entry, version: entry.version + 1, retired: true, streamVersion };
  const { id: eventId } = event;
  const { correlationId } = event.meta;
  if (event.type === 'slo.corrected') {
    const corrected = { version: entry.corrected.version + 1, last: { eventId, correlationId } };
    return { ...entry, corrections: entry.corrections.evolve(event), corrected, streamVersion };
  }
  const ledger = evolveLedger(entry.ledger, event);
  const policy = evolvePolicy(entry.policy, event);
  const key = firingKey(event);
  if (key !== undefined) {
    const firings = new Map(entry.firings).set(key, { eventId, correlationId });
    return { ...entry, ledger, policy, firings, streamVersion };
  }
  const over = endedGroup(event);
  if (over === undefined) return { ...entry, ledger, policy, streamVersion };
  const firings = new Map(entry.firings);
  firings.delete(over);
  return { ...entry, ledger, policy, firings, streamVersion };
}

/** The alert of a group that is over: groups come and go, and what they left behind would add up. */
function endedGroup({ type, data }: RecordedEvent): string | undefined {
  if (type !== 'slo.alert.resolved') return undefined;
  return (data as SloAlertResolved).group && alertKey(data as SloAlertResolved);
}

/** What began, by the key of {@link SloEntry.firings}; undefined when nothing did. */
function firingKey({ type, data }: RecordedEvent): string | undefined {
  if (type === 'slo.alert.fired') return alertKey(data as SloAlertFired);
  return type === 'slo.policy.entered' ? stepKey(data as SloPolicyEntered) : undefined;
}

/** The JSON of an entry, for the registry's table. */
export function storeSlo(entry: SloEntry): unknown {
  return {
    ...entry,
    firings: [...entry.firings],
    policy: [...entry.policy],
    corrections: entry.corrections.list,
    ledger: {
      alerts: [...entry.ledger.alerts],
      passed: [...entry.ledger.passed],
      crossings: entry.ledger.crossings,
      groupFirings: [...entry.ledger.groupFirings],
      groupsPassed: [...entry.ledger.groupsPassed].map(([group, levels]) => [group, [...levels]]),
    },
  };
}

/** Reads what {@link storeSlo} wrote. */
export function loadSlo(stored: unknown): SloEntry {
  const entry = stored as Omit<SloEntry, 'firings' | 'ledger' | 'policy' | 'corrections' | 'corrected'> & {
    firings: [string, Firing][];
    /** Absent in what was stored before there were policies. */
    policy?: [string, StepMark][];
    /** Absent in what was stored before there were corrections. */
    corrections?: Correction[];
    corrected?: SloEntry['corrected'];
    ledger: {
      alerts: [string, SloLedger['alerts'] extends ReadonlyMap<string, infer M> ? M : never][];
      passed: number[];
      crossings: number;
      /** Both absent in what was stored before there were groups. */
      groupFirings?: [string, number][];
      groupsPassed?: [string, number[]][];
    };
  };
  return {
    ...entry,
    firings: new Map(entry.firings),
    policy: new Map(entry.policy),
    corrections: new Corrections(entry.corrections ?? []),
    corrected: entry.corrected ?? { version: 0, last: null },
    ledger: {
      alerts: new Map(entry.ledger.alerts),
      passed: new Set(entry.ledger.passed),
      crossings: entry.ledger.crossings,
      groupFirings: new Map(entry.ledger.groupFirings),
      groupsPassed: new Map(
        entry.ledger.groupsPassed?.map(([group, levels]) => [group, new Set(levels)] as const),
      ),
    },
  };
}
