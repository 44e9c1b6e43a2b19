import { type CommandData, type CommandName, CommandRefused } from '@bellwether/contracts';
import {
  incidentNumber,
  incidentReport,
  reportMarkdown,
  timeline,
  timelineKinds,
  withMeasuredBudgets,
} from '@bellwether/incident';
import { principalOf } from '@bellwether/service';
import { Controller, Header, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Writer } from '../commands/writer.js';
import { atLeast, type ReadOptions } from '../read/freshness.js';
import { IncidentBudgets } from '../read/incident-budgets.js';
import { IncidentEvents } from '../read/incident-events.js';
import { IncidentStore } from '../read/incident-store.js';
import { ReadModels } from '../read/read-models.js';
import { prefers } from '../routing/accept.js';
import { Answer } from '../routing/answer.js';
import { Paging } from '../routing/cursor.js';
import { Input, type InputOf } from '../routing/input.js';
import { Serves } from '../routing/serves.js';

type OfIncident = Extract<CommandName, `incident.${string}`>;

/** Incident command: read from the read model and the log, changed by commands. */
@Controller()
export class IncidentsController {
  constructor(
    private readonly incidents: IncidentStore,
    private readonly events: IncidentEvents,
    private readonly budgets: IncidentBudgets,
    private readonly models: ReadModels,
    private readonly writer: Writer,
  ) {}

  @Serves('listIncidents')
  async list(@Input() { query }: InputOf<'listIncidents'>) {
    const { limit, cursor, ...filter } = query;
    const { from, to } = filter;
    if (from !== undefined && to !== undefined && from > to) {
      throw CommandRefused.malformed('from is later than to', [
        { path: 'query.to', message: 'must not be before from' },
      ]);
    }
    const paging = Paging.of({ limit, cursor }, ['incidents', filter], z.int());
    const rows = await this.incidents.list(paging, filter);
    return paging.page(
      rows,
      ({ id }) => incidentNumber(id),
      (incident) => incident,
    );
  }

  @Serves('getIncident')
  async get(@Input() { params, query }: InputOf<'getIncident'>) {
    const incident = await this.find(params.id, query);
    return new Answer(incident, { version: incident.version });
  }

  @Serves('getIncidentTimeline')
  async timeline(@Input() { params, query }: InputOf<'getIncidentTimeline'>) {
    const kinds = kindsOf(query.kind);
    await this.find(params.id, query);
    const entries = timeline(params.id, await this.events.of(params.id, query.asOf), query.asOf)
      .filter(({ kind }) => kinds === undefined || kinds.includes(kind))
      .map((entry, place) => ({ entry, place: place + 1 }));
    const paging = Paging.of(query, ['timeline', params.id, query.asOf, query.kind], z.int());
    const after = paging.after ?? 0;
    return paging.page(
      entries.slice(after, after + paging.limit + 1),
      ({ place }) => place,
      ({ entry }) => entry,
    );
  }

  @Serves('getIncidentReport')
  @Header('vary', 'accept')
  async report(
    @Input() { params, query, request }: InputOf<'getIncidentReport'>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const markdown =
      prefers(request.headers.accept, ['application/json', 'text/markdown']) === 'text/markdown';
    await this.find(params.id, query);
    const report = incidentReport(params.id, await this.events.of(params.id, query.asOf), query.asOf);
    if (report === null) throw CommandRefused.notFound(`the incident ${params.id}`);
    const measured = await this.budgets.measured(report, principalOf(request), query.asOf);
    const whole = withMeasuredBudgets(report, measured);
    if (!markdown) return whole;
    reply.header('content-type', 'text/markdown; charset=utf-8');
    return reportMarkdown(whole);
  }

  @Serves('declareIncident')
  declare(@Input() { body, request }: InputOf<'declareIncident'>) {
    return this.writer.write(request, 'incident.declare', body, {
      current: async () => 0,
      isNew: true,
      location: (incident) => `/v1/incidents/${(incident as { id: string }).id}`,
    });
  }

  @Serves('setIncidentStatus')
  setStatus(@Input() { params, body, request }: InputOf<'setIncidentStatus'>) {
    return this.change(request, 'incident.set-status', { incident: params.id, ...body });
  }

  @Serves('setIncidentSeverity')
  setSeverity(@Input() { params, body, request }: InputOf<'setIncidentSeverity'>) {
    return this.change(request, 'incident.set-severity', { incident: params.id, ...body });
  }

  @Serves('assignIncidentRole')
  assignRole(@Input() { params, body, request }: InputOf<'assignIncidentRole'>) {
    return this.change(request, 'incident.assign-role', { incident: params.id, ...body });
  }

  @Serves('addIncidentResponder')
  addResponder(@Input() { params, body, request }: InputOf<'addIncidentResponder'>) {
    return this.change(request, 'incident.add-responder', { incident: params.id, ...body });
  }

  @Serves('addIncidentService')
  addService(@Input() { params, body, request }: InputOf<'addIncidentService'>) {
    return this.change(request, 'incident.add-service', { incident: params.id, ...body });
  }

  @Serves('addIncidentNote')
  addNote(@Input() { params, body, request }: InputOf<'addIncidentNote'>) {
    return this.change(request, 'incident.add-note', { incident: params.id, ...body });
  }

  @Serves('correctIncidentNote')
  correctNote(@Input() { params, body, request }: InputOf<'correctIncidentNote'>) {
    return this.change(request, 'incident.correct-note', {
      incident: params.id,
      note: params.eventId,
      ...body,
    });
  }

  @Serves('publishIncidentUpdate')
  publishUpdate(@Input() { params, body, request }: InputOf<'publishIncidentUpdate'>) {
    return this.change(request, 'incident.publish-update', { incident: params.id, ...body });
  }

  @Serves('mergeIncident')
  merge(@Input() { params, body, request }: InputOf<'mergeIncident'>) {
    return this.change(request, 'incident.merge', { incident: params.id, ...body });
  }

  @Serves('reopenIncident')
  reopen(@Input() { params, body, request }: InputOf<'reopenIncident'>) {
    return this.change(request, 'incident.reopen', { incident: params.id, ...body });
  }

  private find(id: string, { asOf, minVersion }: ReadOptions) {
    return atLeast(this.models, `the incident ${id}`, minVersion, () => this.incidents.find(id, asOf), {
      model: 'incidents',
      key: id,
    });
  }

  private change<N extends OfIncident>(
    request: FastifyRequest,
    name: N,
    data: CommandData<N> & { incident: string },
  ) {
    return this.writer.write(request, name, data, {
      current: async () => (await this.incidents.find(data.incident))?.version ?? 0,
    });
  }
}

function kindsOf(text: string | undefined): string[] | undefined {
  if (text === undefined) return undefined;
  const kinds = text.split(',');
  const unknown = kinds.filter((kind) => !(timelineKinds as readonly string[]).includes(kind));
  if (unknown.length === 0) return kinds;
  throw CommandRefused.malformed('there are no such kinds of timeline entries', [
    { path: 'query.kind', message: `must be of ${timelineKinds.join(', ')}, separated by commas` },
  ]);
}
