import { createHash } from 'node:crypto';
import { type Bus, CommandServer } from '@bellwether/bus';
import {
  CONTROL_JOURNAL,
  type CommandData,
  type CommandName,
  CommandRefused,
  type CommandReply,
  type CommandRequest,
  commandCatalog,
  durationMillis,
  LogStreams,
  onceOf,
  overrideShown,
  parseOrRefuse,
  type Rule,
  type ScheduleOverridden,
  type SloForecast,
  type SloMeasured,
  type SloMeasuredPeriods,
  storyOf,
} from '@bellwether/contracts';
import type { EventLog, NewEvent, RecordedEvent } from '@bellwether/event-log';
import {
  type CommandOf,
  decide,
  fold,
  type IncidentCommand,
  incidentEvent,
  incidentView,
} from '@bellwether/incident';
import { evolvePage, type PageEvent, pageView } from '@bellwether/oncall';
import {
  goldenSignalsOf,
  IndicatorBuckets,
  needsOf,
  planRule,
  planSignals,
  quietRule,
  readRule,
  ruleStatusOf,
} from '@bellwether/slo';
import { correctionCommands } from './stand-in-corrections.fixture.js';

type Reply = Extract<CommandReply, { ok: true }>;

/**
 * Answers the commands of evaluator, incident and paging with the events that they would append, for tests of the api
 * without its neighbours. Decisions are the domain's own where there is one.
 */
export class StandInServices {
  readonly #servers: CommandServer[] = [];
  /** Commands that came, by name. */
  readonly seen: { name: string; request: CommandRequest }[] = [];
  /** Budget left, by SLO and moment: `<slo> <time>`. */
  readonly remaining = new Map<string, number | null>();
  /** Good and total over a period, by SLO and the moment that it begins: `<slo> <time>`. */
  readonly counted = new Map<string, { good: number; total: number }>();

  constructor(
    private readonly bus: Bus,
    private readonly log: EventLog,
    private readonly now: () => Date,
  ) {}

