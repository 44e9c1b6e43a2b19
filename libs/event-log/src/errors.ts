import type { ExpectedVersion } from './event.js';

/** What was wrong with which stream. */
export interface StreamFacts {
  stream: string;
  /** The version asked for. */
  expected?: ExpectedVersion;
  /** The version found; 0 where there is no such stream. */
  actual?: number;
}

/** Whatever the log refuses. Nothing was appended, but for `OutcomeUnknown`, which says that it does not know. */
export class EventLogError extends Error {
  readonly stream: string;
  readonly expected: ExpectedVersion | undefined;
  readonly actual: number | undefined;

  constructor(message: string, facts: StreamFacts, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.stream = facts.stream;
    this.expected = facts.expected;
    this.actual = facts.actual;
  }
}

/** The stream is not as expected: load it again, decide again. One of the three classes below. */
export abstract class VersionConflict extends EventLogError {}

/** Somebody else appended first: the stream is at another version. */
export class StaleVersion extends VersionConflict {
  constructor(facts: StreamFacts) {
    super(`${facts.stream} is at version ${facts.actual}, not at ${facts.expected}`, facts);
  }
}

/** None was expected. */
export class StreamExists extends VersionConflict {
  constructor(facts: StreamFacts) {
    super(`${facts.stream} exists already, at version ${facts.actual}`, facts);
  }
}

/** One was expected. */
export class StreamMissing extends VersionConflict {
  constructor(facts: StreamFacts) {
    super(`there is no stream ${facts.stream}`, facts);
  }
}

/** Another stream, named by `require`, is not at the version the decision was made at; `stream` is that other one. */
export class RequirementFailed extends EventLogError {
  constructor(facts: StreamFacts) {
    super(`${facts.stream} is required at ${facts.expected}, and is at version ${facts.actual}`, facts);
  }
}

/** A command id used again for another request. */
export class CommandConflict extends EventLogError {
  readonly commandId: string;

  constructor(stream: string, commandId: string) {
    super(`command ${commandId} was given before with other content`, { stream });
    this.commandId = commandId;
  }
}

/** One of several requests that were to be appended together was refused: none of them was appended. */
export class TogetherRefused extends EventLogError {
  /** Which of the requests. */
  readonly index: number;
  /** Why. */
  override readonly cause: EventLogError;

  constructor(index: number, cause: EventLogError) {
    super(`request ${index} was refused, and those with it: ${cause.message}`, { stream: cause.stream });
    this.index = index;
    this.cause = cause;
  }
}

/** The stream, or one required, belongs to another journal, and so to another lock. */
export class StreamElsewhere extends EventLogError {
  constructor(stream: string, journal: string) {
    super(`${stream} is a stream of another journal than ${journal}`, { stream });
  }
}

/** The request cannot be kept as it is: NUL, a lone surrogate, no JSON form, a time outside the calendar, … */
export class UnstorableEvent extends EventLogError {
  constructor(stream: string, why: string, options?: ErrorOptions) {
    super(`an event for ${stream} cannot be stored: ${why}`, { stream }, options);
  }
}

/** More is waiting than the log will hold in memory: try again later. */
export class Overloaded extends EventLogError {
  constructor(stream: string, journal: string, waiting: number) {
    super(`${waiting} events are waiting to be appended to ${journal}`, { stream });
  }
}

/** The database could not be reached, or did not take it, within the time allowed; nothing was appended. */
export class LogUnavailable extends EventLogError {
  constructor(stream: string, options?: ErrorOptions) {
    super(`the event log did not take an append to ${stream}${because(options?.cause)}`, { stream }, options);
  }
}

/**
 * The connection went away after sending, and the answer could not be learnt within the time allowed: the events
 * are in the log or they are not. `eventIds` are the ones to look for; a command id makes asking again safe.
 */
export class OutcomeUnknown extends EventLogError {
  readonly eventIds: string[];

  constructor(stream: string, eventIds: string[], options?: ErrorOptions) {
    super(
      `it is unknown whether an append to ${stream} went through${because(options?.cause)}`,
      { stream },
      options,
    );
    this.eventIds = eventIds;
  }
}

/** `close()` was called. */
export class LogClosed extends EventLogError {
  constructor(stream: string) {
    super('the event log is closed', { stream });
  }
}

/** No such journal: they are made by `migrate()`. */
export class UnknownJournal extends EventLogError {
  constructor(stream: string, journal: string, options?: ErrorOptions) {
    super(`there is no journal ${journal}`, { stream }, options);
  }
}

function because(cause: unknown): string {
  return cause instanceof Error ? `: ${cause.message}` : '';
}
