import { goldenSignals, ruleStatus } from '@bellwether/contracts';
import { principalOf } from '@bellwether/service';
import { Controller } from '@nestjs/common';
import { CommandGateway } from '../commands/gateway.js';
import { Writer } from '../commands/writer.js';
import { ResourceReader } from '../read/resource-reader.js';
import { Input, type InputOf } from '../routing/input.js';
import { Serves } from '../routing/serves.js';

/** Threshold rules, and the golden signals of services. */
@Controller()
export class RulesController {
  constructor(
    private readonly resources: ResourceReader,
    private readonly writer: Writer,
    private readonly gateway: CommandGateway,
  ) {}

  @Serves('listRules')
  listRules(@Input() { query }: InputOf<'listRules'>) {
    return this.resources.list('rule', query, query.service);
  }

  @Serves('getRule')
  getRule(@Input() { params, query }: InputOf<'getRule'>) {
    return this.resources.get('rule', params.name, query);
  }

  @Serves('putRule')
  putRule(@Input() { params, body, request }: InputOf<'putRule'>) {
    return this.writer.write(request, 'evaluator.rule-define', body, {
      current: () => this.resources.version('rule', params.name),
    });
  }

  @Serves('deleteRule')
  deleteRule(@Input() { params, request }: InputOf<'deleteRule'>) {
    return this.writer.write(
      request,
      'evaluator.rule-retire',
      { rule: params.name },
      { current: () => this.resources.version('rule', params.name) },
    );
  }

  @Serves('getRuleStatus')
  async getRuleStatus(@Input() { params, query, request }: InputOf<'getRuleStatus'>) {
    await this.resources.atVersion('rule', params.name, query.minVersion);
    const status = await this.gateway.query(
      'evaluator.rule-status',
      { rule: params.name, ...(query.asOf ? { asOf: query.asOf } : {}) },
      principalOf(request),
    );
    return ruleStatus.parse(status);
  }

  @Serves('getGoldenSignals')
  async getGoldenSignals(@Input() { params, query, request }: InputOf<'getGoldenSignals'>) {
    await this.resources.atVersion('service', params.name, query.minVersion);
    const signals = await this.gateway.query(
      'evaluator.golden-signals',
      { service: params.name, ...(query.asOf ? { asOf: query.asOf } : {}) },
      principalOf(request),
    );
    return goldenSignals.parse(signals);
  }
}
