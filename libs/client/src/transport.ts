import type { Batch } from './batch.js';

/** What became of a batch that was taken. `duplicate`: it had been taken before, by an earlier attempt. */
export type Acknowledgement = 'accepted' | 'duplicate';

/** A way to Bellwether. */
export interface Transport {
  /**
   * Sends a batch once.
   *
   * @throws MeasurementRefused when it can never be taken
   * @throws TokenRefused when the token is at fault; the batch may be taken later
   * @throws any other error when it may be taken later; {@link NotTakenYet} to say when
   */
  send(batch: Batch, signal: AbortSignal): Promise<Acknowledgement>;
  close(): Promise<void>;
}
