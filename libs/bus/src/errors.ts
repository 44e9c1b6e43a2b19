/** What all errors of the bus have in common. */
export class BusError extends Error {
  override readonly name: string = 'BusError';
}

/** There is no connection to NATS at this moment; it is being re-established. */
export class BusUnavailable extends BusError {
  override readonly name: string = 'BusUnavailable';
}

/** The connection was lost with a question under way: its answer would go to an inbox that is gone. */
export class ConnectionLost extends BusUnavailable {}

/** NATS refuses the credentials: trying again would not help. */
export class BusCredentialsRefused extends BusError {
  override readonly name = 'BusCredentialsRefused';
}

/** Nobody serves the subject, and nobody came up in the time given. The request was not carried out. */
export class NoResponders extends BusError {
  override readonly name = 'NoResponders';
  constructor(readonly subject: string) {
    super(`no service answers on ${subject}`);
  }
}

/**
 * No answer in time. The request may or may not have been carried out: repeat it under the same command id, which
 * has its effect once.
 */
export class RequestTimeout extends BusError {
  override readonly name = 'RequestTimeout';
  constructor(
    readonly subject: string,
    readonly timeoutMs: number,
  ) {
    super(`no answer on ${subject} within ${timeoutMs} ms`);
  }
}

/** A stream or consumer of that name exists and differs in what the server cannot change. */
export class TopologyConflict extends BusError {
  override readonly name = 'TopologyConflict';
}

/** JetStream refuses to store a message. */
export class NotStored extends BusError {
  override readonly name = 'NotStored';
  constructor(
    description: string,
    /** JetStream's number of the error; undefined for what the server did not call one. */
    readonly code?: number,
  ) {
    super(description);
  }
}

/** An event of a window was not acknowledged; those before it were. The whole window may be published again. */
export class PublishFailed extends BusError {
  override readonly name = 'PublishFailed';
  constructor(
    readonly journal: string,
    readonly position: number,
    cause: unknown,
  ) {
    super(
      `event ${position} of ${journal} was not acknowledged: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

/** The log does not hold what it must hold there: positions are dense. Reading on would lose events. */
export class JournalGap extends BusError {
  override readonly name = 'JournalGap';
  constructor(
    readonly journal: string,
    readonly expected: number,
    readonly found: number | null,
  ) {
    super(
      found === null
        ? `journal ${journal} has no event at position ${expected}, though later ones were announced`
        : `journal ${journal} goes from position ${expected - 1} to ${found}`,
    );
  }
}

export class NoSuchDeadLetter extends BusError {
  override readonly name = 'NoSuchDeadLetter';
  constructor(readonly sequence: number) {
    super(`there is no dead letter ${sequence}`);
  }
}
