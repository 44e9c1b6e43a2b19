import { type Clock, MEASUREMENT_PARTITIONS } from '@bellwether/contracts';
import type { Logger } from '@bellwether/service';
import pg from 'pg';

/** A partition that this instance holds, as its `epoch`-th holder. */
export interface Lease {
  partition: number;
  holder: string;
  epoch: number;
}

export interface LeasesOptions {
  pool: pg.Pool;
  connectionString: string;
  /** Name of this instance, unique among all that run. */
  instance: string;
  /** The clock that expiry is measured by; the database's when absent, so that machines need not agree. */
  clock?: Clock;
  logger: Logger;
  /** How long a lease lasts without renewal, milliseconds. */
  ttlMs?: number;
  onAcquired: (lease: Lease) => void;
  /** Resolves when nothing works on the partition any more; then it is given away. */
  onLost: (lease: Lease) => Promise<void>;
}

const TTL_MS = 6_000;
/** Class of the advisory locks that instances hold. */
const LOCK_CLASS = 7301;
const RENEWALS_PER_TTL = 5;

/**
 * Shares the measurement partitions among the running instances. A lease is free when nobody holds it, when it expired,
 * or when its holder's session (an advisory lock) is gone: the partitions of a killed instance move with the next renewal
 * of another. Every write of a holder is fenced by the epoch of its lease, so that one that lost it without noticing
 * writes nothing.
 */
export class Leases {
  readonly #options: LeasesOptions;
  readonly #ttlMs: number;
  readonly #held = new Map<number, Lease>();
  #session: pg.Client | null = null;
  #timer: NodeJS.Timeout | null = null;
  #working: Promise<void> = Promise.resolve();
  #renewedAt = 0;
  #stopped = false;

  constructor(options: LeasesOptions) {
    this.#options = options;
    this.#ttlMs = options.ttlMs ?? TTL_MS;
  }

  get held(): ReadonlyMap<number, Lease> {
    return this.#held;
  }

  /** Takes what is free now, and goes on renewing. */
  async start(): Promise<void> {
    await this.renew();
    this.#timer = setInterval(() => void this.renew(), this.#ttlMs / RENEWALS_PER_TTL);
  }

  /** Renews what is held and takes or gives until this instance has its share. Never rejects. */
  renew(): Promise<void> {
    this.#working = this.#working.then(async () => {
      if (this.#stopped) return;
      try {
        await this.#renew();
      } catch (error) {
        this.#options.logger.warn({ error }, 'leases could not be renewed');
        // Nobody renewed for as long as a lease lasts: others may work on them by now.
        if (performance.now() - this.#renewedAt > this.#ttlMs) await this.#drop([...this.#held.values()]);
      }
    });
    return this.#working;
  }

