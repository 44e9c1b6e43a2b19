export { type AlertPair, alertKey, EPSILON, googleSre } from './alert-pairs.js';
export {
  type BacktestOptions,
  type BacktestReport,
  backtest,
  runBacktest,
} from './backtest/backtest.js';
export { Recording } from './backtest/recording.js';
export { type BacktestSpan, decidedFrom, recordedSpan } from './backtest/span.js';
export { type BucketsOf, dumpBuckets } from './bucket-dump.js';
export { type BucketNeeds, needsOf } from './bucket-needs.js';
export {
  decidePolicy,
  evolvePolicy,
  type PolicyInForce,
  type PolicyLedger,
  type PolicyTransition,
  policyInForce,
  policyView,
  retirePolicy,
  type StepMark,
  stepKey,
} from './budget-policy.js';
export { burnDown, burnDownBefore, burnDownSpan, periodsOf, pointEnds, stepEnds } from './burn-down.js';
export { type BurnDownPart, BurnDownRun, burnDownParts } from './burn-down-run.js';
export {
  type BudgetFreeze,
  type Freeze,
  freezeOf,
  type Hearing,
  Heartbeat,
  type Regularity,
  regularity,
  silentSince,
} from './cadence.js';
export { type CalendarUnit, calendarPeriod, type Period } from './calendar.js';
export { Cells } from './cells.js';
export { type CellSink, decodeCells, encodeCells, readCells } from './cells-codec.js';
export { concerns, freezeFaults, freezeSpans } from './change-freeze.js';
export { type Classifier, classifier, type PointSink, readsOf } from './classifier.js';
export { componentFaults } from './composite/component-faults.js';
export { componentWarnings } from './composite/component-warnings.js';
export {
  type ComponentsState,
  componentsState,
  type MeasuredComponent,
} from './composite/components-state.js';
export {
  type ComponentCounts,
  type ComponentShare,
  type Counts,
  componentShares,
  compositeCounts,
  judgeComposite,
} from './composite/composite.js';
export { CompositeSlices } from './composite/composite-slices.js';
export {
  type CompositeTree,
  componentNames,
  componentsOf,
  isTree,
  type Leaf,
  leavesOf,
  longestSlice,
} from './composite/composite-tree.js';
export { type Correction, correctionFaults, correctionSpans } from './corrections/correction.js';
export { Corrections } from './corrections/corrections.js';
export {
  BUDGET_LEVELS,
  conditionOf,
  decideSlo,
  fires,
  retireAlerts,
  retireGroups,
  type Tip,
} from './decide.js';
export { type ForecastKnowledge, forecastOf, recentWindow } from './forecast/forecast.js';
export { HourlyHistory } from './forecast/hourly-history.js';
export { Pattern } from './forecast/pattern.js';
export type { KnownWindow } from './forecast/projection.js';
export { trafficStretch } from './forecast/traffic.js';
export { decideGate, type GateKnowledge } from './gate.js';
export { type GroupsOfStatus, groupsInTheMaking, statusOfGroups, worstFirst } from './group-status.js';
export { GroupedBuckets, pointsByValue, type ReadPoint, sightingsOf } from './grouped-buckets.js';
export {
  type Grouping,
  GroupMembers,
  groupBucketsKey,
  groupingKey,
  groupText,
  labelValue,
  type Sighting,
} from './grouping.js';
export {
  type CountingIndicator,
  indicatorKey,
  isCounting,
  type Measure,
  straddles,
} from './indicator.js';
export {
  IndicatorBuckets,
  type JudgedSlices,
  type MissingHours,
  type SloSource,
} from './indicator-buckets.js';
export type { Definitions } from './interchange/definitions.js';
export { type Imported, type Note, noteText, type Routing } from './interchange/notes.js';
export { periodWarning } from './interchange/period-warning.js';
export { type AlertMark, emptyLedger, evolveLedger, type SloLedger, type SloTransition } from './ledger.js';
export { MinuteSpan, type Stretch } from './minute-span.js';
export { exportOpenSlo } from './openslo/export.js';
export { importOpenSlo } from './openslo/import.js';
export type { OpenSloObject, OpenSloOptions } from './openslo/objects.js';
export { type DaySums, NO_MINUTE, PageMissing } from './pages.js';
export {
  type ExportedRules,
  exportPrometheusRules,
  type PrometheusExportOptions,
} from './prometheus/export.js';
export { rulesFile } from './prometheus/rules-file.js';
export {
  burnRate,
  firstBadMinute,
  type PairReading,
  type Reading,
  readingEdges,
  readSlo,
} from './reading.js';
export { occurrences, recurrenceFaults, type Span } from './recurrence.js';
export { RuleFault } from './recurrence-rule.js';
export { measurePeriods, type PeriodsRead } from './report/measured-periods.js';
export { type PeriodPart, type PeriodsPlan, planPeriods } from './report/period-plan.js';
export { type AlertFiring, type ReportKnowledge, reportOf } from './report/report.js';
export { csvCell, reportCsv } from './report/report-csv.js';
export { reportMarkdown } from './report/report-markdown.js';
export {
  type Day,
  daysOf,
  type ReportPeriod,
  reportPeriodAt,
  reportPeriodBefore,
  reportPeriodOf,
} from './report/report-period.js';
export { measureOf } from './rule/aggregate.js';
export { decideRule, firesAt, type RuleDecision, retireRule } from './rule/rule-decision.js';
export { evolveRule, quietRule, type RuleLedger, type RuleTransition } from './rule/rule-ledger.js';
export { declareOf, type PlannedRule, planRule, type RulePlan } from './rule/rule-plan.js';
export { type RuleReading, readRule, type Verdict } from './rule/rule-reading.js';
export { ruleStatusOf } from './rule/rule-status.js';
export { Series } from './series.js';
export { goldenSignalsOf, type MeasuredSignal, signalOf } from './signal/golden-signals.js';
export { planSignals, SIGNALS, type SignalPlan, signalFaults, signalSlis } from './signal/signal-plan.js';
export { binOf, binValue, SKETCH_ACCURACY, Sketch } from './sketch.js';
export { decodeSketch, decodeSketchHour, encodeSketch, encodeSketchHour } from './sketch-codec.js';
export { Sketches } from './sketches.js';
export { sliDefinitionWarnings } from './sli-warnings.js';
export { type SliceContent, type SliceRule, sliceMinutes, sliceRule } from './slice-rule.js';
export { type EventHour, SliceRun } from './slice-run.js';
export { budgetOf, type Planned, planSlo, type SloPlan } from './slo-plan.js';
export { importSloth, type SlothOptions } from './sloth/import.js';
export { statusOf } from './status.js';
export type { Tallies } from './tallies.js';
export { Tally } from './tally.js';
export { HOUR_MINUTES, hourOf, MINUTE, minuteOf } from './time-grid.js';
export { meantUnit, ratioScale, unitScale } from './unit.js';
export { calendar, rolling, sliceOf, type Window } from './window.js';
export {
  consumedOf,
  type Due,
  dueSlices,
  unmeasuredSlices,
  windowSlices,
  withMissing,
} from './window-tally.js';
