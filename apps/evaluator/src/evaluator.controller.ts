import { BusErrorFilter } from '@bellwether/bus';
import {
  CommandRefused,
  type CommandReply,
  type CommandRequest,
  commandCatalog,
  parseOrRefuse,
  type Service,
  type Sli,
  type SloDefinition,
  type SloForecast,
  type SloHistory,
  type SloMeasuredPeriods,
  type SloStatus,
} from '@bellwether/contracts';
import { Controller, UseFilters } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { Definitions } from './definitions/definitions.js';
import { StatusReader } from './status/status-reader.js';
import type { BucketsState } from './store/series-row.js';
import { SeriesStore } from './store/series-store.js';

/** What the evaluator answers over `cmd.evaluator.*`. */
@Controller()
@UseFilters(new BusErrorFilter())
export class EvaluatorController {
  constructor(
    private readonly definitions: Definitions,
    private readonly statuses: StatusReader,
    private readonly store: SeriesStore,
  ) {}

  @MessagePattern('cmd.evaluator.service-define')
  async defineService(request: CommandRequest): Promise<CommandReply<Service>> {
    return await this.definitions.defineService(request);
  }

  @MessagePattern('cmd.evaluator.sli-define')
  async defineSli(request: CommandRequest): Promise<CommandReply<Sli>> {
    return await this.definitions.defineSli(request);
  }

  @MessagePattern('cmd.evaluator.slo-define')
  async defineSlo(request: CommandRequest): Promise<CommandReply<SloDefinition>> {
    return await this.definitions.defineSlo(request);
  }

  @MessagePattern('cmd.evaluator.slo-retire')
  async retireSlo(request: CommandRequest): Promise<CommandReply<SloDefinition>> {
    const data = parseOrRefuse(commandCatalog['evaluator.slo-retire'], request.data);
    return await this.definitions.retireSlo({ ...request, data });
  }

  @MessagePattern('cmd.evaluator.slo-status')
  async status(request: CommandRequest): Promise<SloStatus> {
    const { slo, asOf, group } = parseOrRefuse(commandCatalog['evaluator.slo-status'], request.data);
    return asOf === undefined
      ? await this.statuses.now(slo, group)
      : await this.statuses.asOf(slo, new Date(asOf), group);
  }

  @MessagePattern('cmd.evaluator.slo-history')
  async history(request: CommandRequest): Promise<SloHistory> {
    const { slo, from, to, group, asOf, ...cut } = parseOrRefuse(
      commandCatalog['evaluator.slo-history'],
      request.data,
    );
    const span = { from: new Date(from), to: new Date(to), cut };
    return await this.statuses.history(slo, span, { group, ...moment(asOf) });
  }

  @MessagePattern('cmd.evaluator.slo-forecast')
  async forecast(request: CommandRequest): Promise<SloForecast> {
    const { slo, horizon, group, asOf } = parseOrRefuse(
      commandCatalog['evaluator.slo-forecast'],
      request.data,
    );
    return await this.statuses.forecast(slo, horizon, { group, ...moment(asOf) });
  }

  @MessagePattern('cmd.evaluator.slo-periods')
  async periods(request: CommandRequest): Promise<SloMeasuredPeriods> {
    const { slo, period, before, timeZone } = parseOrRefuse(
      commandCatalog['evaluator.slo-periods'],
      request.data,
    );
    const millis = ({ from, to }: typeof period) => ({ from: Date.parse(from), to: Date.parse(to) });
    return await this.statuses.periods(slo, { period: millis(period), before: millis(before), timeZone });
  }

  /** Makes all buckets anew from the log, beside the ones in use; `buckets-state` says how far it is. */
  @MessagePattern('cmd.evaluator.buckets-rebuild')
  async rebuild(request: CommandRequest): Promise<BucketsState> {
    if (request.role !== 'admin') throw CommandRefused.forbidden('only an admin may rebuild buckets');
    await this.store.requestRebuild();
    return await this.store.progress();
  }

  @MessagePattern('cmd.evaluator.buckets-state')
  async bucketsState(): Promise<BucketsState> {
    return await this.store.progress();
  }
}

const moment = (asOf: string | undefined): { asOf?: Date } =>
  asOf === undefined ? {} : { asOf: new Date(asOf) };
