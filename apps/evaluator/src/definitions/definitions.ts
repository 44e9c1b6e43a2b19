import {
  type ChangeFreeze,
  CommandRefused,
  type CommandReply,
  type CommandRequest,
  changeFreeze,
  type Fault,
  LogStreams,
  parseOrRefuse,
  type Service,
  type Sli,
  type SloDefinition,
  service as serviceSchema,
  sli as sliSchema,
  sloDefinition,
} from '@bellwether/contracts';
import type { EventLog } from '@bellwether/event-log';
import {
  componentFaults,
  componentWarnings,
  freezeFaults,
  planSlo,
  retireAlerts,
  retirePolicy,
  signalFaults,
  sliDefinitionWarnings,
} from '@bellwether/slo';
import type { Registry } from '../registry/registry.js';
import { compositesOf, definitionOf } from './composite-references.js';
import { currentOf, currentOrRetired, DefinitionLog } from './definition-log.js';
import { policyWarnings, serviceWarnings, sliWarnings } from './references.js';

/** Commands that define services, SLIs and SLOs: checked as a whole, appended once. */
export class Definitions {
  readonly #registry: Registry;
  readonly #definitions: DefinitionLog;

  constructor(log: EventLog, registry: Registry) {
    this.#registry = registry;
    this.#definitions = new DefinitionLog(log, registry);
  }

  async defineService(request: CommandRequest): Promise<CommandReply<Service>> {
    const data = parseOrRefuse(serviceSchema, request.data, 'the service');
    const faults = signalFaults(data.name, data.goldenSignals, this.#slisOf(data.name));
    const [first] = faults;
    if (first) {
      throw CommandRefused.refused(`service ${data.name} is refused: ${first.path} ${first.message}`, faults);
    }
    return await this.#definitions.define(request, {
      stream: LogStreams.service(data.name),
      type: 'service.defined',
      data,
      current: () => currentOf(this.#registry.services.get(data.name)),
      warnings: () => [
        ...data.dependsOn
          .filter((name) => !this.#registry.services.has(name))
          .map((name) => `dependsOn: service ${name} is not defined yet`),
        ...this.#signalWarnings(data),
        ...policyWarnings(this.#registry, data.escalationPolicy),
      ],
    });
  }

  async defineSli(request: CommandRequest): Promise<CommandReply<Sli>> {
    const data = parseOrRefuse(sliSchema, request.data, 'the SLI');
    return await this.#definitions.define(request, {
      stream: LogStreams.sli(data.service, data.name),
      type: 'sli.defined',
      data,
      current: () => currentOf(this.#registry.slis.get(`${data.service}/${data.name}`)),
      warnings: (replaced) => [
        ...serviceWarnings(this.#registry, data.service),
        ...sliDefinitionWarnings(
          data,
          { slos: inForce(this.#registry.slos), rules: inForce(this.#registry.rules) },
          replaced as Sli | undefined,
        ),
      ],
    });
  }

  async defineSlo(request: CommandRequest): Promise<CommandReply<SloDefinition>> {
    const data = parseOrRefuse(sloDefinition, request.data, 'the SLO');
    const sliKey = `${data.service}/${data.sli}`;
    const planned = planSlo(data, this.#registry.slis.get(sliKey)?.data.unit);
    if (!planned.ok) throw refusedSlo(data.name, planned.faults);
    const isComposite = data.indicator.kind === 'composite';
    if (isComposite) {
      await this.#registry.catchUp();
      const faults = componentFaults(data, definitionOf(this.#registry));
      if (faults.length > 0) throw refusedSlo(data.name, faults);
    }
    return await this.#definitions.define(request, {
      stream: LogStreams.slo(data.name),
      type: 'slo.defined',
      data,
      current: () => currentOrRetired(this.#registry.slos.get(data.name)),
      warnings: () => [
        ...serviceWarnings(this.#registry, data.service),
        ...(isComposite
          ? componentWarnings(data, definitionOf(this.#registry))
          : sliWarnings(this.#registry, sliKey)),
        ...policyWarnings(this.#registry, data.escalationPolicy),
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
    return await this.#definitions.define(request, {
      stream: LogStreams.freeze(data.name),
      type: 'freeze.defined',
      data,
      current: () => currentOf(this.#registry.freezes.get(data.name)),
      warnings: () => services.flatMap((name, i) => serviceWarnings(this.#registry, name, `services.${i}`)),
    });
  }

  /** Ends an SLO; alerts of it that fire are resolved with it. */
  async retireSlo(request: CommandRequest<{ slo: string }>): Promise<CommandReply<SloDefinition>> {
    const { slo } = request.data;
    return await this.#definitions.retire(request, {
      what: `SLO ${slo}`,
      stream: LogStreams.slo(slo),
      entry: () => this.#registry.slos.get(slo),
      events: ({ definition, ledger, policy }, at) => [
        { type: 'slo.retired', data: { slo, ...definition } },
        ...retireAlerts(ledger, at),
        ...retirePolicy(policy, at),
      ],
      warnings: () =>
        compositesOf(this.#registry, slo).map((name) => `SLO ${name} is made of it, and goes on without it`),
    });
  }

  #slisOf(service: string): Sli[] {
    return [...this.#registry.slis.values()].map(({ data }) => data).filter((sli) => sli.service === service);
  }

  /** SLIs that golden signals are to be measured by, and that are not there. */
  #signalWarnings({ name, goldenSignals }: Service): string[] {
    return Object.entries(goldenSignals ?? {}).flatMap(([signal, given]) => {
      const sli = given?.sli;
      if (sli === undefined || this.#registry.slis.has(`${name}/${sli}`)) return [];
      return [`goldenSignals.${signal}.sli: ${name}/${sli} is not defined yet`];
    });
  }
}

function refusedSlo(name: string, faults: Fault[]): CommandRefused {
  const [first] = faults;
  return CommandRefused.refused(`SLO ${name} is refused: ${first?.path} ${first?.message}`, faults);
}

/** The definitions that are not retired. */
const inForce = <D>(entries: ReadonlyMap<string, { definition: D; retired: boolean }>): D[] =>
  [...entries.values()].flatMap(({ definition, retired }) => (retired ? [] : [definition]));
