import type {
  ChangeFreeze,
  Gate,
  GateBudget,
  GateOverride,
  GateReason,
  Incident,
  SloStatus,
} from '@bellwether/contracts';
import { budgetLeft, isInEffect, percent } from './budget-policy.js';
import { concerns, freezeSpans } from './change-freeze.js';

/** What is known of a service when somebody asks whether it may be changed. */
export interface GateKnowledge {
  service: string;
  /** Epoch milliseconds. */
  at: number;
  statuses: readonly SloStatus[];
  /** Open incidents of severity sev1 and sev2 that affect the service. */
  incidents: readonly Pick<Incident, 'id' | 'severity' | 'status' | 'title' | 'declaredAt'>[];
  freezes: readonly ChangeFreeze[];
  overrides: readonly GateOverride[];
}

/** Strictest first. */
const ACTIONS = ['freeze', 'review', 'notify'] as const;
const EFFECT = { freeze: 'refuse', review: 'review', notify: 'note' } as const;
const ORDER: readonly GateReason['effect'][] = ['refuse', 'override', 'review', 'note'];

/**
 * Whether a service may be changed: not while a budget is in a freeze step of its policy, while an incident of sev1 or
 * sev2 is open, or in a change freeze; unless somebody overrides that. Everything taken into account is a reason.
 */
export function decideGate(known: GateKnowledge): Gate {
  const { service, at, statuses } = known;
  const reasons = [
    ...known.incidents.map(incidentReason),
    ...known.freezes.flatMap((freeze) => freezeReasons(freeze, service, at)),
    ...statuses.flatMap(budgetReasons),
    ...known.overrides.filter((override) => holds(override, at)).map(overrideReason),
    ...(statuses.length === 0 ? [withoutSlo(service)] : []),
  ].sort((a, b) => ORDER.indexOf(a.effect) - ORDER.indexOf(b.effect));
  const refused = reasons.some(({ effect }) => effect === 'refuse');
  const overridden = refused && reasons.some(({ effect }) => effect === 'override');
  return {
    service,
    asOf: new Date(at).toISOString(),
    allow: !refused || overridden,
    overridden,
    reasons,
    budgets: statuses.map(budgetOf),
  };
}

/** Whether an override holds at an instant. */
const holds = ({ from, until, withdrawnAt }: GateOverride, at: number): boolean =>
  withdrawnAt === null && Date.parse(from) <= at && at < Date.parse(until);

function budgetOf(status: SloStatus): GateBudget {
  const step = strictest(status);
  return {
    slo: status.slo,
    state: status.state,
    objective: status.objective,
    remaining: status.budget.remaining,
    exhaustsAt: status.budget.exhaustsAt,
    settled: status.settled ?? false,
    policy: status.policy?.from ?? 'default',
    step: step && { action: step.action, remainingBelow: step.remainingBelow },
  };
}

/** The strictest step in effect; of several with its action, the one that is furthest behind. */
function strictest({ budget, settled, policy }: SloStatus) {
  const { remaining } = budget;
  if (remaining === null || !settled || !policy) return null;
  const found = policy.steps.filter((step) => isInEffect(step, remaining, budget.total));
  found.sort(
    (a, b) => ACTIONS.indexOf(a.action) - ACTIONS.indexOf(b.action) || a.remainingBelow - b.remainingBelow,
  );
  return found[0] ?? null;
}

function budgetReasons(status: SloStatus): GateReason[] {
  const { slo, state, frozen, settled, history, backfill, policy } = status;
  const about = { resource: { kind: 'slo' as const, name: slo }, until: null };
  const unsure = policy?.withoutData === 'refuse' ? 'refuse' : 'note';
  if (backfill) {
    return [
      {
        kind: 'backfill',
        effect: unsure,
        ...about,
        since: null,
        text: `the measurements of ${slo} are being read in (${backfill.done} of ${backfill.of}): its budget is not known yet`,
      },
    ];
  }
  if (state === 'no-data') {
    const text = `nothing was measured for ${slo}: its budget is not known`;
    return [{ kind: 'no-data', effect: unsure, ...about, since: null, text }];
  }
  const reasons: GateReason[] = [];
  if (frozen) {
    reasons.push({
      kind: 'frozen-data',
      effect: unsure,
      ...about,
      since: frozen.since,
      // Data with gaps is frozen since the first of them, and may have come a second ago.
      text: `${slo} is frozen since ${frozen.since} (${frozen.reason}): its budget does not recover meanwhile`,
    });
  }
  if (!settled) {
    const text = `${slo} has only ${hours(history)} of history: its budget is not judged before there are 24 h of it (or its window, if shorter)`;
    reasons.push({ kind: 'young-window', effect: 'note', ...about, since: null, text });
  }
  const step = strictest(status);
  if (step) {
    const left = budgetLeft(status.budget.remaining ?? 0);
    reasons.push({
      kind: 'budget',
      effect: EFFECT[step.action],
      ...about,
      since: step.since,
      text: `${slo}: ${left}; ${POLICY[policy?.from ?? 'default']} ${ACTS[step.action]} below ${percent(step.remainingBelow)}`,
    });
  }
  return reasons;
}

const ACTS = {
  freeze: 'freezes changes',
  review: 'asks for a review of changes',
  notify: 'notifies the team',
} as const;
const POLICY = { slo: 'its policy', service: "its service's policy", default: 'the default policy' } as const;

const hours = (seconds: number): string =>
  seconds < 3600 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 360) / 10} h`;

function incidentReason({
  id,
  severity,
  status,
  title,
  declaredAt,
}: GateKnowledge['incidents'][number]): GateReason {
  return {
    kind: 'incident',
    effect: 'refuse',
    resource: { kind: 'incident', name: id },
    text: `${id} (${severity}, ${status}) is open: ${title}`,
    since: declaredAt,
    until: null,
  };
}

function freezeReasons(freeze: ChangeFreeze, service: string, at: number): GateReason[] {
  if (!concerns(freeze, service)) return [];
  return freezeSpans(freeze, at, at + 1).map((span) => {
    const [since, until] = [span.from, span.to].map((time) => new Date(time).toISOString()) as [
      string,
      string,
    ];
    return {
      kind: 'change-freeze',
      effect: 'refuse',
      resource: { kind: 'freeze', name: freeze.name },
      text: `change freeze ${freeze.name} until ${until}: ${freeze.reason}`,
      since,
      until,
    };
  });
}

function overrideReason({ id, by, from, until, reason }: GateOverride): GateReason {
  return {
    kind: 'override',
    effect: 'override',
    resource: { kind: 'override', name: id },
    text: `${by} lets changes through until ${until}: ${reason}`,
    since: from,
    until,
  };
}

const withoutSlo = (service: string): GateReason => ({
  kind: 'no-slo',
  effect: 'note',
  resource: { kind: 'service', name: service },
  text: `${service} has no SLO: nothing is known of its reliability`,
  since: null,
  until: null,
});
