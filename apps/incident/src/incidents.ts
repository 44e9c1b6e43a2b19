import {
  type Clock,
  CONTROL_JOURNAL,
  CommandRefused,
  continuing,
  LogStreams,
  problemOf,
} from '@bellwether/contracts';
import {
  type AppendRequest,
  type AppendResult,
  type EventLog,
  type EventMeta,
  type NewEvent,
  type Requirement,
  RequirementFailed,
  VersionConflict,
} from '@bellwether/event-log';
import {
  decide,
  evolve,
  fold,
  type IncidentChange,
  type IncidentCommand,
  type IncidentEvent,
  type IncidentSettings,
  type IncidentState,
  incidentEvent,
} from '@bellwether/incident';

/** Under whose id, and because of what, a change is made. */
export interface Cause {
  /** Makes the change happen once, however often it is asked for. */
  readonly commandId: string;
  /** The same id with another hash is a conflict. */
  readonly commandHash?: string | undefined;
  readonly meta: Omit<EventMeta, 'source'>;
}

/** An incident after a change. */
export interface Changed {
  readonly state: IncidentState;
  /** Control position of the last event of the change; 0 when there was nothing to change. */
  readonly position: number;
}

/** An incident as the log has it. */
export interface Loaded {
  readonly state: IncidentState;
  /** Correlation id of the story it began with. */
  readonly correlationId: string;
  readonly lastEventId: string;
}

type Asked = IncidentCommand extends infer C
  ? C extends IncidentCommand
    ? Omit<C, 'now' | 'actor'>
    : never
  : never;
export type Declaration = Extract<Asked, { type: 'incident.declare' }>['data'];
/** What to ask of an incident, given its present state; and which other streams that answer relies on. */
export interface Question {
  readonly ask: Asked;
  readonly require?: Requirement[];
}

const SOURCE = '/bellwether/incident';
/** Conflicts come from people and alerts working on one incident at once; so many in a row are something else. */
const MAX_ATTEMPTS = 100;

/** Incidents in the log: load, decide, append, and again when somebody else was first. */
export class Incidents {
  constructor(
    private readonly log: EventLog,
    private readonly clock: Clock,
    readonly settings: IncidentSettings,
  ) {}

  /** Null when there is no such incident. `version` reads it as it was then. */
  async load(id: string, version?: number): Promise<Loaded | null> {
    const events = await this.log.readStream(LogStreams.incident(id), version ? { limit: version } : {});
    const state = fold(events.map(incidentEvent));
    const first = events[0];
    const last = events.at(-1);
    if (!state || !first || !last) return null;
    return { state, correlationId: first.meta.correlationId, lastEventId: last.id };
  }

