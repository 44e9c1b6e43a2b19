import { transaction } from '@bellwether/event-log';
import {
  alertKey,
  type IncidentSettings,
  type IncidentState,
  incidentNumber,
  nextDue,
} from '@bellwether/incident';
import type { ClientBase, Pool } from 'pg';

/** A pool or a transaction. */
export type Queryable = Pick<Pool | ClientBase, 'query'>;

const schema = `
  create table if not exists incident.incidents (
    id            text primary key,
    number        bigint not null,
    version       bigint not null,
    declared_at   timestamptz not null,
    resolved_at   timestamptz,
    merged_into   text,
    services      text[] not null,
    alert_sources text[] not null,
    firing        text[] not null,
    due_at        timestamptz
  ) with (fillfactor = 70);
  create index if not exists incidents_number on incident.incidents (number desc);
  create index if not exists incidents_open on incident.incidents using gin (services)
    where resolved_at is null and merged_into is null;
  create index if not exists incidents_resolved on incident.incidents (resolved_at) where merged_into is null;
  create index if not exists incidents_firing on incident.incidents using gin (firing);
  create index if not exists incidents_due on incident.incidents (due_at) where due_at is not null;
  create table if not exists incident.services (
    name       text primary key,
    depends_on text[] not null
  );
  create index if not exists services_depends_on on incident.services using gin (depends_on);
`;

/**
 * Which incidents may concern an alert, and when time acts on one. It only finds candidates: what is decided is
 * decided on the stream itself, so a row that lags behind is harmless. Everything in it follows from the log.
 */
export class IncidentIndex {
  constructor(private readonly settings: IncidentSettings) {}

  /** Makes the tables; the schema is there. Safe to repeat, and at once from several processes. */
  async migrate(pool: Pool): Promise<void> {
    await transaction(pool, async (tx) => {
      await tx.query("select pg_advisory_xact_lock(hashtextextended('incident index', 0))");
      await tx.query(schema);
    });
  }

  /** Keeps a state, unless a later one is kept already. */
  async save(db: Queryable, state: IncidentState): Promise<void> {
    await db.query(
      `insert into incident.incidents as i
         (id, number, version, declared_at, resolved_at, merged_into, services, alert_sources, firing, due_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
       on conflict (id) do update set
         version = excluded.version, resolved_at = excluded.resolved_at, merged_into = excluded.merged_into,
         services = excluded.services, alert_sources = excluded.alert_sources, firing = excluded.firing,
         due_at = excluded.due_at
       where i.version <= excluded.version`,
      [
        state.id,
        incidentNumber(state.id),
        state.version,
        state.declaredAt,
        state.resolvedAt,
        state.mergedInto,
        state.services,
        [...new Set(state.alerts.map((alert) => alert.name))],
        state.alerts.filter((alert) => alert.state === 'firing').map(alertKey),
        nextDue(state, this.settings),
      ],
    );
  }

  /** Version of the state that is kept; 0 for none. */
  async version(db: Queryable, id: string): Promise<number> {
    const { rows } = await db.query('select version from incident.incidents where id = $1', [id]);
    return Number(rows[0]?.version ?? 0);
  }

  /** The highest number kept; 0 for none. */
  async lastNumber(db: Queryable): Promise<number> {
    const { rows } = await db.query('select max(number) as number from incident.incidents');
    return Number(rows[0]?.number ?? 0);
  }

  /**
   * Incidents that an alert may belong to: open ones of these services, and ones resolved since `resolvedSince` that
   * had an alert of the same source.
   */
  async candidates(
    db: Queryable,
    find: { services: string[]; source: string; resolvedSince: Date },
  ): Promise<string[]> {
    const { rows } = await db.query<{ id: string }>(
      `select id from incident.incidents
        where resolved_at is null and merged_into is null and services && $1::text[]
       union
       select id from incident.incidents
        where resolved_at >= $3 and merged_into is null and alert_sources @> array[$2::text]`,
      [find.services, find.source, find.resolvedSince],
    );
    return rows.map(({ id }) => id);
  }

  /** Incidents in which an alert fires. */
  async withFiring(db: Queryable, alert: string): Promise<string[]> {
    const { rows } = await db.query<{ id: string }>(
      'select id from incident.incidents where firing @> array[$1::text] order by number',
      [alert],
    );
    return rows.map(({ id }) => id);
  }

  /** Open incidents, and the ones on which time is to act. */
  async open(db: Queryable): Promise<string[]> {
    const { rows } = await db.query<{ id: string }>(
      'select id from incident.incidents where resolved_at is null or due_at is not null order by number',
    );
    return rows.map(({ id }) => id);
  }

  /** Incidents that are due at `now`, which no other instance has in hand; locked until the transaction ends. */
  async due(tx: Queryable, now: Date, limit: number): Promise<string[]> {
    const { rows } = await tx.query<{ id: string }>(
      'select id from incident.incidents where due_at <= $1 order by due_at limit $2 for update skip locked',
      [now, limit],
    );
    return rows.map(({ id }) => id);
  }

  async saveService(db: Queryable, service: { name: string; dependsOn: readonly string[] }): Promise<void> {
    await db.query(
      `insert into incident.services (name, depends_on) values ($1, $2)
       on conflict (name) do update set depends_on = excluded.depends_on`,
      [service.name, service.dependsOn],
    );
  }

  /** Services that a service depends on, and those that depend on it. */
  async relatedServices(db: Queryable, service: string): Promise<Set<string>> {
    const { rows } = await db.query<{ name: string }>(
      `select unnest(depends_on) as name from incident.services where name = $1
       union select name from incident.services where depends_on @> array[$1::text]`,
      [service],
    );
    return new Set(rows.map(({ name }) => name));
  }
}
