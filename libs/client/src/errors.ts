import type { Fault } from '@bellwether/contracts';

/** The measurement can never be taken: it is not what the contract says, or a rule refuses it. Not sent again. */
export class MeasurementRefused extends Error {
  override readonly name = 'MeasurementRefused';

  constructor(
    message: string,
    /** Where in the measurement, when that is known. */
    readonly faults: readonly Fault[] = [],
  ) {
    super(message);
  }
}

/** The publisher was closed before this was acknowledged: it may or may not have been taken. */
export class PublisherClosed extends Error {
  override readonly name = 'PublisherClosed';

  /** @param cause why the last attempt failed, when there was one */
  constructor(cause?: Error) {
    const why = cause === undefined ? '' : `: ${cause.message}`;
    super(`the publisher was closed before this measurement was acknowledged${why}`, { cause });
  }
}

/** Not now: the same is sent again, after `retryAfterMs` if that is known. */
export class NotTakenYet extends Error {
  override readonly name = 'NotTakenYet';

  constructor(
    message: string,
    readonly retryAfterMs: number | undefined = undefined,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * The token is not known (yet, or any more), or may not publish. The measurement is sound: it is kept and sent again,
 * since whoever looks after tokens may put it right in the next moment.
 */
export class TokenRefused extends Error {
  override readonly name = 'TokenRefused';
}
