import { type Clock, JsonText, LogStreams, measurementJournal } from '@bellwether/contracts';
import {
  type AppendRequest,
  type AppendResult,
  CommandConflict,
  type EventLog,
  type EventMeta,
  type NewEvent,
  TogetherRefused,
} from '@bellwether/event-log';
import { uuidv7 } from 'uuidv7';
import { refuseReusedIdentities } from './identity-check.js';
import { isOfTheMoment, LogBusy } from './log-busy.js';
import { commandOf, type MeasurementMessage } from './measurement/message.js';
import { Refusal } from './measurement/refusal.js';
import type { SliRegistry } from './sli-registry.js';

/** Who sent a measurement, and the story it belongs to. */
export interface Origin {
  actor: string;
  /** Its own event's id when absent: then the story begins with it. */
  correlationId?: string | undefined;
  traceparent?: string | undefined;
}

/** What became of a measurement: it is in the log. */
export interface Recorded {
  status: 'accepted' | 'duplicate';
  points: number;
  /** Position in its measurement journal. */
  position: number;
}

interface Place {
  journal: string;
  stream: string;
}

/** A measurement as the log is asked to take it, once under its identity. */
type MeasurementRequest = AppendRequest & Required<Pick<AppendRequest, 'commandId' | 'commandHash'>>;

const source = '/bellwether/ingest';
const mostPlaces = 100_000;

/** Puts measurements into the log, each identity once. */
export class Recorder {
  readonly #places = new Map<string, Place>();

  constructor(
    private readonly log: Pick<EventLog, 'append' | 'appendTogether' | 'commandHashes'>,
    private readonly slis: SliRegistry,
    private readonly clock: Clock,
  ) {}

  /**
   * Records a batch, whole or not at all: in one transaction, whatever journals it goes to. What is plainly to be refused is
   * found before that; whether an identity was taken for other content meanwhile, the log says.
   *
   * @returns what became of each message, after the commit
   * @throws Refusal whose path begins with the index of the message at fault
   * @throws LogBusy
   */
  async recordBatch(messages: readonly MeasurementMessage[], origin: Origin): Promise<Recorded[]> {
    // CloudEvents allows a batch of none.
    if (messages.length === 0) return [];
    await this.admit(messages);
    const asked = messages.map((message) => this.requestOf(message, origin));
    // What comes again in the same batch is a repeat of the first.
    const firsts = new Map<string, MeasurementRequest>();
    for (const request of asked) if (!firsts.has(request.commandId)) firsts.set(request.commandId, request);
    const results = await this.appendBatch(asked, [...firsts.values()]);
    // Only now: a batch that is refused defines nothing.
    await Promise.all(
      messages.map((message, index) => {
        const { commandId } = asked[index] as MeasurementRequest;
        const [event] = (results.get(commandId) as AppendResult).events;
        return this.define(message, firsts.get(commandId) as MeasurementRequest, event?.id);
      }),
    );
    return messages.map(({ points: { count: points } }, index) => {
      const request = asked[index] as MeasurementRequest;
      const { lastPosition: position, duplicate } = results.get(request.commandId) as AppendResult;
      const again = duplicate || firsts.get(request.commandId) !== request;
      return { status: again ? 'duplicate' : 'accepted', points, position };
    });
  }

  /** Results by command id. @param asked of each message */
  private async appendBatch(
    asked: readonly MeasurementRequest[],
    requests: readonly MeasurementRequest[],
  ): Promise<Map<string, AppendResult>> {
    try {
      const results = await this.log.appendTogether(requests);
      return new Map(requests.map(({ commandId }, index) => [commandId, results[index] as AppendResult]));
    } catch (error) {
      if (error instanceof TogetherRefused && error.cause instanceof CommandConflict) {
        const index = asked.indexOf(requests[error.index] as MeasurementRequest);
        throw Refusal.identityReused().within(`${index}.id`);
      }
      throw isOfTheMoment(error) ? new LogBusy(error) : error;
    }
  }

