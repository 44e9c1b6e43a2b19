import { randomInt } from 'node:crypto';
import { type PageDue, type PageState, pageDue } from '@bellwether/oncall';
import pg from 'pg';

/** Something about a page whose time has come. */
export interface ClaimedDue {
  page: string;
  kind: PageDue['kind'];
  key: string;
  lane: string;
}

/** Advisory locks of this class say which instances are alive; an arbitrary number of our own. */
const instanceLocks = 0x70616765;
const reconnectMs = 500;
/** An instance that says nothing for so long hangs: the server ends its session, and its claims are free. */
const silenceMs = 10_000;
const heartbeatMs = 3_000;

/**
 * What is due when, derived from the pages' states and rebuilt from the log with them. An entry is claimed by an
 * instance for as long as its database session lives, so that what a killed instance was at is free at once, and what
 * one was at that hangs when the server has not heard of it for a while.
 */
export class DueTable {
  readonly #pool: pg.Pool;
  readonly #connectionString: string;
  readonly #instance = randomInt(1, 2 ** 31 - 1);
  readonly #onError: (error: unknown) => void;
  #session: pg.Client | null = null;
  #heart: NodeJS.Timeout | null = null;
  #stopped = false;

  constructor(pool: pg.Pool, connectionString: string, onError: (error: unknown) => void) {
    this.#pool = pool;
    this.#connectionString = connectionString;
    this.#onError = onError;
  }

  /** Takes the lock that says that this instance is alive, and takes it again whenever the session is lost. */
  async start(): Promise<void> {
    const session = new pg.Client({
      connectionString: this.#connectionString,
      application_name: 'bellwether paging claims',
      keepAlive: true,
      connectionTimeoutMillis: 10_000,
      options: `-c idle_session_timeout=${silenceMs}`,
    });
    session.on('error', (error) => this.#lost(session, error));
    session.on('end', () => this.#lost(session, new Error('the session that holds the claims ended')));
    try {
      await session.connect();
      await session.query('select pg_advisory_lock($1, $2)', [instanceLocks, this.#instance]);
    } catch (error) {
      await session.end().catch(() => {});
      throw error;
    }
    this.#session = session;
    this.#heart ??= setInterval(
      () => void this.#session?.query('select').catch(() => {}),
      heartbeatMs,
    ).unref();
    if (this.#stopped) await this.stop();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#heart) clearInterval(this.#heart);
    const session = this.#session;
    this.#session = null;
    await session?.end();
  }

  /** Whether claims are safe from other instances at this moment. */
  get alive(): boolean {
    return this.#session !== null;
  }

  /** Notes what a page waits for now. An older version than the one noted changes nothing. */
  async index(state: PageState, version: number): Promise<void> {
    const due = pageDue(state);
    await this.#pool.query(
      `with head as (
         insert into paging.pages as p (id, version) values ($1, $2)
         on conflict (id) do update set version = excluded.version where p.version < excluded.version
         returning id
       ), gone as (
         delete from paging.due d using head where d.page = head.id and d.key <> all($3::text[])
       ), ran as (
         insert into paging.step_runs (policy, step, page, run, turn)
         select $8::text, r.step, head.id, r.run, r.turn
           from head, unnest($9::int[], $10::int[], $11::int[]) as r (step, run, turn)
          where $8::text is not null and r.turn is not null on conflict do nothing
       )
       insert into paging.due (page, key, kind, lane, due_at, priority)
       select head.id, w.key, w.kind, w.lane, w.due_at, w.priority
         from head, unnest($3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::int[])
              as w (key, kind, lane, due_at, priority)
       on conflict (page, key) do update
          set kind = excluded.kind, lane = excluded.lane, due_at = excluded.due_at, priority = excluded.priority`,
      [
        state.id,
        version,
        due.map((each) => each.key),
        due.map((each) => each.kind),
        due.map((each) => laneOf(state, each)),
        due.map((each) => new Date(each.at)),
        due.map((each) => priorityOf(state, each)),
        state.policy,
        state.runs.map((run) => run.step),
        state.runs.map((_, place) => place + 1),
        state.runs.map((run) => run.turn ?? null),
      ],
    );
  }

  /** Version of the page that was noted last; 0 when none was. */
  async indexedVersion(page: string): Promise<number> {
    const { rows } = await this.#pool.query<{ version: number }>(
      'select version from paging.pages where id = $1',
      [page],
    );
    return rows[0]?.version ?? 0;
  }

  /**
   * Claims what is due. @param working what this instance is at; @param busy lanes that have enough under way
   */
  async claim(
    now: Date,
    limit: number,
    working: readonly string[],
    busy: readonly string[],
  ): Promise<ClaimedDue[]> {
    if (!this.alive || limit <= 0) return [];
    const { rows } = await this.#pool.query<ClaimedDue>(
      `update paging.due d set claimed_by = $1 from (
         select page, key from paging.due
          where due_at <= $2 and lane <> all($4::text[]) and page || ' ' || key <> all($5::text[])
            and (claimed_by is null or claimed_by = $1 or not exists (
                  select from pg_locks l
                   where l.locktype = 'advisory' and l.granted and l.objsubid = 2 and l.classid = $6::int::oid
                     and l.objid = claimed_by::oid
                     and l.database = (select oid from pg_database where datname = current_database())))
          order by priority, due_at limit $3 for update skip locked
       ) free where d.page = free.page and d.key = free.key
       returning d.page, d.key, d.kind, d.lane`,
      [this.#instance, now, limit, busy, working, instanceLocks],
    );
    return rows;
  }

  /** Gives back a claim, where the entry is still there. */
  async release({ page, key }: ClaimedDue): Promise<void> {
    await this.#pool.query(
      'update paging.due set claimed_by = null where page = $1 and key = $2 and claimed_by = $3',
      [page, key, this.#instance],
    );
  }

  #lost(session: pg.Client, error: unknown): void {
    if (this.#session !== session) return;
    this.#session = null;
    if (this.#stopped) return;
    this.#onError(error);
    const again = () => {
      if (this.#stopped) return;
      this.start().catch((failure: unknown) => {
        this.#onError(failure);
        setTimeout(again, reconnectMs);
      });
    };
    again();
  }
}

function laneOf(state: PageState, { kind, key }: PageDue): string {
  if (kind === 'next') return 'next';
  const calls = kind === 'delivery' ? state.deliveries : state.notices;
  const call = calls.find((each) => each.key === key);
  return call?.user ? `${call.user}/${call.method}` : (call?.address ?? key);
}

/** A page's first call goes before repeats, and those before the news that a page is over. */
function priorityOf(state: PageState, { kind, key }: PageDue): number {
  if (kind === 'next') return 0;
  if (kind === 'notice') return 2;
  return state.deliveries.find((each) => each.key === key)?.attempts === 0 ? 0 : 1;
}
