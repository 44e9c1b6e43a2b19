import { isDeepStrictEqual } from 'node:util';
import {
  CONTROL_JOURNAL,
  CommandRefused,
  type CommandReply,
  type CommandRequest,
  keyOfStream,
  onceOf,
  storyOf,
} from '@bellwether/contracts';
import {
  type AppendResult,
  type EventLog,
  StaleVersion,
  StreamExists,
  VersionConflict,
} from '@bellwether/event-log';
import { SOURCE } from '../evaluation/transitions.js';
import { ATTEMPTS, NEVER } from '../optimistic.js';
import type { Registry } from '../registry/registry.js';

/** A resource as it stands, as far as a command about it is concerned. */
export interface Current {
  /** Counts definitions: the ETag. 0 when there is none. */
  version: number;
  streamVersion: number;
  /** Its definition; undefined when it was never defined or is retired. */
  data: unknown;
}

/** What is to be defined. */
export interface Definition {
  stream: string;
  type: string;
  data: unknown;
  current: () => Current;
  /** @param replaced the definition until now; undefined when there is none */
  warnings: (replaced: unknown) => string[];
}

/** A resource as its stream has it, which may be retired. */
interface Entry {
  definition: unknown;
  version: number;
  streamVersion: number;
  retired: boolean;
}

/** What is to be ended. */
export interface Retirement<E extends Entry> {
  /** In words: `rule queue-deep`. */
  what: string;
  stream: string;
  entry: () => E | undefined;
  /** What is appended, given what is retired and when (epoch milliseconds). */
  events: (entry: E, at: number) => { type: string; data: unknown }[];
  warnings?: () => string[];
}

/** Appends definitions of resources, each once, and none that changes nothing. */
export class DefinitionLog {
  readonly #log: EventLog;
  readonly #registry: Registry;

  constructor(log: EventLog, registry: Registry) {
    this.#log = log;
    this.#registry = registry;
  }

  /** @throws CommandRefused 412 for a version that is not the current one, 409 while it is being changed */
  async define<T>(request: CommandRequest, definition: Definition): Promise<CommandReply<T>> {
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
          warnings: definition.warnings(current.data),
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
            warnings: definition.warnings(current.data),
          };
        }
      }
    }
    throw CommandRefused.conflict(`${keyOfStream(stream)} is being changed; try again`);
  }

  /** @throws CommandRefused 404 when there is none (any more), 412, 409 while it is being changed */
  async retire<E extends Entry, T>(
    request: CommandRequest,
    { what, stream, entry: find, events, warnings }: Retirement<E>,
  ): Promise<CommandReply<T>> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      await this.#registry.catchUp();
      const entry = find();
      if (entry === undefined) throw CommandRefused.notFound(what);
      const occurredAt = new Date(request.at);
      const meta = { ...storyOf(request), source: SOURCE };
      try {
        const result = await this.#log.append({
          journal: CONTROL_JOURNAL,
          stream,
          // What is not to be appended is asked for all the same: a repeat gets its first answer.
          expectedVersion:
            entry.retired || isStale(request, entry.version) ? 'no-stream' : entry.streamVersion,
          ...onceOf(request),
          events: events(entry, occurredAt.getTime()).map((event) => ({ ...event, occurredAt, meta })),
        });
        await this.#registry.catchUp();
        return {
          ok: true,
          status: 200,
          data: entry.definition as T,
          version: (find() ?? entry).version,
          position: result.lastPosition,
          warnings: warnings?.() ?? [],
        };
      } catch (error) {
        if (error instanceof StreamExists) {
          if (entry.retired) throw CommandRefused.notFound(what);
          throw CommandRefused.staleVersion(request.expect as number, entry.version);
        }
        if (!(error instanceof StaleVersion)) throw error;
      }
    }
    throw CommandRefused.conflict(`${what} is being changed; try again`);
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
      warnings: definition.warnings(before?.type === definition.type ? before.data : undefined),
    };
  }
}

const isStale = (request: CommandRequest, version: number): boolean =>
  request.expect !== undefined && request.expect !== version;

/** A resource that goes on being what it was defined as. */
export function currentOf(
  defined: { data: unknown; version: number; streamVersion: number } | undefined,
): Current {
  return defined ?? { version: 0, streamVersion: 0, data: undefined };
}

/** One that may be retired: it goes on counting versions, but has no definition then. */
export function currentOrRetired(entry: Entry | undefined): Current {
  if (entry === undefined) return currentOf(undefined);
  const { version, streamVersion, retired, definition } = entry;
  return { version, streamVersion, data: retired ? undefined : definition };
}