  /**
   * Resolves after the commit.
   *
   * @throws Refusal when the identity was used for other content, or the SLI is unknown and must not be
   * @throws LogBusy when it may be recorded later
   */
  async record(message: MeasurementMessage, origin: Origin): Promise<Recorded> {
    // An SLI is defined from its first measurement, not from one that is refused.
    if (!this.slis.knows(message.service, message.sli)) await refuseReusedIdentities(this.log, [message]);
    const { commandId, commandHash, ...request } = this.requestOf(message, origin);
    const defined = this.define(message, request);
    if (defined !== undefined) await defined;
    try {
      const { lastPosition, duplicate } = await this.log.append({
        ...request,
        // Without an identity of its own a request can come only once: nothing need be remembered of it.
        ...(message.identity === null ? {} : { commandId, commandHash }),
      });
      return {
        status: duplicate ? 'duplicate' : 'accepted',
        points: message.points.count,
        position: lastPosition,
      };
    } catch (error) {
      if (error instanceof CommandConflict) throw Refusal.identityReused();
      throw isOfTheMoment(error) ? new LogBusy(error) : error;
    }
  }

  private async admit(messages: readonly MeasurementMessage[]): Promise<void> {
    await refuseReusedIdentities(this.log, messages);
    const checks = await Promise.allSettled(
      messages.map(({ service, sli }) => this.slis.check(service, sli)),
    );
    for (const [index, check] of checks.entries()) {
      if (check.status === 'fulfilled') continue;
      throw check.reason instanceof Refusal ? check.reason.within(String(index)) : check.reason;
    }
  }

  /**
   * Defines the SLI of a message that is, or is to be, recorded by a request, where it is unknown.
   * @param id of the event that is in the log, where it is another one's of the same identity
   * @throws LogBusy, Refusal
   */
  private define(
    { service, sli, points: { countsOnly } }: MeasurementMessage,
    request: Pick<AppendRequest, 'events'>,
    id = request.events[0]?.id ?? null,
  ): Promise<void> | undefined {
    const { meta } = request.events[0] as NewEvent;
    return this.slis.ensure(service, sli, {
      countsOnly,
      meta: { ...meta, causationId: id },
      at: this.clock.now(),
    });
  }

  /** The request that puts a message into the log. */
  private requestOf(message: MeasurementMessage, origin: Origin): MeasurementRequest {
    const { service, sli, points } = message;
    const id = uuidv7();
    const meta: EventMeta = {
      correlationId: origin.correlationId ?? id,
      causationId: null,
      actor: origin.actor,
      source,
      ...(origin.traceparent === undefined ? {} : { traceparent: origin.traceparent }),
    };
    const identity = message.identity ?? `request:${id}`;
    const data = recorded(message, identity);
    return {
      ...this.placeOf(service, sli),
      expectedVersion: 'any',
      events: [{ id, type: 'measurement.recorded', data, meta, occurredAt: new Date(points.newest) }],
      commandId: commandOf(identity),
      commandHash: points.hash,
    };
  }

  private placeOf(service: string, sli: string): Place {
    const key = `${service}/${sli}`;
    let place = this.#places.get(key);
    if (place === undefined) {
      place = { journal: measurementJournal(service, sli), stream: LogStreams.measurement(service, sli) };
      // A publisher that makes up names must not fill the memory with them.
      if (this.#places.size >= mostPlaces) this.#places.clear();
      this.#places.set(key, place);
    }
    return place;
  }
}

/** `MeasurementRecorded`, with the columns as they are. */
function recorded({ service, sli, points }: MeasurementMessage, identity: string): JsonText {
  const rest = JSON.stringify({ service, sli, identity, points: points.count });
  return new JsonText(`${rest.slice(0, -1)},"columns":${points.columns.text}}`);
}
