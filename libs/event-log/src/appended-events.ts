import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import type { AppendedEvent } from './event.js';

/** First and longest pause between two tries to reach the database, milliseconds. */
export const FIRST_PAUSE_MS = 20;
export const LONGEST_PAUSE_MS = 1000;

/** Where events are, and which; tried again while the database is away, for so many milliseconds. */
export async function appendedEvents(
  pool: pg.Pool,
  journal: string,
  { first, last }: { first: number; last: number },
  retryForMs: number,
): Promise<AppendedEvent[]> {
  const until = performance.now() + retryForMs;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      const { rows } = await pool.query<{ id: string; position: string; version: string }>({
        name: 'log-events-at',
        text: `select event_id as id, position, version from log.events
                where journal = $1 and position between $2 and $3 order by position`,
        values: [journal, first, last],
      });
      return rows.map(({ id, position, version }) => ({
        id,
        position: Number(position),
        version: Number(version),
      }));
    } catch (error) {
      if (performance.now() + pause > until) throw error;
      await delay(pause);
    }
  }
}
