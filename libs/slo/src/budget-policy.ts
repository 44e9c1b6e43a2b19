import type {
  BudgetStep,
  ErrorBudgetPolicy,
  Service,
  SloDefinition,
  SloPolicyEntered,
  SloPolicyLeft,
  SloStatus,
} from '@bellwether/contracts';
import { EPSILON, toleranceOf } from './alert-pairs.js';
import type { Reading } from './reading.js';

/** What the log says of one step of an SLO's error-budget policy. */
export interface StepMark {
  /** Whether it is in effect. */
  entered: boolean;
  /** How often it was entered. */
  n: number;
  /** Its latest entry. */
  entry: SloPolicyEntered;
}

/** By {@link stepKey}. */
export type PolicyLedger = ReadonlyMap<string, StepMark>;

/** A transition of an SLO's error-budget policy: the event's short name and data. */
export type PolicyTransition =
  | { type: 'slo.policy.entered'; data: SloPolicyEntered }
  | { type: 'slo.policy.left'; data: SloPolicyLeft };

/** An error-budget policy, and whose it is. */
export interface PolicyInForce {
  from: 'slo' | 'service' | 'default';
  policy: ErrorBudgetPolicy;
}

/** Where nobody said anything, an overspent budget freezes changes. It is the gate's alone: nobody is told of it. */
const DEFAULT_POLICY: PolicyInForce = {
  from: 'default',
  policy: { steps: [{ remainingBelow: 0, action: 'freeze', declare: null }], withoutData: 'allow' },
};

/** What tells the steps of one policy apart: to the last digit, as their definition does. */
export const stepKey = ({ action, remainingBelow }: Pick<BudgetStep, 'action' | 'remainingBelow'>): string =>
  `${action} ${remainingBelow}`;

/** A step as people read it: `freeze below 10 %`. Multiplying adds digits that the share does not have. */
const stepText = ({ action, remainingBelow }: Pick<BudgetStep, 'action' | 'remainingBelow'>): string =>
  `${action} below ${Number((remainingBelow * 100).toPrecision(15))} %`;

/** The policy that holds for an SLO: its own, else its service's, else that an overspent budget freezes. */
export function policyInForce(definition: SloDefinition, service: Service | undefined): PolicyInForce {
  if (definition.errorBudgetPolicy) return { from: 'slo', policy: definition.errorBudgetPolicy };
  if (service?.errorBudgetPolicy) return { from: 'service', policy: service.errorBudgetPolicy };
  return DEFAULT_POLICY;
}

/** Whether a step is in effect: strictly less of the budget remains than it names, beyond {@link toleranceOf} it. */
export const isInEffect = (
  step: Pick<BudgetStep, 'remainingBelow'>,
  remaining: number,
  budget: number,
): boolean => remaining < step.remainingBelow - toleranceOf(budget);

/**
 * The steps that a reading enters or leaves, given what the log says already. Waits until there is history enough to
 * judge by; absent data (a freeze of the SLO) holds the leaving, since a budget does not recover on the strength of it.
 */
export function decidePolicy(
  reading: Reading,
  { from, policy }: PolicyInForce,
  ledger: PolicyLedger,
): PolicyTransition[] {
  const { definition } = reading.plan;
  const steps = from === 'default' ? [] : policy.steps;
  const remaining = reading.consumed === null ? null : 1 - reading.consumed;
  // Most SLOs have no policy, and are asked several times a minute.
  if (steps.length === 0 && ledger.size === 0) return [];
  const eventTime = iso(reading.at);
  const wanted = new Set(steps.map(stepKey));
  const transitions: PolicyTransition[] = [...ledger]
    .filter(([key, mark]) => mark.entered && !wanted.has(key))
    .map(([, mark]) => leave(mark, remaining, eventTime, 'redefined'));
  if (remaining === null || !reading.settled) return transitions;
  for (const step of steps) {
    const mark = ledger.get(stepKey(step));
    if (isInEffect(step, remaining, reading.plan.budget)) {
      if (!mark?.entered) transitions.push(enter(definition, step, remaining, eventTime, (mark?.n ?? 0) + 1));
    } else if (mark?.entered && reading.freeze === null) {
      transitions.push(leave(mark, remaining, eventTime, 'recovered'));
    }
  }
  return transitions;
}

/** What ends the steps in effect when their SLO is retired. */
export const retirePolicy = (ledger: PolicyLedger, now: number): PolicyTransition[] =>
  [...ledger.values()].filter((mark) => mark.entered).map((mark) => leave(mark, null, iso(now), 'retired'));

/** Folds an event of an SLO's stream; events that say nothing of its policy leave the ledger as it is. */
export function evolvePolicy(ledger: PolicyLedger, event: { type: string; data: unknown }): PolicyLedger {
  if (event.type === 'slo.policy.entered') {
    const entry = event.data as SloPolicyEntered;
    return new Map(ledger).set(stepKey(entry), { entered: true, n: entry.n, entry });
  }
  if (event.type !== 'slo.policy.left') return ledger;
  const key = stepKey(event.data as SloPolicyLeft);
  const mark = ledger.get(key);
  return mark === undefined ? ledger : new Map(ledger).set(key, { ...mark, entered: false });
}

/** The policy as a status shows it. `since` is null for a step that is not in effect, or not on record. */
export function policyView({ from, policy }: PolicyInForce, ledger: PolicyLedger): SloStatus['policy'] {
  return {
    from,
    withoutData: policy.withoutData,
    steps: policy.steps.map((step) => {
      const mark = ledger.get(stepKey(step));
      return {
        action: step.action,
        remainingBelow: step.remainingBelow,
        since: mark?.entered ? mark.entry.eventTime : null,
      };
    }),
  };
}

/** Words for what remains of a budget: `8 % of the error budget is left`. */
export function budgetLeft(remaining: number): string {
  return remaining < -EPSILON
    ? `the error budget is overspent by ${percent(-remaining)}`
    : `${percent(Math.max(0, remaining))} of the error budget is left`;
}

/** A share as people read it: 0.0825 is `8.25 %`. */
export const percent = (share: number): string => `${Number((share * 100).toPrecision(3))} %`;

function enter(
  definition: SloDefinition,
  step: BudgetStep,
  remaining: number,
  eventTime: string,
  n: number,
): PolicyTransition {
  const { name, service, escalationPolicy, runbookUrl } = definition;
  const { action, remainingBelow, declare } = step;
  return {
    type: 'slo.policy.entered',
    data: {
      slo: name,
      service,
      action,
      remainingBelow,
      remaining,
      eventTime,
      n,
      title: `${name}: ${budgetLeft(remaining)} (${stepText(step)})`,
      declare,
      ...(escalationPolicy === undefined ? {} : { escalationPolicy }),
      ...(runbookUrl === undefined ? {} : { runbookUrl }),
    },
  };
}

function leave(
  { entry }: StepMark,
  remaining: number | null,
  eventTime: string,
  reason: SloPolicyLeft['reason'],
): PolicyTransition {
  const { slo, service, action, remainingBelow, n } = entry;
  return {
    type: 'slo.policy.left',
    data: {
      slo,
      service,
      action,
      remainingBelow,
      remaining,
      eventTime,
      n,
      enteredAt: entry.eventTime,
      reason,
    },
  };
}

const iso = (at: number): string => new Date(at).toISOString();
