export { alertTitle } from './alerts.js';
export {
  type CommandOf,
  defaultSettings,
  type IncidentCommand,
  type IncidentSettings,
} from './command.js';
export { resolveWarning } from './course.js';
export { decide } from './decide.js';
export { type IncidentChange, type IncidentEvent, type IncidentEventType, incidentEvent } from './event.js';
export { evolve, fold, initial } from './evolve.js';
export {
  type AlertIdentity,
  alertKey,
  type IncidentState,
  incidentView,
  type Note,
  type NoteVersion,
  type RoleHolding,
} from './incident.js';
export {
  type DurationSummary,
  durations,
  type IncidentDurations,
  type IncidentMetrics,
  type IncidentTimes,
  incidentMetrics,
  summarize,
} from './metrics.js';
export { personOf } from './people.js';
export {
  incidentNumber,
  type PlacedAlert,
  type PlacedIncident,
  type Placement,
  place,
  RELATED_WINDOW_MS,
  REOPEN_WINDOW_MS,
} from './place.js';
export {
  type IncidentReport,
  incidentReport,
  type ReportPage,
  type ReportPerson,
  withMeasuredBudgets,
} from './report.js';
export type { MeasuredBudget, ReportBudget } from './report-budget.js';
export { reportMarkdown } from './report-markdown.js';
export { ruleMeasuredText } from './rule-measured.js';
export { incidentAt, knownAt, SUSPECT_WINDOW_MS, timeline } from './timeline.js';
export { type TimelineKind, timelineKinds, timelineText } from './timeline-text.js';
export { nextDue } from './timers.js';
