import { BusErrorFilter } from '@bellwether/bus';
import {
  type CommandReply,
  type CommandRequest,
  commandCatalog,
  parseOrRefuse,
  type SloCorrection,
} from '@bellwether/contracts';
import { Controller, UseFilters } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { CorrectionRecord } from './correction-record.js';

/** What the evaluator does when somebody corrects what an SLO counts. */
@Controller()
@UseFilters(new BusErrorFilter())
export class CorrectionsController {
  constructor(private readonly record: CorrectionRecord) {}

  @MessagePattern('cmd.evaluator.slo-correct')
  async add(request: CommandRequest): Promise<CommandReply<SloCorrection>> {
    const data = parseOrRefuse(commandCatalog['evaluator.slo-correct'], request.data, 'the correction');
    return await this.record.add({ ...request, data });
  }

  @MessagePattern('cmd.evaluator.slo-correction-withdraw')
  async withdraw(request: CommandRequest): Promise<CommandReply<SloCorrection>> {
    const data = parseOrRefuse(commandCatalog['evaluator.slo-correction-withdraw'], request.data);
    return await this.record.withdraw({ ...request, data });
  }
}
