import {
  type Comparison,
  type Fault,
  type GoldenSignalsDefinition,
  type Rule,
  type RuleAggregate,
  type SignalDefinition,
  type SignalLevel,
  type SignalName,
  type Sli,
} from '@bellwether/contracts';
import { planRule, type RulePlan } from '../rule/rule-plan.js';

export const SIGNALS: readonly SignalName[] = ['latency', 'traffic', 'errors', 'saturation'];

/** What a signal is where nothing else is said. */
interface Usual {
  /** SLIs that it is measured by; the first one that there is. */
  slis: readonly string[];
  aggregate: RuleAggregate;
  op: Comparison;
  threshold: number | null;
  unit?: 's' | 'ratio';
  level: SignalLevel;
}

/** The golden signals of Google's SRE book, chapter 6. */
const USUAL: Readonly<Record<SignalName, Usual>> = {
  latency: { slis: ['latency'], aggregate: 'p95', op: 'gt', threshold: 1, unit: 's', level: 'critical' },
  traffic: {
    slis: ['traffic', 'availability'],
    aggregate: 'rate',
    op: 'lt',
    threshold: null,
    level: 'critical',
  },
  errors: {
    slis: ['errors', 'availability'],
    aggregate: 'ratio',
    op: 'gt',
    threshold: 0.01,
    level: 'critical',
  },
  saturation: {
    slis: ['saturation'],
    aggregate: 'mean',
    op: 'gt',
    threshold: 0.8,
    unit: 'ratio',
    level: 'warning',
  },
};
const WINDOW = '5m';
/** A signal is measured as a rule is, and alerts nobody. */
const QUIET: Pick<Rule, 'for' | 'severity' | 'summary' | 'runbookUrl' | 'labels'> = {
  for: '0s',
  severity: 'ticket',
  summary: '',
  runbookUrl: '',
  labels: {},
};

/** A golden signal as it is to be measured. */
export interface SignalPlan {
  name: SignalName;
  /** Name of the SLI; null when the service has none for it. */
  sli: string | null;
  aggregate: RuleAggregate;
  window: string;
  op: Comparison;
  threshold: number | null;
  unit: string;
  level: SignalLevel;
  /** What is measured is the share of good events, and what is told the share of bad ones. */
  isComplement: boolean;
  /** How it is measured: as a threshold rule is; null when it cannot be. */
  rule: RulePlan | null;
  faults: Fault[];
}

/** An SLI of the service, as far as its signals are concerned. */
type Known = Pick<Sli, 'name' | 'unit'>;

/** The four signals of a service, given what it says of them, and its SLIs. */
export function planSignals(
  service: string,
  definition: GoldenSignalsDefinition | undefined,
  slis: readonly Known[],
): SignalPlan[] {
  return SIGNALS.map((name) => planSignal(service, name, definition?.[name] ?? {}, slis));
}

/** What is wrong with what a service says of its signals, by field. */
export function signalFaults(
  service: string,
  definition: GoldenSignalsDefinition | undefined,
  slis: readonly Known[],
): Fault[] {
  return planSignals(service, definition, slis).flatMap(({ name, faults }) =>
    faults.map(({ path, message }) => ({ path: `goldenSignals.${name}.${path}`, message })),
  );
}

/** The SLIs that the signals of a service may be measured by. */
export function signalSlis(definition: GoldenSignalsDefinition | undefined): string[] {
  return [...new Set(SIGNALS.flatMap((name) => definition?.[name]?.sli ?? USUAL[name].slis))];
}

function planSignal(
  service: string,
  name: SignalName,
  given: SignalDefinition,
  slis: readonly Known[],
): SignalPlan {
  const usual = USUAL[name];
  const sli = given.sli ?? usual.slis.find((each) => slis.some((known) => known.name === each)) ?? null;
  const sliUnit = slis.find((known) => known.name === sli)?.unit;
  const aggregate = given.aggregate ?? (isBadShare(name, sli, sliUnit) ? 'mean' : usual.aggregate);
  const op = given.op ?? usual.op;
  const threshold = given.threshold ?? usual.threshold;
  const isComplement = name === 'errors' && aggregate === 'ratio';
  // Of a rate and a ratio the unit is what it is; a share of bad events that is measured as a value is one of 1.
  const usualUnit = name === 'errors' ? 'ratio' : usual.unit;
  const unit = given.unit ?? (aggregate === 'rate' || aggregate === 'ratio' ? undefined : usualUnit);
  const { window = WINDOW, level = usual.level } = given;
  const compared = threshold ?? 0;
  const planned = planRule(
    {
      ...QUIET,
      name,
      service,
      sli: sli ?? name,
      aggregate,
      window,
      op: isComplement ? MIRRORED[op] : threshold === null ? 'gt' : op,
      threshold: isComplement ? Number((1 - compared).toPrecision(12)) : compared,
      ...(unit === undefined ? {} : { unit }),
    },
    sliUnit,
  );
  return {
    name,
    sli,
    aggregate,
    window,
    op,
    threshold,
    unit: planned.ok ? planned.plan.unit : (unit ?? 'none'),
    level,
    isComplement,
    rule: planned.ok ? planned.plan : null,
    faults: planned.ok ? [] : planned.faults.map((fault) => (isComplement ? ofShare(fault) : fault)),
  };
}

/** `errors` of an SLI in percent or ratio are a share of bad events, unless it is known as one of good ones. */
const isBadShare = (name: SignalName, sli: string | null, unit: string | undefined): boolean =>
  name === 'errors' && sli !== 'availability' && (unit === 'percent' || unit === 'ratio');

const MIRRORED: Readonly<Record<Comparison, Comparison>> = { gt: 'lt', gte: 'lte', lt: 'gt', lte: 'gte' };

/** A fault of the share of good events, told of the share of bad ones that was written. */
function ofShare({ path, message }: Fault): Fault {
  if (path !== 'threshold') return { path, message };
  return { path, message: 'must be a share of bad events that there can be more and less of, from 0 to 1' };
}
