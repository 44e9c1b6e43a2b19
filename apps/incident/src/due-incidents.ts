import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '@bellwether/contracts';
import { transaction } from '@bellwether/event-log';
import type { Logger } from '@bellwether/service';
import type { Pool } from 'pg';
import type { IncidentIndex } from './incident-index.js';
import type { Incidents } from './incidents.js';

export interface DueIncidentsOptions {
  readonly pool: Pool;
  readonly index: IncidentIndex;
  readonly incidents: Incidents;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'error'>;
  /** How often to look, in milliseconds of real time; default 200. */
  readonly pollMs?: number;
}

/** Lets time act on incidents: what is due by the clock is decided, once, whatever the number of instances. */
export class DueIncidents {
  readonly #options: DueIncidentsOptions;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(options: DueIncidentsOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Resolves when what is in hand is done. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** Handles what is due now. @returns how many incidents that were */
  async pass(limit = 20): Promise<number> {
    const { pool, index, clock } = this.#options;
    return await transaction(pool, async (tx) => {
      const due = await index.due(tx, clock.now(), limit);
      for (const id of due) {
        const state = await this.#passTime(id);
        if (state) await index.save(tx, state);
      }
      return due.length;
    });
  }

  async #passTime(id: string) {
    const { incidents } = this.#options;
    const loaded = await incidents.load(id);
    if (!loaded) return null;
    const { state, correlationId, lastEventId } = loaded;
    const cause = {
      // What time leads to follows from the state it finds: one answer for each.
      commandId: `time:${id}:${state.version}`,
      meta: { correlationId, causationId: lastEventId, actor: 'service:incident' },
    };
    return (await incidents.change(id, cause, () => ({ ask: { type: 'pass-time' } }))).state;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const { pollMs = 200, logger } = this.#options;
    let failures = 0;
    while (!signal.aborted) {
      try {
        await this.pass();
        failures = 0;
      } catch (error) {
        if (failures++ === 0)
          logger.error({ error }, 'due incidents could not be handled; trying until they can');
      }
      await sleep(pollMs * Math.min(failures + 1, 10), undefined, { signal }).catch(() => {});
    }
  }
}
