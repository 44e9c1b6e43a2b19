import pg from 'pg';
import type { RecordedEvent } from './event.js';
import { createParked, park, parkedIn, withoutParked } from './parked-keys.js';
import { applyAll, type ParkedKey, type Projection, taken } from './projection.js';
import { transaction } from './transaction.js';

/** Tables of one version of a projection: the ones that are read, ones that are built, or ones given up. */
export interface Slot {
  schema: string;
  position: number;
  /** The checkpoint in the database, where it is behind the position: what came since says nothing to the projection. */
  stored?: Stored;
  /** As of the position: both move in one transaction. */
  parked: ReadonlyMap<string, ParkedKey>;
}

interface Stored {
  position: number;
  /** By `performance.now()`. */
  since: number;
}

/** By how many events, and for how long, a checkpoint may stay behind: what a start reads again, and passes over. */
const BEHIND = 1_000;
const BEHIND_MS = 5_000;

/** The tables were swapped, or another process took the same events: look again where to go on. */
export class SlotMoved extends Error {
  constructor(schema: string) {
    super(`${schema} is not where it was`);
    this.name = 'SlotMoved';
  }
}

/** Rows and checkpoint commit together, so losing the last commits in a crash loses nothing: they are made again. */
const BEGIN = 'begin; set local synchronous_commit = off';

/**
 * Keeps, in the owner's schema, which tables each projection has and up to where they are. A version has up to two
 * sets of tables, `<owner>_<name>_v<version>` and the same with `_b`: one is read while the other is built.
 */
export class ProjectionSlots {
  readonly #pool: pg.Pool;
  readonly #owner: string;
  readonly #table: string;

  constructor(pool: pg.Pool, owner: string) {
    this.#pool = pool;
    this.#owner = owner;
    this.#table = `${pg.escapeIdentifier(owner)}.projections`;
  }

