import { BusErrorFilter } from '@bellwether/bus';
import {
  type CommandReply,
  type CommandRequest,
  commandCatalog,
  type GoldenSignals,
  parseOrRefuse,
  type Rule,
  type RuleStatus,
} from '@bellwether/contracts';
import { Controller, UseFilters } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { RuleDefinitions } from './definitions/rule-definitions.js';
import { RuleReader } from './status/rule-reader.js';
import { SignalReader } from './status/signal-reader.js';

/** What the evaluator answers over `cmd.evaluator.*` about threshold rules and golden signals. */
@Controller()
@UseFilters(new BusErrorFilter())
export class RulesController {
  constructor(
    private readonly definitions: RuleDefinitions,
    private readonly rules: RuleReader,
    private readonly signals: SignalReader,
  ) {}

  @MessagePattern('cmd.evaluator.rule-define')
  async define(request: CommandRequest): Promise<CommandReply<Rule>> {
    return await this.definitions.define(request);
  }

  @MessagePattern('cmd.evaluator.rule-retire')
  async retire(request: CommandRequest): Promise<CommandReply<Rule>> {
    const data = parseOrRefuse(commandCatalog['evaluator.rule-retire'], request.data);
    return await this.definitions.retire({ ...request, data });
  }

  @MessagePattern('cmd.evaluator.rule-status')
  async status(request: CommandRequest): Promise<RuleStatus> {
    const { rule, asOf } = parseOrRefuse(commandCatalog['evaluator.rule-status'], request.data);
    return asOf === undefined ? await this.rules.now(rule) : await this.rules.asOf(rule, new Date(asOf));
  }

  @MessagePattern('cmd.evaluator.golden-signals')
  async goldenSignals(request: CommandRequest): Promise<GoldenSignals> {
    const { service, asOf } = parseOrRefuse(commandCatalog['evaluator.golden-signals'], request.data);
    return asOf === undefined
      ? await this.signals.now(service)
      : await this.signals.asOf(service, new Date(asOf));
  }
}
