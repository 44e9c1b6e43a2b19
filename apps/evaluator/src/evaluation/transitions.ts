import { CONTROL_JOURNAL, LogStreams, type SloGroup } from '@bellwether/contracts';
import { type EventMeta, StaleVersion } from '@bellwether/event-log';
import {
  alertKey,
  groupText,
  type PolicyInForce,
  type PolicyTransition,
  policyInForce,
  type SloTransition,
  stepKey,
} from '@bellwether/slo';
import { ATTEMPTS } from '../optimistic.js';
import type { Registry } from '../registry/registry.js';
import type { Firing, SloEntry } from '../registry/slo-entry.js';
import type { Evidence } from '../store/series-row.js';
import type { DecisionLog } from './decision-log.js';

export const ACTOR = 'service:evaluator';
export const SOURCE = '/bellwether/evaluator';

/** What is to be appended of an SLO: about its alerts, its budget and its error-budget policy. */
export type Transition = SloTransition | PolicyTransition;

/** A transition, and the measurement it comes from. */
export interface Told {
  transition: Transition;
  evidence: Evidence | null;
}

/** What is to be appended about an SLO. */
export interface Decision {
  told: Told[];
  at: Date;
  /** The event that it comes from, where that is no measurement: a correction. */
  cause?: Firing | null;
}

/** The id under which a transition is appended: it names the state left, so that it is appended once, whoever decides it. */
export function transitionId({ type, data }: Transition): string {
  switch (type) {
    case 'slo.alert.fired':
      return `alert:${nameOf(data)}:${data.severity}:${data.tier}:${data.n}`;
    case 'slo.alert.resolved':
      return `alert:${nameOf(data)}:${data.severity}:${data.tier}:${data.n}:resolved`;
    case 'slo.budget.crossed':
      return `budget:${nameOf(data)}:${data.threshold}:${data.n}`;
    case 'slo.policy.entered':
      return `policy:${data.slo}:${data.action}:${data.remainingBelow}:${data.n}`;
    case 'slo.policy.left':
      return `policy:${data.slo}:${data.action}:${data.remainingBelow}:${data.n}:left`;
  }
}

/** The SLO, or the group of it: `checkout-availability`, `checkout-availability["region","eu"]`. */
const nameOf = ({ slo, group }: { slo: string; group?: SloGroup | undefined }): string =>
  group === undefined ? slo : `${slo}${groupText(group)}`;

/**
 * What a transition inherits: a firing and a budget crossing come from the measurement that tipped them and belong to
 * its story; a resolve belongs to the story of its firing, as does the leaving of a step to that of its entry. What a
 * correction brought about comes from that, and so does what begins with it.
 */
function transitionMeta(
  transition: Transition,
  entry: SloEntry,
  evidence: Evidence | null,
  cause: Firing | null,
): EventMeta {
  const firing = entry.firings.get(endedBy(transition));
  const from = cause ?? evidence;
  return {
    correlationId: firing?.correlationId ?? from?.correlationId ?? LogStreams.slo(entry.definition.name),
    causationId: from?.eventId ?? firing?.eventId ?? null,
    actor: ACTOR,
    source: SOURCE,
    ...(evidence?.traceparent && !cause ? { traceparent: evidence.traceparent } : {}),
  };
}

/** An alert has its evidence from the decision; what else is told of a budget names the measurement that it comes from. */
function placed(transition: Transition, evidence: Evidence | null): Transition {
  if (evidence === null || /^slo[.]alert[.]/.test(transition.type)) return transition;
  const { journal, position, eventId } = evidence;
  return {
    ...transition,
    data: { ...transition.data, evidence: { journal, position, eventId } },
  } as Transition;
}

/** The key of the firing or entry that a transition ends; empty when it ends none. */
function endedBy({ type, data }: Transition): string {
  if (type === 'slo.alert.resolved') return alertKey(data);
  return type === 'slo.policy.left' ? stepKey(data) : '';
}

/** Appends transitions of SLOs, each once. */
export class TransitionLog {
  readonly #log: DecisionLog;
  readonly #registry: Registry;

  constructor(log: DecisionLog, registry: Registry) {
    this.#log = log;
    this.#registry = registry;
  }

  /**
   * Appends what `decide` asks for, given what the log says of the SLO. When the stream moved on meanwhile (a new
   * definition, another instance that decided the same), the decision is made again from the new state. When this
   * resolves, the registry knows what was appended.
   */
  async settle(slo: string, decide: (entry: SloEntry, policy: PolicyInForce) => Decision): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const entry = this.#registry.slos.get(slo);
      if (entry === undefined || entry.retired) return;
      const service = this.#registry.services.get(entry.definition.service)?.data;
      const decision = decide(entry, policyInForce(entry.definition, service));
      if (decision.told.length === 0) return;
      const results = await Promise.allSettled(this.#append(slo, entry, decision));
      await this.#registry.catchUp();
      const failures = results.filter((result) => result.status === 'rejected');
      for (const { reason } of failures) if (!(reason instanceof StaleVersion)) throw reason;
      if (failures.length === 0) return;
    }
    throw new Error(`the stream of SLO ${slo} moves on faster than a decision about it can be appended`);
  }

  /** One append each, since each has an id of its own; they are committed as a group. */
  #append(slo: string, entry: SloEntry, { told, at, cause }: Decision): Promise<unknown>[] {
    return told.map(({ transition, evidence }, i) => {
      const { type, data } = placed(transition, evidence);
      return this.#log.append({
        journal: CONTROL_JOURNAL,
        stream: LogStreams.slo(slo),
        expectedVersion: entry.streamVersion + i,
        commandId: transitionId(transition),
        event: {
          type,
          data,
          occurredAt: at,
          meta: transitionMeta(transition, entry, evidence, cause ?? null),
        },
      });
    });
  }
}
