import type { SloDefinition } from '@bellwether/contracts';
import type { RecordedEvent } from '@bellwether/event-log';
import { alertKey, emptyLedger, evolveLedger, type SloLedger } from '@bellwether/slo';

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
  /** By severity and tier. */
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
      firings: entry?.firings ?? new Map(),
      streamVersion,
    };
  }
  if (entry === undefined) return undefined;
  if (event.type === 'slo.retired')
    return { ...entry, version: entry.version + 1, retired: true, streamVersion };
  const ledger = evolveLedger(entry.ledger, event);
  if (event.type !== 'slo.alert.fired') return { ...entry, ledger, streamVersion };
  const firings = new Map(entry.firings).set(alertKey(event.data as { severity: string; tier: string }), {
    eventId: event.id,
    correlationId: event.meta.correlationId,
  });
  return { ...entry, ledger, firings, streamVersion };
}

/** The JSON of an entry, for the registry's table. */
export function storeSlo(entry: SloEntry): unknown {
  return {
    ...entry,
    firings: [...entry.firings],
    ledger: {
      alerts: [...entry.ledger.alerts],
      passed: [...entry.ledger.passed],
      crossings: entry.ledger.crossings,
    },
  };
}

/** Reads what {@link storeSlo} wrote. */
export function loadSlo(stored: unknown): SloEntry {
  const entry = stored as Omit<SloEntry, 'firings' | 'ledger'> & {
    firings: [string, Firing][];
    ledger: {
      alerts: [string, SloLedger['alerts'] extends ReadonlyMap<string, infer M> ? M : never][];
      passed: number[];
      crossings: number;
    };
  };
  return {
    ...entry,
    firings: new Map(entry.firings),
    ledger: {
      alerts: new Map(entry.ledger.alerts),
      passed: new Set(entry.ledger.passed),
      crossings: entry.ledger.crossings,
    },
  };
}
