import type { RuleAlertFired, RuleAlertResolved } from '@bellwether/contracts';

/** What the log says of a rule's alert: the state from which transitions are decided. */
export interface RuleLedger {
  firing: boolean;
  /** How often it has fired. */
  n: number;
  /** When it came into this state, epoch milliseconds; null when it never fired. */
  since: number | null;
  /** Its latest firing. */
  fired: RuleAlertFired | null;
}

export const quietRule: RuleLedger = { firing: false, n: 0, since: null, fired: null };

/** A transition of a rule: the event's short name and data. */
export type RuleTransition =
  | { type: 'rule.alert.fired'; data: RuleAlertFired }
  | { type: 'rule.alert.resolved'; data: RuleAlertResolved };

/** Folds an event of a threshold rule's stream; others leave the ledger as it is. */
export function evolveRule(ledger: RuleLedger, event: { type: string; data: unknown }): RuleLedger {
  switch (event.type) {
    case 'rule.alert.fired': {
      const fired = event.data as RuleAlertFired;
      return { firing: true, n: fired.n, since: Date.parse(fired.eventTime), fired };
    }
    case 'rule.alert.resolved': {
      const { eventTime } = event.data as RuleAlertResolved;
      return { ...ledger, firing: false, since: Date.parse(eventTime) };
    }
    default:
      return ledger;
  }
}
