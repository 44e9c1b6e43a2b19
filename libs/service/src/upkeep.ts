import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '@bellwether/contracts';

export interface UpkeepOptions {
  clock: Clock;
  /** Time of the clock from one round to the next, milliseconds; the first is at the start. */
  everyMillis: number;
  /** A round. The signal aborts when the service stops: what is left is for the next time. */
  work: (signal: AbortSignal) => Promise<unknown>;
  /** Told of a round that failed; the next one comes when it is due. */
  onError: (error: unknown) => void;
  /** How often the clock is looked at, in milliseconds of real time; 1,000 when absent. */
  pollMs?: number;
}

/** Work that keeps a service's tables from growing for ever, done now and again by a clock that tests may move. */
export class Upkeep {
  readonly #options: UpkeepOptions;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(options: UpkeepOptions) {
    this.#options = options;
  }

  start(): this {
    this.#running = this.#run();
    return this;
  }

  /** Resolves when no round is at work any more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, everyMillis, work, onError, pollMs = 1_000 } = this.#options;
    const { signal } = this.#stopping;
    for (let due = Number.NEGATIVE_INFINITY; !signal.aborted; ) {
      const now = clock.now().getTime();
      // A clock that was set back must not put the next round off by as much.
      if (now >= due || now < due - everyMillis) {
        due = now + everyMillis;
        try {
          await work(signal);
        } catch (error) {
          if (!signal.aborted) onError(error);
        }
      }
      await delay(pollMs, undefined, { signal, ref: false }).catch(() => {});
    }
  }
}
