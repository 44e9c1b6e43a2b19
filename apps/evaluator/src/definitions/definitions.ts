import { isDeepStrictEqual } from 'node:util';
import {
  type ChangeFreeze,
  CONTROL_JOURNAL,
  CommandRefused,
  type CommandReply,
  type CommandRequest,
  changeFreeze,
  keyOfStream,
  LogStreams,
  onceOf,
  parseOrRefuse,
  type Service,
  type Sli,
  type SloDefinition,
  service as serviceSchema,
  sli as sliSchema,
  sloDefinition,
  storyOf,
} from '@bellwether/contracts';
import {
  type AppendResult,
  type EventLog,
  StaleVersion,
  StreamExists,
  VersionConflict,
} from '@bellwether/event-log';
import { freezeFaults, planSlo, retireAlerts, retirePolicy } from '@bellwether/slo';
import { SOURCE } from '../evaluation/transitions.js';
import type { Registry } from '../registry/registry.js';

/** How often a command is decided anew when its resource changed meanwhile. */
const ATTEMPTS = 8;

/** A resource as it stands, as far as a command about it is concerned. */
interface Current {
  /** Counts definitions: the ETag. 0 when there is none. */
  version: number;
  streamVersion: number;
  /** Its definition; undefined when it was never defined or is retired. */
  data: unknown;
}

interface Definition {
  stream: string;
  type: string;
  data: unknown;
  current: () => Current;
  warnings: () => string[];
}

/** Commands that define services, SLIs and SLOs: checked as a whole, appended once. */
export class Definitions {
  readonly #log: EventLog;
  readonly #registry: Registry;

  constructor(log: EventLog, registry: Registry) {
    this.#log = log;
    this.#registry = registry;
  }

  async defineService(request: CommandRequest): Promise<CommandReply<Service>> {
    const data = parseOrRefuse(serviceSchema, request.data, 'the service');
    return await this.#define(request, {
      stream: LogStreams.service(data.name),
      type: 'service.defined',
      data,
      current: () => currentOf(this.#registry.services.get(data.name)),
      warnings: () => [
        ...data.dependsOn
          .filter((name) => !this.#registry.services.has(name))
          .map((name) => `dependsOn: service ${name} is not defined yet`),
        ...this.#policyWarnings(data.escalationPolicy),
      ],
    });
  }

  async defineSli(request: CommandRequest): Promise<CommandReply<Sli>> {
    const data = parseOrRefuse(sliSchema, request.data, 'the SLI');
    return await this.#define(request, {
      stream: LogStreams.sli(data.service, data.name),
      type: 'sli.defined',
      data,
      current: () => currentOf(this.#registry.slis.get(`${data.service}/${data.name}`)),
      warnings: () => [...this.#serviceWarnings(data.service), ...this.#unitWarnings(data)],
    });
  }

  async defineSlo(request: CommandRequest): Promise<CommandReply<SloDefinition>> {
    const data = parseOrRefuse(sloDefinition, request.data, 'the SLO');
    const sliKey = `${data.service}/${data.sli}`;
    const planned = planSlo(data, this.#registry.slis.get(sliKey)?.data.unit);
    if (!planned.ok) {
      const [first] = planned.faults;
      throw CommandRefused.refused(
        `SLO ${data.name} is refused: ${first?.path} ${first?.message}`,
        planned.faults,
      );
    }
    return await this.#define(request, {
      stream: LogStreams.slo(data.name),
      type: 'slo.defined',
      data,
      current: () => {
        const entry = this.#registry.slos.get(data.name);
        return {
          version: entry?.version ?? 0,
          streamVersion: entry?.streamVersion ?? 0,
          data: entry === undefined || entry.retired ? undefined : entry.definition,
        };
      },
      warnings: () => [
        ...this.#serviceWarnings(data.service),
        ...(this.#registry.slis.has(sliKey) ? [] : [`sli: ${sliKey} is not defined yet`]),
        ...this.#policyWarnings(data.escalationPolicy),
        ...planned.warnings,
      ],
    });
  }

  async defineFreeze(request: CommandRequest): Promise<CommandReply<ChangeFreeze>> {
    const data = parseOrRefuse(changeFreeze, request.data, 'the change freeze');
    const faults = freezeFaults(data);
    const [first] = faults;
    if (first) {
      throw CommandRefused.refused(`freeze ${data.name} is refused: ${first.path} ${first.message}`, faults);
    }
    const services = data.services === '*' ? [] : data.services;
    return await this.#define(request, {
      stream: LogStreams.freeze(data.name),
      type: 'freeze.defined',
      data,
      current: () => currentOf(this.#registry.freezes.get(data.name)),
      warnings: () => services.flatMap((name, i) => this.#serviceWarnings(name, `services.${i}`)),
    });
  }

