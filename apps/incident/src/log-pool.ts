import type { Pool } from 'pg';

/** The connections of the log, as something Nest can inject. */
export class LogPool {
  constructor(readonly pool: Pool) {}
}
