import { transaction } from '@bellwether/event-log';
import type pg from 'pg';

/** One run of a round-robin step: the `run`-th request of a page, from 1. */
export interface StepRun {
  policy: string;
  step: number;
  page: string;
  run: number;
}

/**
 * Whose turn it is at a round-robin step. A turn is drawn before the page that takes it is appended: of pages that come to
 * a step together, none would see the others' turns in the log yet. The page's event says which turn it took, so the table
 * follows from the log. Drawing again for the same run gives the same turn: neither a crash nor a change of the page in
 * between skips anybody.
 */
export class Turns {
  readonly #pool: pg.Pool;
  #last: Promise<unknown> = Promise.resolve();

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** One at a time: those who wait for the lock would keep the pool's connections from everything else. */
  draw(run: StepRun): Promise<number> {
    const drawn = this.#last.then(() => this.#draw(run));
    this.#last = drawn.catch(() => {});
    return drawn;
  }

  #draw({ policy, step, page, run }: StepRun): Promise<number> {
    return transaction(this.#pool, async (tx) => {
      // Apart from the insert, whose snapshot is to be taken under the lock.
      await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`turn at ${policy} ${step}`]);
      const { rows } = await tx.query<{ turn: number }>(
        `insert into paging.step_runs as r (policy, step, page, run, turn)
         select $1, $2, $3, $4, coalesce(max(turn) + 1, 0) from paging.step_runs where policy = $1 and step = $2
         on conflict (policy, step, page, run) do update set turn = coalesce(r.turn, excluded.turn)
         returning turn`,
        [policy, step, page, run],
      );
      return rows[0]!.turn;
    });
  }
}