  async start(): Promise<void> {
    const handlers = this.handlers();
    for (const service of ['evaluator', 'incident', 'paging']) {
      const server = new CommandServer({ bus: this.bus, service });
      for (const [name, handle] of Object.entries(handlers)) {
        if (!name.startsWith(`${service}.`)) continue;
        server.serve(name.slice(service.length + 1), (request) => {
          this.seen.push({ name, request });
          return handle(request);
        });
      }
      await server.ready();
      this.#servers.push(server);
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.stop()));
  }

  private handlers(): Record<string, (request: CommandRequest) => Promise<unknown>> {
    const incidents = (Object.keys(commandCatalog) as CommandName[])
      .filter(
        (name) => name.startsWith('incident.') && name !== 'incident.declare' && name !== 'incident.merge',
      )
      .map((name) => [name, (request: CommandRequest) => this.changeIncident(name, request)] as const);
    return {
      'evaluator.service-define': (request) => {
        const data = parsed('evaluator.service-define', request);
        return this.define(request, LogStreams.service(data.name), 'service.defined', data);
      },
      'evaluator.sli-define': (request) => {
        const data = parsed('evaluator.sli-define', request);
        return this.define(request, LogStreams.sli(data.service, data.name), 'sli.defined', data);
      },
      'evaluator.slo-define': (request) => {
        const data = parsed('evaluator.slo-define', request);
        return this.define(request, LogStreams.slo(data.name), 'slo.defined', data);
      },
      'evaluator.slo-retire': (request) => this.retire(request),
      'evaluator.rule-define': (request) => {
        const data = parsed('evaluator.rule-define', request);
        return this.define(request, LogStreams.rule(data.name), 'rule.defined', data);
      },
      'evaluator.rule-retire': async (request) => {
        const { rule } = parsed('evaluator.rule-retire', request);
        const before = await this.log.readStream(LogStreams.rule(rule));
        const last = before.at(-1);
        if (!last || last.type === 'rule.retired') throw CommandRefused.notFound(`rule ${rule}`);
        const { service } = last.data as { service: string };
        const reply = await this.append(
          request,
          LogStreams.rule(rule),
          'rule.retired',
          { rule, service },
          200,
        );
        return { ...reply, data: last.data, version: before.length + 1 };
      },
      'evaluator.rule-status': async (request) => {
        const { rule } = parsed('evaluator.rule-status', request);
        const [defined] = await this.log.readStream(LogStreams.rule(rule), { limit: 1 });
        if (!defined) throw CommandRefused.notFound(`rule ${rule}`);
        const planned = planRule(defined.data as Rule);
        if (!planned.ok) throw CommandRefused.refused(`rule ${rule}`, planned.faults);
        const { plan } = planned;
        const buckets = new IndicatorBuckets({ needs: needsOf([], [plan]) });
        const reading = readRule(plan, buckets, this.now().getTime());
        return { ...ruleStatusOf(reading, quietRule, null), backfill: null };
      },
      'evaluator.golden-signals': async (request) => {
        const { service } = parsed('evaluator.golden-signals', request);
        const [defined] = await this.log.readStream(LogStreams.service(service), { limit: 1 });
        if (!defined) throw CommandRefused.notFound(`service ${service}`);
        const signals = planSignals(service, undefined, []).map((plan) => ({
          plan,
          reading: { unknown: 'no SLI' },
        }));
        return goldenSignalsOf(service, this.now().getTime(), signals);
      },
      'evaluator.freeze-define': (request) => {
        const data = parsed('evaluator.freeze-define', request);
        return this.define(request, LogStreams.freeze(data.name), 'freeze.defined', data);
      },
      'evaluator.freeze-retire': async (request) => {
        const data = parsed('evaluator.freeze-retire', request);
        if ((await this.log.streamVersion(LogStreams.freeze(data.freeze))) === 0)
          throw CommandRefused.notFound(`the freeze ${data.freeze}`);
        return this.append(request, LogStreams.freeze(data.freeze), 'freeze.retired', data, 200);
      },
      'evaluator.gate-override': (request) => {
        const data = parsed('evaluator.gate-override', request);
        const id = createHash('sha256').update(request.id).digest('hex').slice(0, 12);
        const override = { ...data, id, from: this.now().toISOString(), by: request.actor };
        return this.append(request, LogStreams.gate(data.service), 'gate.overridden', override, 201);
      },
      'evaluator.gate-override-withdraw': (request) => {
        const data = { ...parsed('evaluator.gate-override-withdraw', request), by: request.actor };
        return this.append(request, LogStreams.gate(data.service), 'gate.override-withdrawn', data, 200);
      },
      'evaluator.gate-record': async (request) => {
        const { decision, ...data } = parsed('evaluator.gate-record', request);
        const decided = { ...data, by: request.actor, decision };
        const reply = await this.append(request, LogStreams.gate(data.service), 'gate.decided', decided, 201);
        return { ...reply, data: decision };
      },
      ...correctionCommands(this.log, (...event) => this.append(...event)),
      'evaluator.slo-status': (request) => this.status(request),
      'evaluator.slo-history': (request) => this.history(request),
      'evaluator.slo-forecast': (request) => this.forecast(request),
      'evaluator.slo-periods': (request) => this.periods(request),
      'incident.declare': (request) => this.declare(request),
      ...Object.fromEntries(incidents),
      'paging.user-define': (request) => {
        const data = parsed('paging.user-define', request);
        const contactMethods = data.contactMethods.map((method) =>
          method.secret ? { ...method, secret: 'sealed:v1:c2VjcmV0' } : method,
        );
        return this.define(request, LogStreams.user(data.name), 'user.defined', { ...data, contactMethods });
      },
      'paging.schedule-define': (request) => {
        const data = parsed('paging.schedule-define', request);
        return this.define(request, LogStreams.schedule(data.name), 'schedule.defined', data);
      },
      'paging.policy-define': (request) => {
        const data = parsed('paging.policy-define', request);
        return this.define(request, LogStreams.policy(data.name), 'policy.defined', data);
      },
      'paging.override': async (request) => {
        const data = parsed('paging.override', request);
        const id = createHash('sha256').update(request.id).digest('hex').slice(0, 12);
        const override = { ...data, id, by: request.actor };
        return this.append(request, LogStreams.schedule(data.schedule), 'schedule.overridden', override, 201);
      },
      'paging.override-withdraw': async (request) => {
        const data = parsed('paging.override-withdraw', request);
        const stream = LogStreams.schedule(data.schedule);
        const made = (await this.log.readStream(stream)).find(
          (event) =>
            event.type === 'schedule.overridden' && (event.data as ScheduleOverridden).id === data.id,
        );
        if (!made) throw CommandRefused.notFound(`override ${data.id}`);
        const event = { ...data, by: request.actor };
        const reply = await this.append(request, stream, 'schedule.override-withdrawn', event, 200);
        const withdrawn = { withdrawnBy: request.actor, withdrawnAt: this.now().toISOString() };
        return { ...reply, data: { ...overrideShown(made.data as ScheduleOverridden), ...withdrawn } };
      },
      'paging.page-acknowledge': (request) => this.acknowledge(request),
      'paging.token-create': async (request) => {
        const data = parsed('paging.token-create', request);
        const id = createHash('sha256').update(request.id).digest('hex').slice(0, 12);
        const token = `bw_${createHash('sha256').update(`secret ${request.id}`).digest('base64url')}`;
        const hash = createHash('sha256').update(token).digest('hex');
        const event = { ...data, id, hash, expiresAt: data.expiresAt ?? null };
        const reply = await this.append(request, LogStreams.token(id), 'token.created', event, 201);
        return {
          ...reply,
          data: { id, name: data.name, role: data.role, token, expiresAt: event.expiresAt },
        };
      },
      'paging.token-revoke': async (request) => {
        const { id } = parsed('paging.token-revoke', request);
        if ((await this.log.streamVersion(LogStreams.token(id))) === 0)
          throw CommandRefused.notFound(`the token ${id}`);
        return this.append(request, LogStreams.token(id), 'token.revoked', { id }, 200);
      },
    };
  }

  private async define(request: CommandRequest, stream: string, type: string, data: object): Promise<Reply> {
    const before = (await this.log.readStream(stream)).filter(
      (event) => event.type === type || event.type === 'slo.retired',
    );
    expectOrRefuse(request, before.length);
    const reply = await this.append(request, stream, type, data, before.length === 0 ? 201 : 200);
    return { ...reply, version: before.length + 1, warnings: [] };
  }

  private async retire(request: CommandRequest): Promise<Reply> {
    const { slo } = parsed('evaluator.slo-retire', request);
    const before = await this.log.readStream(LogStreams.slo(slo));
    const last = before.at(-1);
    if (!last || last.type === 'slo.retired') throw CommandRefused.notFound(`the SLO ${slo}`);
    const data = { slo, ...(last.data as object) };
    const reply = await this.append(request, LogStreams.slo(slo), 'slo.retired', data, 200);
    return { ...reply, data: last.data, version: before.length + 1 };
  }

  private async status(request: CommandRequest): Promise<unknown> {
    const { slo, group } = parsed('evaluator.slo-status', request);
    const [defined] = await this.log.readStream(LogStreams.slo(slo), { limit: 1 });
    if (!defined) throw CommandRefused.notFound(`the SLO ${slo}`);
    return {
      slo,
      service: (defined.data as { service: string }).service,
      asOf: this.now().toISOString(),
      state: 'no-data',
      frozen: null,
      objective: 0.999,
      sli: null,
      good: 0,
      total: 0,
      compliant: null,
      budget: { total: 0.001, consumed: null, remaining: null, exhausted: false, exhaustsAt: null },
      burn: [],
      alerts: [],
      watermark: null,
      history: 0,
      coverage: null,
      corrections: 0,
      ...(group && { group: { label: 'region', value: group } }),
    };
  }

  private async history(request: CommandRequest): Promise<unknown> {
    const { slo, to } = parsed('evaluator.slo-history', request);
    const budgetRemaining = this.remaining.get(`${slo} ${to}`);
    if (budgetRemaining === undefined) throw CommandRefused.notFound(`SLO ${slo}`);
    return { points: [{ at: to, good: 0, total: 0, sli: null, budgetRemaining, burn: null }] };
  }

  private async forecast(request: CommandRequest): Promise<SloForecast> {
    const { slo, horizon = '30d' } = parsed('evaluator.slo-forecast', request);
    const none = { exhaustsAt: null, recoversAt: null, reason: 'nothing was measured' };
    return {
      slo,
      service: 'checkout',
      asOf: this.now().toISOString(),
      to: new Date(this.now().getTime() + durationMillis(horizon)).toISOString(),
      remaining: null,
      best: { recoversAt: null },
      pace: { window: '1h', burn: null, ...none },
      seasonal: {
        pattern: null,
        cycles: 0,
        trend: { bad: null, traffic: null },
        ...none,
        exhaustsAt: { early: null, likely: null, late: null },
      },
      points: [],
    };
  }

  private async periods(request: CommandRequest): Promise<SloMeasuredPeriods> {
    const { slo, period, before } = parsed('evaluator.slo-periods', request);
    if (slo === 'unmeasurable') throw CommandRefused.refused('it cannot be evaluated', []);
    const measured = (span: { from: string; to: string }): SloMeasured => {
      const { good, total } = this.counted.get(`${slo} ${span.from}`) ?? { good: 0, total: 0 };
      const sli = total === 0 ? null : good / total;
      const spent = sli === null ? null : (1 - sli) / 0.001;
      return {
        ...span,
        good,
        total,
        sli,
        met: sli === null ? null : sli >= 0.999,
        coverage: total === 0 ? null : 1,
        budget: { atStart: 1, atEnd: spent === null ? null : 1 - spent, lowest: null, spent },
      };
    };
    const since = '2026-01-01T00:00:00.000Z';
    return { slo, since, period: measured(period), before: measured(before), days: [], building: false };
  }

  private async declare(request: CommandRequest): Promise<Reply> {
    const data = parsed('incident.declare', request);
    let number = 1;
    while ((await this.log.streamVersion(LogStreams.incident(`INC-${number}`))) > 0) number += 1;
    const incident = `INC-${number}`;
    const command = { type: 'incident.declare', incident, data, ...this.asked(request) } as const;
    const [change] = decide(command, null);
    return this.incidentReply(request, incident, change ? [change] : [], 201);
  }

  private async changeIncident(name: CommandName, request: CommandRequest): Promise<Reply> {
    const { incident, ...data } = parsed(name, request) as { incident: string };
    const state = fold((await this.log.readStream(LogStreams.incident(incident))).map(incidentEvent));
    if (state === null) throw CommandRefused.notFound(`the incident ${incident}`);
    expectOrRefuse(request, state.version);
    const command = { type: name, data, ...this.asked(request) } as unknown as CommandOf<
      IncidentCommand['type']
    >;
    return this.incidentReply(request, incident, decide(command, state), 200);
  }

  private async incidentReply(
    request: CommandRequest,
    incident: string,
    changes: readonly { type: string; data: unknown }[],
    status: 200 | 201,
  ): Promise<Reply> {
    const stream = LogStreams.incident(incident);
    const position = changes.length === 0 ? 0 : await this.appendAll(request, stream, changes);
    const state = fold((await this.log.readStream(stream)).map(incidentEvent));
    if (state === null) throw new Error(`${incident} is not there`);
    return { ok: true, status, data: incidentView(state), version: state.version, position, warnings: [] };
  }

  private async acknowledge(request: CommandRequest): Promise<Reply> {
    const { page, via } = parsed('paging.page-acknowledge', request);
    const stream = LogStreams.page(page);
    const events = await this.log.readStream(stream);
    const incident = (events[0]?.data as { incident?: string } | undefined)?.incident;
    if (incident === undefined) throw CommandRefused.notFound(`the page ${page}`);
    expectOrRefuse(request, events.length);
    const at = this.now().toISOString();
    const data = { page, incident, by: request.actor, via, at };
    const position = await this.appendAll(request, stream, [{ type: 'page.acknowledged', data }]);
    const after = await this.log.readStream(stream);
    const state = after.map(pageEvent).reduce<ReturnType<typeof evolvePage> | null>(evolvePage, null);
    if (state === null) throw new Error(`${page} is not there`);
    return {
      ok: true,
      status: 200,
      data: pageView(state, after.length),
      version: after.length,
      position,
      warnings: [],
    };
  }

  private asked(request: CommandRequest) {
    return { now: this.now().toISOString(), actor: request.actor };
  }

  private async append(
    request: CommandRequest,
    stream: string,
    type: string,
    data: object,
    status: 200 | 201,
  ): Promise<Reply> {
    const position = await this.appendAll(request, stream, [{ type, data }]);
    return { ok: true, status, data, version: 1, position, warnings: [] };
  }

  private async appendAll(
    request: CommandRequest,
    stream: string,
    changes: readonly { type: string; data: unknown }[],
  ): Promise<number> {
    const { lastPosition } = await this.log.append({
      journal: CONTROL_JOURNAL,
      stream,
      expectedVersion: 'any',
      ...onceOf(request),
      events: changes.map(
        ({ type, data }): NewEvent => ({
          type,
          data,
          occurredAt: this.now(),
          meta: { ...storyOf(request), source: '/bellwether/stand-in' },
        }),
      ),
    });
    return lastPosition;
  }
}

function parsed<N extends CommandName>(name: N, request: CommandRequest): CommandData<N> {
  return parseOrRefuse(commandCatalog[name], request.data) as CommandData<N>;
}

function expectOrRefuse({ expect }: CommandRequest, actual: number): void {
  if (expect !== undefined && expect !== actual) throw CommandRefused.staleVersion(expect, actual);
}

/** An event of a page's stream, as the on-call domain reads it. */
export function pageEvent(event: RecordedEvent): PageEvent {
  return { type: event.type, data: event.data, at: event.occurredAt.getTime() } as PageEvent;
}
