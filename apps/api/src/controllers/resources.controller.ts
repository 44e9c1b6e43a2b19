import { sloForecast, sloHistory, sloStatus } from '@bellwether/contracts';
import { principalOf } from '@bellwether/service';
import { rulesFile } from '@bellwether/slo';
import { Controller, Header, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ApiClock } from '../api-clock.js';
import { CommandGateway } from '../commands/gateway.js';
import { Writer } from '../commands/writer.js';
import { PrometheusRulesReader } from '../read/prometheus-rules-reader.js';
import { ResourceReader } from '../read/resource-reader.js';
import { prefers } from '../routing/accept.js';
import { Input, type InputOf } from '../routing/input.js';
import { Serves } from '../routing/serves.js';
import { historySpan } from './history-span.js';

/** Services, SLIs and SLOs. */
@Controller()
export class ResourcesController {
  constructor(
    private readonly resources: ResourceReader,
    private readonly writer: Writer,
    private readonly gateway: CommandGateway,
    private readonly time: ApiClock,
    private readonly rules: PrometheusRulesReader,
  ) {}

  @Serves('listServices')
  listServices(@Input() { query }: InputOf<'listServices'>) {
    return this.resources.list('service', query);
  }

  @Serves('getService')
  getService(@Input() { params, query }: InputOf<'getService'>) {
    return this.resources.get('service', params.name, query);
  }

  @Serves('putService')
  putService(@Input() { params, body, request }: InputOf<'putService'>) {
    return this.writer.write(request, 'evaluator.service-define', body, {
      current: () => this.resources.version('service', params.name),
    });
  }

  @Serves('listSlis')
  listSlis(@Input() { query }: InputOf<'listSlis'>) {
    return this.resources.list('sli', query);
  }

  @Serves('getSli')
  getSli(@Input() { params, query }: InputOf<'getSli'>) {
    return this.resources.get('sli', `${params.service}/${params.sli}`, query);
  }

  @Serves('putSli')
  putSli(@Input() { params, body, request }: InputOf<'putSli'>) {
    return this.writer.write(request, 'evaluator.sli-define', body, {
      current: () => this.resources.version('sli', `${params.service}/${params.sli}`),
    });
  }

  @Serves('listSlos')
  listSlos(@Input() { query }: InputOf<'listSlos'>) {
    return this.resources.list('slo', query, query.service);
  }

  @Serves('getSlo')
  getSlo(@Input() { params, query }: InputOf<'getSlo'>) {
    return this.resources.get('slo', params.name, query);
  }

  @Serves('putSlo')
  putSlo(@Input() { params, body, request }: InputOf<'putSlo'>) {
    return this.writer.write(request, 'evaluator.slo-define', body, {
      current: () => this.resources.version('slo', params.name),
    });
  }

  @Serves('deleteSlo')
  deleteSlo(@Input() { params, request }: InputOf<'deleteSlo'>) {
    return this.writer.write(
      request,
      'evaluator.slo-retire',
      { slo: params.name },
      { current: () => this.resources.version('slo', params.name) },
    );
  }

  @Serves('getSloStatus')
  async getSloStatus(@Input() { params, query, request }: InputOf<'getSloStatus'>) {
    await this.resources.atVersion('slo', params.name, query.minVersion);
    const status = await this.gateway.query(
      'evaluator.slo-status',
      {
        slo: params.name,
        ...(query.asOf ? { asOf: query.asOf } : {}),
        ...(query.group ? { group: query.group } : {}),
      },
      principalOf(request),
    );
    return sloStatus.parse(status);
  }

  @Serves('getSloForecast')
  async getSloForecast(@Input() { params, query, request }: InputOf<'getSloForecast'>) {
    await this.resources.atVersion('slo', params.name, query.minVersion);
    const { horizon, group, asOf } = query;
    const forecast = await this.gateway.query(
      'evaluator.slo-forecast',
      {
        slo: params.name,
        ...(horizon ? { horizon } : {}),
        ...(group ? { group } : {}),
        ...(asOf ? { asOf } : {}),
      },
      principalOf(request),
    );
    return sloForecast.parse(forecast);
  }

  @Serves('getSloHistory')
  async getSloHistory(@Input() { params, query, request }: InputOf<'getSloHistory'>) {
    await this.resources.atVersion('slo', params.name, query.minVersion);
    const { group, asOf } = query;
    const span = historySpan(query, asOf === undefined ? this.time.now() : new Date(asOf));
    const history = await this.gateway.query(
      'evaluator.slo-history',
      { slo: params.name, ...span, ...(group ? { group } : {}), ...(asOf ? { asOf } : {}) },
      principalOf(request),
    );
    return sloHistory.parse(history);
  }

  @Serves('getSloPrometheusRules')
  @Header('vary', 'accept')
  async getSloPrometheusRules(
    @Input() { params, query, request }: InputOf<'getSloPrometheusRules'>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const rules = await this.rules.of(params.name, query);
    const yaml =
      prefers(request.headers.accept, ['application/json', 'application/yaml']) === 'application/yaml';
    if (!yaml) return rules;
    reply.header('content-type', 'application/yaml; charset=utf-8');
    return rulesFile(rules);
  }
}
