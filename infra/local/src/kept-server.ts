import { setTimeout as sleep } from 'node:timers/promises';
import { BackOff } from './back-off.js';

/** A server that can be started again when it has ended: Postgres, NATS. */
export interface Restartable {
  readonly pid: number | undefined;
  start(): Promise<void>;
  stop(): Promise<void>;
  ended(): Promise<void>;
}

/** Starts a server again whenever it ends, until `stop`. */
export class KeptServer<Server extends Restartable> {
  readonly #stopping = new AbortController();
  #keeping: Promise<void> | null = null;

  constructor(
    readonly name: string,
    readonly server: Server,
    readonly log: (source: string, line: string) => void,
    readonly backOff: BackOff = new BackOff(),
  ) {}

  async start(): Promise<void> {
    await this.server.start();
    this.#keeping = this.#keep();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.server.stop();
    await this.#keeping;
    await this.server.stop(); // it may have been on its way up
  }

  async #keep(): Promise<void> {
    const { signal } = this.#stopping;
    let startedAt = performance.now();
    for (;;) {
      await this.server.ended();
      if (signal.aborted) return;
      const delay = this.backOff.next(performance.now() - startedAt);
      this.log(this.name, `ended; starting it again in ${delay} ms`);
      await sleep(delay, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      startedAt = performance.now();
      try {
        await this.server.start();
        this.log(this.name, 'runs again');
      } catch (error) {
        this.log(this.name, (error as Error).message);
      }
    }
  }
}
