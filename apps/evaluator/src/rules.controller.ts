import { BusErrorFilter } from '@bellwether/bus';
import {
  type CommandReply,
  type CommandRequest,
  commandCatalog,
  parseOrRefuse,
  type Rule,
  type RuleStatus,
} from '@bellwether/contracts';
import { Controller, UseFilters } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { RuleDefinitions } from './definitions/rule-definitions.js';
import { RuleReader } from './status/rule-reader.js';

/** What the evaluator answers over `cmd.evaluator.*` about threshold rules. */
@Controller()
@UseFilters(new BusErrorFilter())
export class RulesController {
  constructor(
    private readonly definitions: RuleDefinitions,
    private readonly rules: RuleReader,
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
}
