import type { SloDefinition, SloPolicyEntered } from '@bellwether/contracts';
import type { RecordedEvent } from '@bellwether/event-log';
import {
  alertKey,
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
  ledger: SloLedger;
  /** Steps of its error-budget policy. */
  policy: PolicyLedger;
  /** By severity and tier, and by step of the policy. */
  firings: ReadonlyMap<string, Firing>;
  streamVersion: number;
}

/** Folds an event of an SLO's stream. */
export function evolveSlo(entry: SloEntry | undefined, event: RecordedEvent): SloEntry | undefined {
  const streamVersion = event.version;
  if (event.type === 'slo.defined') {
    return {
      definition: event.data as SloDefinition,
      version: (entry?.version ?? 0) + 1,
      retired: false,
      ledger: entry?.ledger ?? emptyLedger,
      policy: entry?.policy ?? new Map(),
      firings: entry?.firings ?? new Map(),
      streamVersion,
    };
  }
  if (entry === undefined) return undefined;
  if (event.type === 'slo.retired')
    return { ...entry, version: entry.version + 1, retired: true, streamVersion };
  const ledger = evolveLedger(entry.ledger, event);
  const policy = evolvePolicy(entry.policy, event);
  const key = firingKey(event);
  if (key === undefined) return { ...entry, ledger, policy, streamVersion };
  const firings = new Map(entry.firings).set(key, {
    eventId: event.id,
    correlationId: event.meta.correlationId,
  });
  return { ...entry, ledger, policy, firings, streamVersion };
}

/** What began, by the key of {@link SloEntry.firings}; undefined when nothing did. */
function firingKey({ type, data }: RecordedEvent): string | undefined {
  if (type === 'slo.alert.fired') return alertKey(data as { severity: string; tier: string });
  return type === 'slo.policy.entered' ? stepKey(data as SloPolicyEntered) : undefined;
}

/** The JSON of an entry, for the registry's table. */
export function storeSlo(entry: SloEntry): unknown {
  return {
    ...entry,
    firings: [...entry.firings],
    policy: [...entry.policy],
    ledger: {
      alerts: [...entry.ledger.alerts],
      passed: [...entry.ledger.passed],
      crossings: entry.ledger.crossings,
    },
  };
}

/** Reads what {@link storeSlo} wrote. */
export function loadSlo(stored: unknown): SloEntry {
  const entry = stored as Omit<SloEntry, 'firings' | 'ledger' | 'policy'> & {
    firings: [string, Firing][];
    /** Absent in what was stored before there were policies. */
    policy?: [string, StepMark][];
    ledger: {
      alerts: [string, SloLedger['alerts'] extends ReadonlyMap<string, infer M> ? M : never][];
      passed: number[];
      crossings: number;
    };
  };
  return {
    ...entry,
    firings: new Map(entry.firings),
    policy: new Map(entry.policy),
    ledger: {
      alerts: new Map(entry.ledger.alerts),
      passed: new Set(entry.ledger.passed),
      crossings: entry.ledger.crossings,
    },
  };
}