  /** Ends an SLO; alerts of it that fire are resolved with it. */
  async retireSlo(request: CommandRequest<{ slo: string }>): Promise<CommandReply<SloDefinition>> {
    const { slo } = request.data;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      await this.#registry.catchUp();
      const entry = this.#registry.slos.get(slo);
      if (entry === undefined) throw CommandRefused.notFound(`SLO ${slo}`);
      const known = entry.retired || isStale(request, entry.version) ? 'no-stream' : entry.streamVersion;
      const { service } = entry.definition;
      const at = new Date(request.at);
      const meta = { ...storyOf(request), source: SOURCE };
      try {
        const result = await this.#log.append({
          journal: CONTROL_JOURNAL,
          stream: LogStreams.slo(slo),
          expectedVersion: known,
          ...onceOf(request),
          events: [
            { type: 'slo.retired', data: { slo, service }, occurredAt: at, meta },
            ...[...retireAlerts(entry.ledger, at.getTime()), ...retirePolicy(entry.policy, at.getTime())].map(
              ({ type, data }) => ({
                type,
                data,
                occurredAt: at,
                meta,
              }),
            ),
          ],
        });
        await this.#registry.catchUp();
        return {
          ok: true,
          status: 200,
          data: entry.definition,
          version: (this.#registry.slos.get(slo) ?? entry).version,
          position: result.lastPosition,
          warnings: [],
        };
      } catch (error) {
        if (error instanceof StreamExists) {
          if (entry.retired) throw CommandRefused.notFound(`SLO ${slo}`);
          throw CommandRefused.staleVersion(request.expect as number, entry.version);
        }
        if (!(error instanceof StaleVersion)) throw error;
      }
    }
    throw CommandRefused.conflict(`SLO ${slo} is being changed; try again`);
  }

  async #define<T>(request: CommandRequest, definition: Definition): Promise<CommandReply<T>> {
    const { stream, type, data } = definition;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      await this.#registry.catchUp();
      const current = definition.current();
      const stale = isStale(request, current.version);
      const same = isDeepStrictEqual(data, current.data);
      try {
        const result = await this.#log.append({
          journal: CONTROL_JOURNAL,
          stream,
          // What is not to be appended is asked for all the same: a repeat gets its first answer, whatever came since.
          expectedVersion: stale || same ? NEVER : current.streamVersion,
          ...onceOf(request),
          events: [
            { type, data, occurredAt: new Date(request.at), meta: { ...storyOf(request), source: SOURCE } },
          ],
        });
        if (result.duplicate) return await this.#firstAnswer<T>(definition, result);
        await this.#registry.catchUp();
        return {
          ok: true,
          status: current.data === undefined ? 201 : 200,
          data: data as T,
          version: current.version + 1,
          position: result.lastPosition,
          warnings: definition.warnings(),
        };
      } catch (error) {
        if (!(error instanceof VersionConflict)) throw error;
        if (stale) throw CommandRefused.staleVersion(request.expect as number, current.version);
        if (same) {
          const { position } = this.#registry;
          return {
            ok: true,
            status: 200,
            data: data as T,
            version: current.version,
            position,
            warnings: definition.warnings(),
          };
        }
      }
    }
    throw CommandRefused.conflict(`${keyOfStream(stream)} is being changed; try again`);
  }

  /** The answer that a repeated request got the first time. */
  async #firstAnswer<T>(definition: Definition, result: AppendResult): Promise<CommandReply<T>> {
    const definitions = (await this.#log.readStream(definition.stream)).filter(
      ({ type, version }) =>
        version <= result.version && (type === definition.type || type.endsWith('.retired')),
    );
    const before = definitions.at(-2);
    return {
      ok: true,
      status: before === undefined || before.type.endsWith('.retired') ? 201 : 200,
      data: definition.data as T,
      version: definitions.length,
      position: result.lastPosition,
      warnings: definition.warnings(),
    };
  }

  #serviceWarnings(name: string, field = 'service'): string[] {
    return this.#registry.services.has(name) ? [] : [`${field}: ${name} is not defined yet`];
  }

  #policyWarnings(name: string | undefined): string[] {
    return name === undefined || this.#registry.policies.has(name)
      ? []
      : [`escalationPolicy: ${name} is not defined yet`];
  }

  /** SLOs that the SLI's unit does not fit. */
  #unitWarnings(sli: Sli): string[] {
    const warnings: string[] = [];
    for (const [name, { definition, retired }] of this.#registry.slos) {
      if (retired || definition.service !== sli.service || definition.sli !== sli.name) continue;
      const planned = planSlo(definition, sli.unit);
      if (!planned.ok) warnings.push(`unit: SLO ${name} does not fit it: ${planned.faults[0]?.message}`);
    }
    return warnings;
  }
}

/** A version that no stream has. */
const NEVER = Number.MAX_SAFE_INTEGER;

const isStale = (request: CommandRequest, version: number): boolean =>
  request.expect !== undefined && request.expect !== version;

function currentOf(defined: { data: unknown; version: number; streamVersion: number } | undefined): Current {
  return defined ?? { version: 0, streamVersion: 0, data: undefined };
}