  async migrate(): Promise<void> {
    await transaction(this.#pool, async (tx) => {
      await this.#lock(tx, '');
      await tx.query(`
        create schema if not exists ${pg.escapeIdentifier(this.#owner)};
        create table if not exists ${this.#table} (
          name          text not null,
          version       int not null,
          schema_name   text primary key,
          position      bigint not null,
          state         text not null check (state in ('building', 'active', 'retired')),
          updated_at    timestamptz not null default clock_timestamp(),
          superseded_at timestamptz
        ) with (fillfactor = 50)`);
    });
  }

  /** The tables of this version that are read; made when there are none. */
  async active(projection: Projection): Promise<Slot> {
    return (await this.#find(this.#pool, projection, 'active')) ?? this.#makeFirst(projection);
  }

  /** Makes what tables of before keys could be parked have not. */
  async complete(projection: Projection): Promise<void> {
    if (projection.keyOf === undefined) return;
    await transaction(this.#pool, async (tx) => {
      await this.#lock(tx, projection.name);
      const { rows } = await tx.query<{ schema_name: string }>(
        `select schema_name from ${this.#table} where name = $1 and version = $2 and state = 'active'`,
        [projection.name, projection.version],
      );
      for (const { schema_name } of rows) await createParked(tx, schema_name);
    });
  }

  /** Makes the tables of a new build, in place of those of one that was given up. */
  async makeBuilding(projection: Projection): Promise<Slot> {
    return transaction(this.#pool, async (tx) => {
      await this.#lock(tx, projection.name);
      const active = await this.#find(tx, projection, 'active');
      const plain = `${this.#owner}_${projection.name}_v${projection.version}`;
      return this.#make(tx, projection, active?.schema === plain ? `${plain}_b` : plain, 'building');
    });
  }

  /** Makes what readers need of tables that are complete but for the last events. */
  async index(projection: Projection, built: Slot): Promise<void> {
    await transaction(this.#pool, async (tx) => projection.index?.(tx, built.schema));
  }

  /**
   * Applies events, but for those of parked keys, and moves the checkpoint, in one transaction. Where none of them says
   * anything to the projection there is none: see {@link Projection.takes}.
   * @throws SlotMoved
   */
  async apply(projection: Projection, slot: Slot, events: RecordedEvent[]): Promise<Slot> {
    const position = events.at(-1)!.position;
    const wanted = taken(projection, events);
    const { schema, parked } = slot;
    if (wanted.length === 0) {
      const stored = slot.stored ?? { position: slot.position, since: performance.now() };
      if (position - stored.position < BEHIND && performance.now() - stored.since < BEHIND_MS)
        return { schema, position, parked, stored };
    }
    await this.#moving(slot, position, (tx) =>
      applyAll(projection, tx, withoutParked(projection, parked, wanted), schema),
    );
    return { schema, position, parked };
  }

  /** Parks the key of an event that cannot be taken, and moves the checkpoint over it. @throws SlotMoved */
  async park(slot: Slot, parked: ParkedKey): Promise<Slot> {
    await this.#moving(slot, parked.position, (tx) => park(tx, slot.schema, parked));
    const { schema } = slot;
    return { schema, position: parked.position, parked: new Map(slot.parked).set(parked.key, parked) };
  }

  async #moving(slot: Slot, position: number, work: (tx: pg.PoolClient) => Promise<void>): Promise<void> {
    await transaction(
      this.#pool,
      async (tx) => {
        const { rowCount } = await tx.query({
          name: `${this.#owner}-projection-moves`,
          text: `update ${this.#table} set position = $3, updated_at = clock_timestamp()
                  where schema_name = $1 and position = $2 and state <> 'retired'`,
          values: [slot.schema, slot.stored?.position ?? slot.position, position],
        });
        if (rowCount !== 1) throw new SlotMoved(slot.schema);
        await work(tx);
      },
      BEGIN,
    );
  }

  /**
   * Puts the built tables in the place of those that are read, at the same position: what the live ones have taken
   * beyond the build is applied first, while they are held.
   * @param read events after a position, up to another, a page at most
   */
  async swap(
    projection: Projection,
    built: Slot,
    read: (after: number, until: number) => Promise<RecordedEvent[]>,
  ): Promise<Slot> {
    return transaction(this.#pool, async (tx) => {
      await this.#lock(tx, projection.name);
      const { rows } = await tx.query<{ schema_name: string; position: string; state: string }>(
        `select schema_name, position, state from ${this.#table}
          where name = $1 and version = $2 order by schema_name for update`,
        [projection.name, projection.version],
      );
      const building = rows.find((row) => row.schema_name === built.schema && row.state === 'building');
      if (building === undefined) throw new SlotMoved(built.schema);
      const live = rows.find((row) => row.state === 'active');
      const until = Math.max(Number(live?.position ?? 0), Number(building.position));
      let position = Number(building.position);
      while (position < until) {
        const events = await read(position, until);
        if (events.length === 0) throw new Error(`events ${position + 1} to ${until} cannot be read`);
        const wanted = withoutParked(projection, built.parked, taken(projection, events));
        await applyAll(projection, tx, wanted, built.schema);
        position = events.at(-1)!.position;
      }
      await tx.query(
        `update ${this.#table} set state = case when schema_name = $3 then 'active' else 'retired' end,
                position = case when schema_name = $3 then $4 else position end, updated_at = clock_timestamp()
          where name = $1 and version = $2`,
        [projection.name, projection.version, built.schema, position],
      );
      return { schema: built.schema, position, parked: built.parked };
    });
  }

  /**
   * Notes that older versions are superseded, now that this one is up to date, and drops tables that nobody has
   * needed for a day: an older process goes on with its own version until it is replaced.
   */
  async supersedeOlder(projection: Projection): Promise<void> {
    await transaction(this.#pool, async (tx) => {
      await this.#lock(tx, projection.name);
      await tx.query(
        `update ${this.#table}
            set superseded_at = case when version < $2 then coalesce(superseded_at, clock_timestamp()) end
          where name = $1 and version <= $2`,
        [projection.name, projection.version],
      );
      const { rows } = await tx.query<{ schema_name: string }>(
        `delete from ${this.#table}
          where name = $1 and (state = 'retired' or superseded_at < clock_timestamp() - interval '1 day')
            and updated_at < clock_timestamp() - interval '1 day'
          returning schema_name`,
        [projection.name],
      );
      for (const { schema_name } of rows) {
        await tx.query(`drop schema if exists ${pg.escapeIdentifier(schema_name)} cascade`);
      }
    });
  }

  async #makeFirst(projection: Projection): Promise<Slot> {
    return transaction(this.#pool, async (tx) => {
      await this.#lock(tx, projection.name);
      const made = await this.#find(tx, projection, 'active');
      if (made !== null) return made;
      return this.#make(tx, projection, `${this.#owner}_${projection.name}_v${projection.version}`, 'active');
    });
  }

  async #make(
    tx: pg.PoolClient,
    projection: Projection,
    schema: string,
    state: 'active' | 'building',
  ): Promise<Slot> {
    await tx.query(`drop schema if exists ${pg.escapeIdentifier(schema)} cascade`);
    await tx.query(`create schema ${pg.escapeIdentifier(schema)}`);
    await projection.create(tx, schema);
    if (projection.keyOf !== undefined) await createParked(tx, schema);
    if (state === 'active') await projection.index?.(tx, schema);
    await tx.query(
      `insert into ${this.#table} (name, version, schema_name, position, state) values ($1, $2, $3, 0, $4)
       on conflict (schema_name) do update set position = 0, state = $4, updated_at = clock_timestamp()`,
      [projection.name, projection.version, schema, state],
    );
    return { schema, position: 0, parked: new Map() };
  }

  async #find(on: pg.Pool | pg.PoolClient, projection: Projection, state: string): Promise<Slot | null> {
    const { rows } = await on.query<{ schema_name: string; position: string }>(
      `select schema_name, position from ${this.#table} where name = $1 and version = $2 and state = $3`,
      [projection.name, projection.version, state],
    );
    const row = rows[0];
    if (row === undefined) return null;
    // After the position: keys that were parked since then are of a checkpoint that has moved, which is noticed.
    const parked = projection.keyOf === undefined ? new Map() : await parkedIn(on, row.schema_name);
    return { schema: row.schema_name, position: Number(row.position), parked };
  }

  async #lock(tx: pg.PoolClient, name: string): Promise<void> {
    await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [
      `projection ${this.#owner} ${name}`,
    ]);
  }
}
