import { transaction } from '@bellwether/event-log';
import type pg from 'pg';

export const schema = 'paging';

/** Forward only; each runs once, in a transaction of its own. All of it is derived from the log. */
const migrations: readonly { name: string; sql: string }[] = [
  {
    name: '0001-due',
    sql: `
      create table paging.pages (
        id      text primary key,
        -- of its stream: an older picture never overwrites a newer one
        version int not null
      );
      create table paging.due (
        page       text not null references paging.pages (id),
        key        text not null,
        kind       text not null check (kind in ('next', 'delivery', 'notice')),
        -- deliveries of one lane go to one receiver, which may be slow
        lane       text not null,
        due_at     timestamptz not null,
        priority   int not null,
        -- the instance at work on it, for as long as its session holds the lock of that number
        claimed_by int,
        primary key (page, key)
      );
      create index due_by_time on paging.due (priority, due_at);
      create table paging.step_runs (
        policy text not null,
        step   int not null,
        page   text not null,
        run    int not null,
        primary key (policy, step, page, run)
      );`,
  },
  {
    name: '0002-turns',
    sql: `
      -- of a round-robin step, counted over all pages; null is what a process of before still writes
      alter table paging.step_runs add column turn int;
      update paging.step_runs r set turn = n.turn
        from (select policy, step, page, run,
                     row_number() over (partition by policy, step order by page, run) - 1 as turn
                from paging.step_runs) n
       where (r.policy, r.step, r.page, r.run) = (n.policy, n.step, n.page, n.run);
      create index step_runs_by_turn on paging.step_runs (policy, step, turn);`,
  },
];

/** Makes the service's tables; safe to repeat, and at once from several processes. */
export async function migratePaging(pool: pg.Pool): Promise<void> {
  await transaction(pool, async (tx) => {
    await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', ['paging migrations']);
    await tx.query(`
      create schema if not exists paging;
      create table if not exists paging.migrations (name text primary key, applied_at timestamptz not null)`);
    const { rows } = await tx.query<{ name: string }>('select name from paging.migrations');
    const applied = new Set(rows.map((row) => row.name));
    for (const { name, sql } of migrations.filter((migration) => !applied.has(migration.name))) {
      await tx.query(sql);
      await tx.query('insert into paging.migrations (name, applied_at) values ($1, clock_timestamp())', [
        name,
      ]);
    }
  });
}
