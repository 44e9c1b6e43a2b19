import { BusErrorFilter } from '@bellwether/bus';
import {
  type ChangeFreeze,
  type CommandReply,
  type CommandRequest,
  commandCatalog,
  type Gate,
  type GateOverride,
  parseOrRefuse,
} from '@bellwether/contracts';
import { Controller, UseFilters } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { Definitions } from '../definitions/definitions.js';
import { GateRecord } from './gate-record.js';

/** What the evaluator answers about change freezes and the gate. */
@Controller()
@UseFilters(new BusErrorFilter())
export class GateController {
  constructor(
    private readonly definitions: Definitions,
    private readonly record: GateRecord,
  ) {}

  @MessagePattern('cmd.evaluator.freeze-define')
  async defineFreeze(request: CommandRequest): Promise<CommandReply<ChangeFreeze>> {
    return await this.definitions.defineFreeze(request);
  }

  @MessagePattern('cmd.evaluator.freeze-retire')
  async retireFreeze(request: CommandRequest): Promise<CommandReply<ChangeFreeze>> {
    const data = parseOrRefuse(commandCatalog['evaluator.freeze-retire'], request.data);
    return await this.record.retireFreeze({ ...request, data });
  }

  @MessagePattern('cmd.evaluator.gate-override')
  async override(request: CommandRequest): Promise<CommandReply<GateOverride>> {
    const data = parseOrRefuse(commandCatalog['evaluator.gate-override'], request.data, 'the override');
    return await this.record.override({ ...request, data });
  }

  @MessagePattern('cmd.evaluator.gate-override-withdraw')
  async withdraw(request: CommandRequest): Promise<CommandReply<GateOverride>> {
    const data = parseOrRefuse(commandCatalog['evaluator.gate-override-withdraw'], request.data);
    return await this.record.withdraw({ ...request, data });
  }

  @MessagePattern('cmd.evaluator.gate-record')
  async keep(request: CommandRequest): Promise<CommandReply<Gate>> {
    const data = parseOrRefuse(commandCatalog['evaluator.gate-record'], request.data, 'the decision');
    return await this.record.keep({ ...request, data });
  }
}
