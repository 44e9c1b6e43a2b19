import {
  CommandRefused,
  type CommandReply,
  type CommandRequest,
  LogStreams,
  parseOrRefuse,
  type Rule,
  rule as ruleSchema,
} from '@bellwether/contracts';
import type { EventLog } from '@bellwether/event-log';
import { planRule, retireRule } from '@bellwether/slo';
import type { Registry } from '../registry/registry.js';
import { currentOrRetired, DefinitionLog } from './definition-log.js';
import { policyWarnings, serviceWarnings, sliWarnings } from './references.js';

/** Commands that define and retire threshold rules. */
export class RuleDefinitions {
  readonly #registry: Registry;
  readonly #definitions: DefinitionLog;

  constructor(log: EventLog, registry: Registry) {
    this.#registry = registry;
    this.#definitions = new DefinitionLog(log, registry);
  }

  /** @throws CommandRefused 400 malformed, 422 for one that cannot be evaluated as it is asked for */
  async define(request: CommandRequest): Promise<CommandReply<Rule>> {
    const data = parseOrRefuse(ruleSchema, request.data, 'the rule');
    const sliKey = `${data.service}/${data.sli}`;
    const planned = planRule(data, this.#registry.slis.get(sliKey)?.data.unit);
    if (!planned.ok) {
      const [first] = planned.faults;
      throw CommandRefused.refused(
        `rule ${data.name} is refused: ${first?.path} ${first?.message}`,
        planned.faults,
      );
    }
    return await this.#definitions.define(request, {
      stream: LogStreams.rule(data.name),
      type: 'rule.defined',
      data,
      current: () => currentOrRetired(this.#registry.rules.get(data.name)),
      warnings: () => [
        ...serviceWarnings(this.#registry, data.service),
        ...sliWarnings(this.#registry, sliKey),
        ...policyWarnings(this.#registry, data.escalationPolicy),
        ...planned.warnings,
      ],
    });
  }

  /** Ends a rule; an alert of it that fires is resolved with it. @throws CommandRefused 404, 412 */
  async retire(request: CommandRequest<{ rule: string }>): Promise<CommandReply<Rule>> {
    const { rule } = request.data;
    return await this.#definitions.retire(request, {
      what: `rule ${rule}`,
      stream: LogStreams.rule(rule),
      entry: () => this.#registry.rules.get(rule),
      events: ({ definition: { service }, ledger }, at) => [
        { type: 'rule.retired', data: { rule, service } },
        ...retireRule(ledger, at),
      ],
    });
  }
}
