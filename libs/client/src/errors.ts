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

  constructor() {
    super('the publisher was closed before this measurement was acknowledged');
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
