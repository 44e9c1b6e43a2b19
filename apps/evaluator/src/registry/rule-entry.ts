import type { Rule } from '@bellwether/contracts';
import type { RecordedEvent } from '@bellwether/event-log';
import { evolveRule, quietRule, type RuleLedger } from '@bellwether/slo';
import { type Firing, readsSince } from './slo-entry.js';

/** A threshold rule as its stream has it. */
export interface RuleEntry {
  definition: Rule;
  /** Counts definitions and retirements: the resource's ETag. */
  version: number;
  retired: boolean;
  /** When it was defined first, or anew after it was retired, epoch milliseconds. */
  definedAt: number;
  /** Since when it reads the SLI that it reads, epoch milliseconds, by the times of its definitions. */
  readsSince: number;
  ledger: RuleLedger;
  /** Its latest firing. */
  firing: Firing | null;
  streamVersion: number;
}

/** Folds an event of a rule's stream. */
export function evolveRuleEntry(entry: RuleEntry | undefined, event: RecordedEvent): RuleEntry | undefined {
  const streamVersion = event.version;
  if (event.type === 'rule.defined') {
    const definition = event.data as Rule;
    return {
      definition,
      version: (entry?.version ?? 0) + 1,
      retired: false,
      definedAt: entry === undefined || entry.retired ? event.occurredAt.getTime() : entry.definedAt,
      readsSince: readsSince(entry, definition, event.occurredAt),
      ledger: entry?.ledger ?? quietRule,
      firing: entry?.firing ?? null,
      streamVersion,
    };
  }
  if (entry === undefined) return undefined;
  if (event.type === 'rule.retired')
    return { ...entry, version: entry.version + 1, retired: true, streamVersion };
  const ledger = evolveRule(entry.ledger, event);
  const firing =
    event.type === 'rule.alert.fired'
      ? { eventId: event.id, correlationId: event.meta.correlationId }
      : entry.firing;
  return { ...entry, ledger, firing, streamVersion };
}
