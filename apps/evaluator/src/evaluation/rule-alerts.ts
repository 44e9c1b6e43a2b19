import { CONTROL_JOURNAL, LogStreams } from '@bellwether/contracts';
import { StaleVersion } from '@bellwether/event-log';
import type { RuleDecision, RuleTransition } from '@bellwether/slo';
import { ATTEMPTS } from '../optimistic.js';
import type { Registry } from '../registry/registry.js';
import type { RuleEntry } from '../registry/rule-entry.js';
import type { Evidence } from '../store/series-row.js';
import type { DecisionLog } from './decision-log.js';
import { ACTOR, SOURCE } from './transitions.js';

/** What is decided about a rule, and the measurement it comes from. */
export interface RuleOutcome {
  decision: RuleDecision;
  evidence: Evidence | null;
  at: Date;
}

/** The id under which a transition is appended: it names the state left, so that it is appended once, whoever decides it. */
export const ruleTransitionId = ({ type, data }: RuleTransition): string =>
  type === 'rule.alert.fired' ? `rule:${data.rule}:${data.n}` : `rule:${data.rule}:${data.n}:resolved`;

/** Appends transitions of threshold rules, each once. */
export class RuleAlerts {
  readonly #log: DecisionLog;
  readonly #registry: Registry;

  constructor(log: DecisionLog, registry: Registry) {
    this.#log = log;
    this.#registry = registry;
  }

  /**
   * Appends what `decide` asks for, given what the log says of the rule, and decides anew when its stream moved on
   * meanwhile. When this resolves, the registry knows what was appended.
   * @returns since when the rule is pending, epoch milliseconds; null when it is not
   */
  async settle(rule: string, decide: (entry: RuleEntry) => RuleOutcome): Promise<number | null> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const entry = this.#registry.rules.get(rule);
      if (entry === undefined || entry.retired) return null;
      const { decision, evidence, at } = decide(entry);
      if (decision.transition === null) return decision.pendingSince;
      try {
        await this.#append(rule, entry, decision.transition, evidence, at);
        await this.#registry.catchUp();
        return decision.pendingSince;
      } catch (error) {
        if (!(error instanceof StaleVersion)) throw error;
        await this.#registry.catchUp();
      }
    }
    throw new Error(`the stream of rule ${rule} moves on faster than a decision about it can be appended`);
  }

  async #append(
    rule: string,
    { firing, streamVersion }: RuleEntry,
    transition: RuleTransition,
    evidence: Evidence | null,
    at: Date,
  ): Promise<void> {
    // A resolve belongs to the story of its firing.
    const story = transition.type === 'rule.alert.resolved' ? firing : null;
    await this.#log.append({
      journal: CONTROL_JOURNAL,
      stream: LogStreams.rule(rule),
      expectedVersion: streamVersion,
      commandId: ruleTransitionId(transition),
      event: {
        ...transition,
        occurredAt: at,
        meta: {
          correlationId: story?.correlationId ?? evidence?.correlationId ?? LogStreams.rule(rule),
          causationId: evidence?.eventId ?? story?.eventId ?? null,
          actor: ACTOR,
          source: SOURCE,
          ...(evidence?.traceparent ? { traceparent: evidence.traceparent } : {}),
        },
      },
    });
  }
}
