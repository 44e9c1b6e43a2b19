import { createHash } from 'node:crypto';
import {
  type ChangeFreeze,
  CONTROL_JOURNAL,
  type CommandData,
  CommandRefused,
  type CommandReply,
  type CommandRequest,
  type FilterValues,
  type Gate,
  type GateDecided,
  type GateOverridden,
  type GateOverride,
  type GateOverrideWithdrawn,
  LogStreams,
  MOST_GATE_OVERRIDE_DAYS,
  onceOf,
  storyOf,
} from '@bellwether/contracts';
import {
  type AppendRequest,
  type AppendResult,
  type EventLog,
  type RecordedEvent,
  VersionConflict,
} from '@bellwether/event-log';
import { SOURCE } from '../evaluation/transitions.js';
import { ATTEMPTS, NEVER } from '../optimistic.js';
import type { Registry } from '../registry/registry.js';

const DAY = 86_400_000;

/** What people do to the gate, and what it answered: on record, each once. */
export class GateRecord {
  readonly #log: EventLog;
  readonly #registry: Registry;

  constructor(log: EventLog, registry: Registry) {
    this.#log = log;
    this.#registry = registry;
  }

  /** @throws CommandRefused 422 for an end that is past, or too far ahead */
  async override(
    request: CommandRequest<CommandData<'evaluator.gate-override'>>,
  ): Promise<CommandReply<GateOverride>> {
    const { service, reason, until } = request.data;
    const stream = LogStreams.gate(service);
    const id = idOf(request.id);
    const earlier = overridesOf(await this.#log.readStream(stream)).get(id);
    // A repeat is answered as the first time, also when its end has come.
    if (!earlier) {
      const length = Date.parse(until) - Date.parse(request.at);
      if (length <= 0 || length > MOST_GATE_OVERRIDE_DAYS * DAY) {
        throw CommandRefused.refused('the override is not limited in time as it must be', [
          { path: 'until', message: `must be in the future, by ${MOST_GATE_OVERRIDE_DAYS} days at most` },
        ]);
      }
    }
    const data: GateOverridden = { id, service, reason, from: request.at, until, by: request.actor };
    const result = await this.#append(request, stream, 'any', 'gate.overridden', data);
    return {
      ok: true,
      status: 201,
      data: earlier ?? { ...data, withdrawnAt: null, withdrawnBy: null },
      version: result.version,
      position: result.lastPosition,
      warnings: this.#registry.services.has(service) ? [] : [`service: ${service} is not defined yet`],
    };
  }

  /** Ends an override now; repeating it is harmless. @throws CommandRefused 404 */
  async withdraw(
    request: CommandRequest<CommandData<'evaluator.gate-override-withdraw'>>,
  ): Promise<CommandReply<GateOverride>> {
    const { service, id } = request.data;
    const stream = LogStreams.gate(service);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const events = await this.#log.readStream(stream);
      const found = overridesOf(events).get(id);
      if (!found) throw CommandRefused.notFound(`override ${id} of the gate of ${service}`);
      const answer = { ok: true as const, status: 200 as const, warnings: [] };
      const { version = 0, position = 0 } = events.at(-1) ?? {};
      if (found.withdrawnAt !== null) return { ...answer, data: found, version, position };
      const data: GateOverrideWithdrawn = { id, service, by: request.actor };
      try {
        const result = await this.#append(request, stream, version, 'gate.override-withdrawn', data);
        return {
          ...answer,
          data: { ...found, withdrawnAt: request.at, withdrawnBy: request.actor },
          version: result.version,
          position: result.lastPosition,
        };
      } catch (error) {
        if (!(error instanceof VersionConflict)) throw error;
      }
    }
    throw CommandRefused.conflict(`the gate of ${service} is being changed; try again`);
  }

  /** Keeps an answer of the gate, with the change it was asked for. */
  async keep(request: CommandRequest<CommandData<'evaluator.gate-record'>>): Promise<CommandReply<Gate>> {
    const { service, change, decision } = request.data;
    const data = { service, change, by: request.actor, decision };
    const stream = LogStreams.gate(service);
    const result = await this.#append(request, stream, 'any', 'gate.decided', data);
    const { version, lastPosition: position } = result;
    // What was answered for the change is what is on record, also to who asks for it once more.
    const first = result.duplicate ? await this.#log.readAt(CONTROL_JOURNAL, position) : null;
    const kept = first ? (first.data as GateDecided).decision : decision;
    return { ok: true, status: 201, data: kept, version, position, warnings: [] };
  }

  /** @throws CommandRefused 404, 412 for another version than the one named */
  async retireFreeze(
    request: CommandRequest<CommandData<'evaluator.freeze-retire'>>,
  ): Promise<CommandReply<ChangeFreeze>> {
    const { freeze } = request.data;
    const stream = LogStreams.freeze(freeze);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      await this.#registry.catchUp();
      const known = this.#registry.freezes.get(freeze);
      const stale = request.expect !== undefined && request.expect !== known?.version;
      const refused = known?.data === undefined || stale;
      try {
        // What is refused is asked for all the same: a repeat gets its first answer.
        const expected = refused ? NEVER : known.streamVersion;
        const services = known?.data?.services;
        // Its data names the freeze alone; `*` is no name of a service.
        const filters = Array.isArray(services) ? { services } : undefined;
        const result = await this.#append(request, stream, expected, 'freeze.retired', { freeze }, filters);
        await this.#registry.catchUp();
        return {
          ok: true,
          status: 200,
          data: known?.data ?? (await this.#lastFreeze(stream)),
          version: this.#registry.freezes.get(freeze)?.version ?? 0,
          position: result.lastPosition,
          warnings: [],
        };
      } catch (error) {
        if (!(error instanceof VersionConflict)) throw error;
        if (known?.data === undefined) throw CommandRefused.notFound(`the freeze ${freeze}`);
        if (stale) throw CommandRefused.staleVersion(request.expect as number, known.version);
      }
    }
    throw CommandRefused.conflict(`freeze ${freeze} is being changed; try again`);
  }

  async #lastFreeze(stream: string): Promise<ChangeFreeze> {
    const events = await this.#log.readStream(stream);
    return events.findLast(({ type }) => type === 'freeze.defined')?.data as ChangeFreeze;
  }

  async #append(
    request: CommandRequest,
    stream: string,
    expectedVersion: AppendRequest['expectedVersion'],
    type: string,
    data: unknown,
    filters?: FilterValues,
  ): Promise<AppendResult> {
    const meta = { ...storyOf(request), source: SOURCE, ...(filters && { filters }) };
    return await this.#log.append({
      journal: CONTROL_JOURNAL,
      stream,
      expectedVersion,
      ...onceOf(request),
      events: [{ type, data, occurredAt: new Date(request.at), meta }],
    });
  }
}

/** The overrides that a gate's stream holds, by id. */
function overridesOf(events: readonly RecordedEvent[]): Map<string, GateOverride> {
  const found = new Map<string, GateOverride>();
  for (const { type, data, occurredAt } of events) {
    if (type === 'gate.overridden') {
      const override = data as GateOverridden;
      found.set(override.id, { ...override, withdrawnAt: null, withdrawnBy: null });
    } else if (type === 'gate.override-withdrawn') {
      const { id, by } = data as GateOverrideWithdrawn;
      const override = found.get(id);
      if (override) found.set(id, { ...override, withdrawnAt: occurredAt.toISOString(), withdrawnBy: by });
    }
  }
  return found;
}

/** The same request has the same override. */
function idOf(commandId: string): string {
  return createHash('sha256').update(commandId).digest('hex').slice(0, 16);
}