  /**
   * Changes an incident. The question may be asked again, of a later state, when somebody else was first.
   * @throws CommandRefused as `decide`, 404 for an incident that does not exist, 409 for a reused command id
   */
  async change(
    id: string,
    cause: Cause,
    question: (state: IncidentState) => Question | Promise<Question>,
  ): Promise<Changed> {
    const done = await this.answered(cause);
    if (done) return done;
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const loaded = await this.load(id);
      if (!loaded) throw CommandRefused.notFound(`incident ${id}`);
      const { ask, require } = await question(loaded.state);
      const changed = await this.#attempt({ id, loaded, ask, cause, require });
      if (changed) return changed;
    }
    throw busy(id);
  }

  /**
   * Declares the incident with the number after `last`, unless somebody else was first.
   * @param last the highest number there is; 0 for none
   * @returns null when that number is taken by now, or the incident before it has moved on
   */
  async declareAfter(last: number, declaration: Declaration, cause: Cause): Promise<Changed | null> {
    const id = `INC-${last + 1}`;
    // Dense numbers: the new one is taken only while the one before it is what was seen.
    const before = LogStreams.incident(`INC-${last}`);
    const require = last === 0 ? [] : [{ stream: before, version: await this.log.streamVersion(before) }];
    const ask = { type: 'incident.declare', incident: id, data: declaration } as const;
    return await this.#attempt({ id, loaded: null, ask, cause, require });
  }

  /** The highest incident number in the log, given one that is known to be there (0 for none). */
  async lastNumber(known: number): Promise<number> {
    const exists = async (n: number) => (await this.log.streamVersion(LogStreams.incident(`INC-${n}`))) > 0;
    // Numbers are dense, so the last is found by doubling and halving, also from an empty index.
    let low = known;
    let step = 1;
    while (await exists(low + step)) {
      low += step;
      step *= 2;
    }
    for (let high = low + step; high - low > 1; ) {
      const middle = Math.floor((low + high) / 2);
      if (await exists(middle)) low = middle;
      else high = middle;
    }
    return low;
  }

  /**
   * What a command was answered the first time; null when it was not given before.
   * @throws CommandRefused 409 when it was given before with other content
   */
  async answered(cause: Cause): Promise<Changed | null> {
    const command = await this.log.recordedCommand(cause.commandId);
    if (!command) return null;
    if (cause.commandHash !== undefined && command.hash !== null && cause.commandHash !== command.hash) {
      throw CommandRefused.conflict(
        'this Idempotency-Key was used before with another request',
        'idempotency-conflict',
      );
    }
    return await this.#firstAnswer(command);
  }

  async #attempt(attempt: {
    id: string;
    loaded: Loaded | null;
    ask: Asked;
    cause: Cause;
    require: Requirement[] | undefined;
  }): Promise<Changed | null> {
    const { id, loaded, ask, cause, require } = attempt;
    const state = loaded?.state ?? null;
    const now = this.clock.now();
    // Whoever changes an incident, it stays one story: that with which it began.
    const meta = loaded ? continuing(cause.meta, loaded) : cause.meta;
    const { actor } = meta;
    const command = { ...ask, now: now.toISOString(), actor } as IncidentCommand;
    const changes = decide(command, state, this.settings);
    if (changes.length === 0 && state) return { state, position: 0 };
    const appended = await this.#append({
      journal: CONTROL_JOURNAL,
      stream: LogStreams.incident(id),
      expectedVersion: state === null ? 'no-stream' : state.version,
      events: toAppend(changes, state, { ...meta, source: SOURCE }, now),
      commandId: cause.commandId,
      ...(cause.commandHash === undefined ? {} : { commandHash: cause.commandHash }),
      ...(require?.length ? { require } : {}),
    });
    if (!appended) return null;
    if (appended.duplicate) return await this.#firstAnswer(appended);
    const after = fold(recorded(changes, appended, actor, now), state);
    return { state: after as IncidentState, position: appended.lastPosition };
  }

  /** Null when somebody else was first. */
  async #append(request: AppendRequest): Promise<AppendResult | null> {
    try {
      return await this.log.append(request);
    } catch (error) {
      if (error instanceof VersionConflict || error instanceof RequirementFailed) return null;
      throw error;
    }
  }

  /** The incident as it was after a command was carried out the first time. */
  async #firstAnswer(result: { lastPosition: number; version: number }): Promise<Changed> {
    const event = await this.log.readAt(CONTROL_JOURNAL, result.lastPosition);
    const id = event?.stream.slice(LogStreams.incident('').length) ?? '';
    const loaded = await this.load(id, result.version);
    if (!loaded) throw new Error(`position ${result.lastPosition} is of no incident, though its command was`);
    return { state: loaded.state, position: result.lastPosition };
  }
}

/** Each event says what the incident is about after it: subscribers choose by that, whatever its own data says. */
function toAppend(
  changes: readonly IncidentChange[],
  before: IncidentState | null,
  meta: EventMeta,
  occurredAt: Date,
): NewEvent[] {
  let state = before;
  return changes.map((change) => {
    const event = { ...change, id: '', actor: meta.actor, occurredAt: occurredAt.toISOString() };
    state = evolve(state, event);
    const filters = state && { services: state.services, severity: state.severity };
    return {
      type: change.type,
      data: change.data,
      meta: { ...meta, ...(filters && { filters }) },
      occurredAt,
    };
  });
}

function recorded(
  changes: readonly IncidentChange[],
  appended: AppendResult,
  actor: string,
  now: Date,
): IncidentEvent[] {
  return changes.map((change, index) => ({
    ...change,
    id: appended.events[index]?.id ?? '',
    actor,
    occurredAt: now.toISOString(),
  }));
}

/** Too many others change the same incident at this moment. */
export function busy(what: string): CommandRefused {
  return new CommandRefused(
    problemOf(503, 'contended', `${what} is being changed by many at once; try again shortly`),
  );
}
