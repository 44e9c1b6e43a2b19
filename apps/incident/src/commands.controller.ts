import {
  type CommandData,
  type CommandName,
  CommandRefused,
  type CommandReply,
  type CommandRequest,
  commandCatalog,
  type Incident,
  incidentStatus,
  LogStreams,
  onceOf,
  parseOrRefuse,
  problemOf,
  storyOf,
} from '@bellwether/contracts';
import { type CommandOf, type IncidentCommand, incidentView, resolveWarning } from '@bellwether/incident';
import { may } from '@bellwether/service';
import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { IncidentIndex } from './incident-index.js';
import { busy, type Cause, type Changed, Incidents, type Question } from './incidents.js';
import { LogPool } from './log-pool.js';
import { References } from './references.js';

type IncidentCommandName = Extract<CommandName, `incident.${string}`>;
/** Commands that change one incident and need to know of no other. */
type PlainCommand = Exclude<IncidentCommandName, 'incident.declare' | 'incident.merge'>;
type Reply = CommandReply<Incident>;

/** What people ask of incidents: parse, load, decide, append. */
@Controller()
export class CommandsController {
  constructor(
    private readonly incidents: Incidents,
    private readonly index: IncidentIndex,
    private readonly db: LogPool,
    private readonly references: References,
  ) {}

  @MessagePattern('cmd.incident.declare')
  async declare(@Payload() request: CommandRequest): Promise<Reply> {
    const data = parseOrRefuse(commandCatalog['incident.declare'], request.data);
    const cause = causeOf(request);
    const warnings = await this.references.ofDeclaration(data);
    const before = await this.incidents.answered(cause);
    if (before) return reply(before, { status: 201, warnings });
    for (let attempt = 1; attempt <= 100; attempt++) {
      const last = await this.incidents.lastNumber(await this.index.lastNumber(this.db.pool));
      const declared = await this.incidents.declareAfter(last, data, cause);
      if (declared) return reply(declared, { status: 201, warnings });
    }
    throw busy('the number of the next incident');
  }

  @MessagePattern('cmd.incident.set-status')
  setStatus(@Payload() request: CommandRequest): Promise<Reply> {
    // "An unknown or impossible change is 409" (incident.md): a word that is no status is an unknown change.
    const status = (request.data as { status?: unknown } | null)?.status;
    if (typeof status === 'string' && !incidentStatus.safeParse(status).success) {
      const message = `must be one of ${incidentStatus.options.join(', ')}`;
      throw new CommandRefused(
        problemOf(409, 'unknown-status', `there is no status "${status.slice(0, 40)}": it ${message}`, [
          { path: 'status', message },
        ]),
      );
    }
    return this.#carryOut('incident.set-status', request);
  }

  @MessagePattern('cmd.incident.set-severity')
  setSeverity(@Payload() request: CommandRequest): Promise<Reply> {
    return this.#carryOut('incident.set-severity', request);
  }

  @MessagePattern('cmd.incident.assign-role')
  assignRole(@Payload() request: CommandRequest): Promise<Reply> {
    return this.#carryOut('incident.assign-role', request, ({ user }) =>
      user === null ? [] : this.references.ofUser(user),
    );
  }

  @MessagePattern('cmd.incident.add-responder')
  addResponder(@Payload() request: CommandRequest): Promise<Reply> {
    return this.#carryOut('incident.add-responder', request, ({ user }) => this.references.ofUser(user));
  }

  @MessagePattern('cmd.incident.add-service')
  addService(@Payload() request: CommandRequest): Promise<Reply> {
    return this.#carryOut('incident.add-service', request, ({ service }) =>
      this.references.ofService(service),
    );
  }

  @MessagePattern('cmd.incident.add-note')
  addNote(@Payload() request: CommandRequest): Promise<Reply> {
    return this.#carryOut('incident.add-note', request);
  }

  @MessagePattern('cmd.incident.correct-note')
  correctNote(@Payload() request: CommandRequest): Promise<Reply> {
    return this.#carryOut('incident.correct-note', request);
  }

  @MessagePattern('cmd.incident.publish-update')
  publishUpdate(@Payload() request: CommandRequest): Promise<Reply> {
    return this.#carryOut('incident.publish-update', request);
  }

  @MessagePattern('cmd.incident.reopen')
  reopen(@Payload() request: CommandRequest): Promise<Reply> {
    return this.#carryOut('incident.reopen', request);
  }

  @MessagePattern('cmd.incident.merge')
  async merge(@Payload() request: CommandRequest): Promise<Reply> {
    const { incident, into } = parseOrRefuse(commandCatalog['incident.merge'], request.data);
    return await this.#change(incident, request, async () => {
      const target = (await this.incidents.load(into))?.state ?? null;
      return {
        ask: { type: 'incident.merge', data: { into }, target },
        // Two incidents merged into each other at once would leave nobody with the alerts.
        require:
          target && into !== incident ? [{ stream: LogStreams.incident(into), version: target.version }] : [],
      };
    });
  }

  async #carryOut<T extends PlainCommand>(
    name: T,
    request: CommandRequest,
    warningsOf: (data: Omit<CommandData<T>, 'incident'>) => string[] | Promise<string[]> = () => [],
  ): Promise<Reply> {
    const { incident, ...data } = parseOrRefuse(commandCatalog[name], request.data) as CommandData<T> & {
      incident: string;
    };
    const ask = { type: name, data } as unknown as Omit<CommandOf<IncidentCommand['type']>, 'now' | 'actor'>;
    const warnings = await warningsOf(data);
    return await this.#change(incident, request, () => ({ ask: ask as Question['ask'] }), warnings);
  }

  async #change(
    incident: string,
    request: CommandRequest,
    question: () => Question | Promise<Question>,
    warnings: string[] = [],
  ): Promise<Reply> {
    const { expect } = request;
    const changed = await this.incidents.change(incident, causeOf(request), (state) => {
      if (expect !== undefined && expect !== state.version) {
        throw CommandRefused.staleVersion(expect, state.version);
      }
      return question();
    });
    const resolved = resolveWarning(changed.state, this.incidents.settings);
    return reply(changed, { warnings: resolved === null ? warnings : [...warnings, resolved] });
  }
}

/** @throws CommandRefused 403 for who may only read or publish */
function causeOf(request: CommandRequest): Cause {
  const { actor, role } = request;
  if (!may({ actor, name: actor, role }, ['responder'])) {
    throw CommandRefused.forbidden('this takes the role responder');
  }
  return { ...onceOf(request), meta: storyOf(request) };
}

function reply(
  { state, position }: Changed,
  { status = 200, warnings = [] }: { status?: 200 | 201; warnings?: string[] } = {},
): Reply {
  return { ok: true, status, data: incidentView(state), version: state.version, position, warnings };
}
