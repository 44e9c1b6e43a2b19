import { transaction } from '@bellwether/event-log';
import type pg from 'pg';

/** The registry's short cut for the next start: the state of each stream as of one position of the control journal. */
export class RegistryStore {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  async load(): Promise<{ position: number; states: { stream: string; state: unknown }[] }> {
    return await transaction(this.#pool, async (tx) => {
      await tx.query('set transaction isolation level repeatable read');
      const position = await tx.query<{ position: string }>(
        'select position from evaluator.registry_position',
      );
      const states = await tx.query<{ stream: string; state: unknown }>(
        'select stream, state from evaluator.registry',
      );
      return { position: Number(position.rows[0]?.position ?? 0), states: states.rows };
    });
  }

  /**
   * Moves on to position `to` with the states of all streams that changed since this instance last saved or loaded.
   * Where another instance is as far already, there is nothing to do. On disk when it resolves: what a crash of the
   * database took back would not be saved again, since it is not remembered as unsaved.
   */
  async save(to: number, states: readonly { stream: string; state: unknown }[]): Promise<void> {
    await transaction(this.#pool, async (tx) => {
      const { rowCount } = await tx.query(
        'update evaluator.registry_position set position = $1 where position < $1',
        [to],
      );
      if (rowCount !== 1 || states.length === 0) return;
      await tx.query(
        `insert into evaluator.registry (stream, state) select * from unnest($1::text[], $2::json[])
         on conflict (stream) do update set state = excluded.state`,
        [states.map(({ stream }) => stream), states.map(({ state }) => JSON.stringify(state))],
      );
    });
  }
}
