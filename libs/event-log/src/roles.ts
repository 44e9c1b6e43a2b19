import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';

/** Owns the schema `log`. */
export const OWNER = 'bellwether_owner';
/** What services run as. */
export const WRITER = 'bellwether_writer';

const TRIES = 20;
const PAUSE_MS = 25;

/**
 * Makes the two roles, and the connecting user a member of both. Roles belong to the whole cluster, where no lock
 * of this database reaches: another database's migration may be at the same, so what it got to first is fine and
 * a row that changed underfoot is tried again.
 */
export async function ensureRoles(client: pg.Client): Promise<void> {
  for (let left = TRIES; ; left -= 1) {
    try {
      for (const role of [OWNER, WRITER]) await ensureRole(client, role);
      await client.query(
        `do $$ begin execute format('grant connect, create, temporary on database %I to ${WRITER}', current_database()); end $$`,
      );
      return;
    } catch (error) {
      if (!changedUnderfoot(error) || left === 0) throw error;
      await delay(PAUSE_MS);
    }
  }
}

async function ensureRole(client: pg.Client, role: string): Promise<void> {
  const { rowCount } = await client.query('select from pg_roles where rolname = $1', [role]);
  if (rowCount === 0) await client.query(`create role ${role} nologin`);
  // From Postgres 16 on a creator administers a role without being able to become it.
  const { rows } = await client.query<{ member: boolean }>(
    `select pg_has_role(current_user, $1,
       case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end) as member`,
    [role],
  );
  if (!rows[0]!.member) await client.query(`grant ${role} to current_user`);
}

/** Duplicate role, unique violation of the catalog, "tuple concurrently updated". */
function changedUnderfoot(error: unknown): boolean {
  const code = (error as { code?: string }).code ?? '';
  return ['42710', '23505', 'XX000', '40001'].includes(code);
}