  /** Gives everything back. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer) clearInterval(this.#timer);
    await this.#working;
    const held = [...this.#held.values()];
    await this.#drop(held);
    const { pool, instance, logger } = this.#options;
    try {
      await pool.query('update evaluator.leases set holder = null where holder = $1', [instance]);
      await pool.query('delete from evaluator.instances where id = $1', [instance]);
    } catch (error) {
      logger.warn({ error }, 'leases could not be given back; they expire');
    }
    await this.#session?.end().catch(() => {});
  }

  /** Ends as a crash would, for tests: nothing is given back, the session is gone. */
  async vanish(): Promise<void> {
    this.#stopped = true;
    if (this.#timer) clearInterval(this.#timer);
    await this.#working;
    await this.#drop([...this.#held.values()]);
    await this.#session?.end();
  }

  async #renew(): Promise<void> {
    const { pool, instance } = this.#options;
    await this.#openSession();
    const now = this.#options.clock?.now() ?? null;
    const { rows } = await pool.query<{ partition: number; epoch: string }>(
      `with beat as (
         update evaluator.instances set expires_at = coalesce($2, clock_timestamp()) + $3 * interval '1 ms' where id = $1)
       update evaluator.leases set expires_at = coalesce($2, clock_timestamp()) + $3 * interval '1 ms'
        where holder = $1 and partition = any($4) returning partition, epoch`,
      [instance, now, this.#ttlMs, [...this.#held.keys()]],
    );
    this.#renewedAt = performance.now();
    const renewed = new Map(rows.map((row) => [row.partition, Number(row.epoch)]));
    await this.#drop(
      [...this.#held.values()].filter((lease) => renewed.get(lease.partition) !== lease.epoch),
    );

    const share = Math.ceil(MEASUREMENT_PARTITIONS / Math.max(1, await this.#living(now)));
    const surplus = [...this.#held.values()].slice(share);
    if (surplus.length > 0) {
      await this.#drop(surplus);
      await pool.query(
        'update evaluator.leases set holder = null where holder = $1 and partition = any($2)',
        [instance, surplus.map((lease) => lease.partition)],
      );
    }
    if (this.#held.size < share) await this.#take(share - this.#held.size, now);
  }

  async #take(count: number, now: Date | null): Promise<void> {
    const { pool, instance, logger } = this.#options;
    const { rows } = await pool.query<{ partition: number; epoch: string }>(
      `update evaluator.leases l set holder = $1, epoch = epoch + 1,
              expires_at = coalesce($2, clock_timestamp()) + $3 * interval '1 ms'
        where partition in (
          select partition from evaluator.leases l
           where holder is null or expires_at < coalesce($2, clock_timestamp())
              or (holder = $1 and partition <> all($5)) -- let go when it could not be renewed, and not taken since
              or not exists (select from evaluator.instances i where i.id = l.holder and ${ALIVE})
           order by partition limit $4 for update skip locked)
        returning partition, epoch`,
      [instance, now, this.#ttlMs, count, [...this.#held.keys()]],
    );
    for (const { partition, epoch } of rows) {
      const lease = { partition, holder: instance, epoch: Number(epoch) };
      this.#held.set(partition, lease);
      this.#options.onAcquired(lease);
    }
    if (rows.length > 0) logger.info({ partitions: rows.map((row) => row.partition) }, 'partitions taken');
  }

  /** How many instances run, this one included. */
  async #living(now: Date | null): Promise<number> {
    const { rows } = await this.#options.pool.query<{ living: number }>(
      `select count(*)::int as living from evaluator.instances i
        where i.expires_at >= coalesce($1, clock_timestamp()) and ${ALIVE}`,
      [now],
    );
    return rows[0]?.living ?? 1;
  }

  /** The session whose end tells the others that this instance is gone. */
  async #openSession(): Promise<void> {
    if (this.#session !== null) return;
    const { connectionString, instance, clock } = this.#options;
    const session = new pg.Client({
      connectionString,
      application_name: 'bellwether evaluator lease',
      options: '-c role=bellwether_writer',
      keepAlive: true,
      connectionTimeoutMillis: 5_000,
    });
    session.on('error', () => {});
    session.on('end', () => {
      if (this.#session === session) this.#session = null;
    });
    await session.connect();
    try {
      await session.query(
        // A new number for each session: the lock of a former one may be held by a connection that is only half dead.
        `delete from evaluator.instances i
          where id = $2 or (expires_at < coalesce($1, clock_timestamp()) and not ${ALIVE})`,
        [clock?.now() ?? null, instance],
      );
      const { rows } = await session.query<{ number: number }>(
        `insert into evaluator.instances (id, expires_at)
         values ($1, coalesce($2, clock_timestamp()) + $3 * interval '1 ms') returning number`,
        [instance, clock?.now() ?? null, this.#ttlMs],
      );
      await session.query('select pg_advisory_lock($1::int, $2::int)', [LOCK_CLASS, rows[0]?.number]);
    } catch (error) {
      await session.end().catch(() => {});
      throw error;
    }
    this.#session = session;
  }

  async #drop(leases: readonly Lease[]): Promise<void> {
    for (const lease of leases) this.#held.delete(lease.partition);
    await Promise.all(leases.map((lease) => this.#options.onLost(lease)));
    if (leases.length > 0) {
      this.#options.logger.info({ partitions: leases.map((lease) => lease.partition) }, 'partitions let go');
    }
  }
}

/** Whether the session of instance `i` is there. */
const ALIVE = `exists (
  select from pg_locks k where k.locktype = 'advisory' and k.classid = ${LOCK_CLASS} and k.objid = i.number::oid
     and k.objsubid = 2 and k.granted and k.database = (select oid from pg_database where datname = current_database()))`;
