import {
  type Clock,
  CommandRefused,
  type Incident,
  ListLimits,
  type Report,
  type Service,
  type SloDefinition,
  type SloMeasuredPeriods,
  sloMeasuredPeriods,
} from '@bellwether/contracts';
import { incidentNumber } from '@bellwether/incident';
import { HttpProblem } from '@bellwether/service';
import { type ReportKnowledge, type ReportPeriod, reportOf, reportPeriodBefore } from '@bellwether/slo';
import { z } from 'zod';
import type { Caller, CommandGateway } from '../commands/gateway.js';
import { inTurn } from '../commands/in-turn.js';
import type { IncidentStore } from '../read/incident-store.js';
import type { ReadModels } from '../read/read-models.js';
import type { ResourceKind } from '../read/resource-kinds.js';
import type { ResourceStore } from '../read/resource-store.js';
import type { SloAlertStore } from '../read/slo-alert-store.js';
import { Paging } from '../routing/cursor.js';

/** An SLO is measured over two months within this. */
const TIMING = { timeoutMs: 30_000 };

export interface ReportSources {
  models: Pick<ReadModels, 'incomplete'>;
  resources: Pick<ResourceStore, 'list'>;
  incidents: Pick<IncidentStore, 'list'>;
  alerts: Pick<SloAlertStore, 'fired'>;
  gateway: Pick<CommandGateway, 'query'>;
  clock: Clock;
}

export interface ReportAsked {
  period: ReportPeriod;
  groupBy: 'team' | 'service';
  team?: string | undefined;
  service?: string | undefined;
}

/** Gathers what is known of SLOs over a period and the one before. */
export class ReportReader {
  readonly #sources: ReportSources;

  constructor(sources: ReportSources) {
    this.#sources = sources;
  }

  /**
   * The report on today's SLOs, by today's definitions.
   * @throws CommandRefused 404 for a team or a service that nothing is known of
   * @throws HttpProblem 503, 504 when the evaluator does not answer: a report that leaves SLOs out is none
   */
  async read({ period, groupBy, team, service }: ReportAsked, caller: Caller): Promise<Report> {
    const { models, alerts, clock } = this.#sources;
    const incomplete = await models.incomplete();
    if (incomplete !== null)
      throw HttpProblem.unavailable(`${incomplete}; there is no report of the past only`);
    const before = reportPeriodBefore(period);
    const span = { from: new Date(before.from), to: new Date(period.to) };
    const [services, definitions, fired, declared] = await Promise.all([
      this.#all<Service>('service'),
      this.#all<SloDefinition>('slo'),
      alerts.fired(span),
      this.#incidents(span),
    ]);
    const teams = teamsOf(services, definitions, declared);
    for (const [name, own] of teams) {
      if ((service !== undefined && name !== service) || (team !== undefined && own !== team))
        teams.delete(name);
    }
    // A misspelt name must not look like a team that has nothing to do.
    if (teams.size === 0 && (team !== undefined || service !== undefined))
      throw CommandRefused.notFound(service === undefined ? `the team ${team}` : `the service ${service}`);
    const slos = definitions.filter((slo) => teams.has(slo.service));
    const knowledge: ReportKnowledge = {
      period,
      before,
      asOf: clock.now().getTime(),
      groupBy,
      slos: await inTurn(slos, async (definition) => ({
        definition,
        measured: await this.#measured(definition.name, period, before, caller),
      })),
      teams,
      alerts: fired,
      incidents: declared.filter((incident) => incident.services.some((name) => teams.has(name))),
    };
    return reportOf(knowledge);
  }

  /** How an SLO was, or why that cannot be said. */
  async #measured(
    slo: string,
    period: ReportPeriod,
    before: ReportPeriod,
    caller: Caller,
  ): Promise<SloMeasuredPeriods | string> {
    const iso = ({ from, to }: ReportPeriod) => ({
      from: new Date(from).toISOString(),
      to: new Date(to).toISOString(),
    });
    const data = { slo, period: iso(period), before: iso(before), timeZone: period.timeZone };
    try {
      return sloMeasuredPeriods.parse(
        await this.#sources.gateway.query('evaluator.slo-periods', data, caller, TIMING),
      );
    } catch (error) {
      if (error instanceof CommandRefused) return error.problem.detail;
      throw error;
    }
  }

  async #incidents({ from, to }: { from: Date; to: Date }): Promise<Incident[]> {
    const incidents: Incident[] = [];
    for (let cursor: string | undefined; ; ) {
      const paging = Paging.of({ limit: ListLimits.most, cursor }, 'report', z.int());
      const filter = { from: from.toISOString(), to: to.toISOString() };
      const page = paging.page(
        await this.#sources.incidents.list(paging, filter),
        ({ id }) => incidentNumber(id),
        (incident) => incident,
      );
      incidents.push(...page.items);
      if (page.nextCursor === null) return incidents.reverse();
      cursor = page.nextCursor;
    }
  }

  /** Every resource of a kind, over all pages. */
  async #all<T>(kind: ResourceKind): Promise<T[]> {
    const items: T[] = [];
    for (let cursor: string | undefined; ; ) {
      const paging = Paging.of({ limit: ListLimits.most, cursor }, 'report', z.string());
      const page = paging.page(
        await this.#sources.resources.list(kind, paging),
        ({ key }) => key,
        ({ data }) => data as T,
      );
      items.push(...page.items);
      if (page.nextCursor === null) return items;
      cursor = page.nextCursor;
    }
  }
}

/** Teams by service: of those that are defined, and those that SLOs and incidents only name. */
function teamsOf(
  services: readonly Service[],
  slos: readonly SloDefinition[],
  incidents: readonly Incident[],
): Map<string, string | null> {
  const teams = new Map<string, string | null>();
  for (const { service } of slos) teams.set(service, null);
  for (const incident of incidents) for (const service of incident.services) teams.set(service, null);
  for (const { name, team } of services) teams.set(name, team ?? null);
  return teams;
}
