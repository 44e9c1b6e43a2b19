import type { Leadership } from './leader-lock.js';
import type { RelayCheckpoint } from './relay-plan.js';

/** Another relay has moved the checkpoint: this one is no longer the leader. */
export class RelaySuperseded extends Error {
  constructor(journal: string, position: number) {
    super(`the relay's checkpoint of ${journal} is not at ${position} any more`);
    this.name = 'RelaySuperseded';
  }
}

/** Checkpoints of one relay, written through the leader's session alone. */
export class RelayCheckpoints {
  readonly #session: Pick<Leadership, 'query'>;
  readonly #relay: string;

  constructor(session: Pick<Leadership, 'query'>, relay: string) {
    this.#session = session;
    this.#relay = relay;
  }

  async load(journal: string): Promise<RelayCheckpoint | null> {
    const { rows } = await this.#session.query<{ position: string; incarnation: string }>({
      text: 'select position, incarnation from log.relay_checkpoints where relay = $1 and journal = $2',
      values: [this.#relay, journal],
    });
    const row = rows[0];
    return row ? { position: Number(row.position), incarnation: row.incarnation } : null;
  }

  /** Sets where to go on, in which copy, whatever it was before. */
  async reset(journal: string, { position, incarnation }: RelayCheckpoint): Promise<void> {
    await this.#session.query({
      text: `insert into log.relay_checkpoints (relay, journal, position, incarnation) values ($1, $2, $3, $4)
       on conflict (relay, journal) do update
          set position = excluded.position, incarnation = excluded.incarnation, updated_at = clock_timestamp()`,
      values: [this.#relay, journal, position, incarnation],
    });
  }

  /** @throws RelaySuperseded when it is not at `from` */
  async advance(journal: string, incarnation: string, from: number, to: number): Promise<void> {
    const { rowCount } = await this.#session.query({
      name: 'relay-advance',
      text: `update log.relay_checkpoints set position = $5, updated_at = clock_timestamp()
              where relay = $1 and journal = $2 and incarnation = $3 and position = $4`,
      values: [this.#relay, journal, incarnation, from, to],
    });
    if (rowCount !== 1) throw new RelaySuperseded(journal, from);
  }
}
