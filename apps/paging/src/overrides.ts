import { createHash } from 'node:crypto';
import {
  type Clock,
  CONTROL_JOURNAL,
  CommandRefused,
  type CommandReply,
  type CommandRequest,
  commandCatalog,
  LogStreams,
  override as overrideSchema,
  overrideShown,
  parseOrRefuse,
  type ScheduleOverridden,
  type ScheduleOverrideWithdrawn,
  type WithdrawnOverride,
} from '@bellwether/contracts';
import { type EventLog, type RecordedEvent, VersionConflict } from '@bellwether/event-log';
import {
  conflictingOverride,
  gapMadeBy,
  nobodyOnCall,
  overrideOf,
  type ScheduleState,
  takesNobodyOff,
} from '@bellwether/oncall';
import { byOf, causeOfRequest } from './cause.js';
import { requireRole } from './roles.js';
import { scheduleState } from './roster.js';

/** Changes of a schedule for a span. */
export class Overrides {
  readonly #log: EventLog;
  readonly #clock: Clock;

  constructor(log: EventLog, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** @throws CommandRefused 404 without the schedule, 409 beside an override of the same people and time */
  async override(request: CommandRequest): Promise<CommandReply<ScheduleOverridden>> {
    requireRole(request, 'responder');
    const given = parseOrRefuse(overrideSchema, request.data, 'the override');
    const data: ScheduleOverridden = { ...given, id: idOf(request.id), by: byOf(request.actor) };
    const stream = LogStreams.schedule(given.schedule);
    for (;;) {
      const events = await this.#log.readStream(stream);
      const state = scheduleState(events);
      if (!state) throw CommandRefused.notFound(`schedule ${given.schedule}`);
      const conflict = conflictingOverride(state.overrides, overrideOf(data));
      // The same request again meets its own override: the log answers it as it did the first time.
      if (conflict && conflict.id !== data.id) {
        const [from, to] = [conflict.from, conflict.to].map((at) => new Date(at).toISOString());
        throw CommandRefused.conflict(
          `override ${conflict.id} names one of the same people from ${from} to ${to}; withdraw it first`,
          'override-conflict',
        );
      }
      try {
        const result = await this.#append(request, stream, events, 'schedule.overridden', data);
        return {
          ok: true,
          status: 201,
          data,
          version: definitionsOf(events),
          position: result.lastPosition,
          warnings: await this.#warnings(data, state),
        };
      } catch (error) {
        if (!(error instanceof VersionConflict)) throw error;
      }
    }
  }

  /** Ends an override now. Repeating it is harmless. @throws CommandRefused 404 */
  async withdraw(request: CommandRequest): Promise<CommandReply<WithdrawnOverride>> {
    requireRole(request, 'responder');
    const { schedule, id } = parseOrRefuse(commandCatalog['paging.override-withdraw'], request.data);
    const stream = LogStreams.schedule(schedule);
    for (;;) {
      const events = await this.#log.readStream(stream);
      const named = (type: string) =>
        events.find((event) => event.type === type && (event.data as { id: string }).id === id);
      const made = named('schedule.overridden');
      if (!made) throw CommandRefused.notFound(`override ${id} of schedule ${schedule}`);
      const gone = named('schedule.override-withdrawn');
      if (gone) {
        return {
          ok: true,
          status: 200,
          data: {
            ...overrideShown(made.data as ScheduleOverridden),
            withdrawnBy: (gone.data as ScheduleOverrideWithdrawn).by,
            withdrawnAt: gone.occurredAt.toISOString(),
          },
          version: definitionsOf(events),
          position: gone.position,
          warnings: [],
        };
      }
      try {
        const data = { schedule, id, by: byOf(request.actor) };
        // What is in the log then is answered, also to the one of two who came second.
        await this.#append(request, stream, events, 'schedule.override-withdrawn', data);
      } catch (error) {
        if (!(error instanceof VersionConflict)) throw error;
      }
    }
  }

  /** @throws VersionConflict when something was appended since `events` were read */
  async #append(
    request: CommandRequest,
    stream: string,
    events: readonly RecordedEvent[],
    type: string,
    data: unknown,
  ) {
    const { meta, ...once } = causeOfRequest(request);
    const version = definitionsOf(events);
    const current = request.expect === undefined || request.expect === version;
    try {
      return await this.#log.append({
        journal: CONTROL_JOURNAL,
        stream,
        // An If-Match that fails is still put to the log, which knows whether this very request was carried out.
        expectedVersion: current ? events.at(-1)!.version : 'no-stream',
        events: [{ type, data, meta, occurredAt: this.#clock.now() }],
        ...once,
      });
    } catch (error) {
      if (!current && error instanceof VersionConflict)
        throw CommandRefused.staleVersion(request.expect ?? 0, version);
      throw error;
    }
  }

  async #warnings(made: ScheduleOverridden, state: ScheduleState): Promise<string[]> {
    const { kind, user, replaces, to } = made;
    const warnings: string[] = [];
    for (const name of new Set([user, replaces]))
      if (name !== undefined && (await this.#log.streamVersion(LogStreams.user(name))) === 0)
        warnings.push(`user ${name} is not defined yet`);
    const { removes } = overrideOf(made);
    if (kind === 'replace' && user === replaces)
      warnings.push(`replaces: is ${user} as well: somebody in their own place changes nothing`);
    else if (takesNobodyOff(state, overrideOf(made)))
      warnings.push(
        `${kind === 'replace' ? 'replaces' : 'user'}: ${removes} is not on call on ${made.schedule} then: the override changes nothing`,
      );
    const gap = kind === 'remove' ? gapMadeBy(state, overrideOf(made)) : null;
    if (gap !== null) warnings.push(nobodyOnCall(gap));
    if (Date.parse(to) <= this.#clock.now().getTime())
      warnings.push('to: is in the past: the override changes nobody who is on call now or later');
    return warnings;
  }
}

/** Version of the schedule, which an override does not change: it is no new definition. */
const definitionsOf = (events: readonly RecordedEvent[]): number =>
  events.filter(({ type }) => type === 'schedule.defined').length;

/** The same request has the same override. */
function idOf(commandId: string): string {
  return createHash('sha256').update(commandId).digest('hex').slice(0, 16);
}
