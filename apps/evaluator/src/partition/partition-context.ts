import type { Clock } from '@bellwether/contracts';
import type { EventLog } from '@bellwether/event-log';
import type { Logger } from '@bellwether/service';
import type { AbsenceAlert } from '../evaluation/absence.js';
import type { RuleAlerts } from '../evaluation/rule-alerts.js';
import type { TransitionLog } from '../evaluation/transitions.js';
import type { EvaluatorMetrics } from '../metrics.js';
import type { Registry } from '../registry/registry.js';
import type { PendingRules } from '../store/pending-rules.js';
import type { SeriesStore } from '../store/series-store.js';
import type { Pulse } from './pulse.js';

/** What a partition works with. */
export interface PartitionContext {
  log: EventLog;
  registry: Registry;
  store: SeriesStore;
  pending: PendingRules;
  transitions: TransitionLog;
  rules: RuleAlerts;
  absence: AbsenceAlert;
  clock: Clock;
  logger: Logger;
  metrics: EvaluatorMetrics;
  pulse: Pulse;
}
