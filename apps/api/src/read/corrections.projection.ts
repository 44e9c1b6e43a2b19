import type { SloCorrected } from '@bellwether/contracts';
import type { Projection, RecordedEvent } from '@bellwether/event-log';

/** Corrections of SLOs, and when it was known that they were made and withdrawn. Versions count an SLO's changes. */
export const corrections: Projection = {
  name: 'slo_corrections',
  version: 1,
  keyOf: ({ stream }) => stream,
  takes: ({ type }) => type === 'slo.corrected',
  async create(tx, schema) {
    await tx.query(`
      create table ${schema}.corrections (
        slo text collate "C" not null,
        id text not null,
        position bigint not null unique,
        version int not null,
        recorded_at timestamptz not null,
        made_at timestamptz not null,
        correction json not null,
        withdrawn_version int,
        withdrawn_recorded_at timestamptz,
        withdrawn_at timestamptz,
        withdrawal json,
        primary key (slo, id)
      );
      create index on ${schema}.corrections (slo, position desc);
    `);
  },
  async apply(tx, event: RecordedEvent, schema) {
    const { slo, id, change } = event.data as SloCorrected;
    const { rows } = await tx.query<{ next: number }>(
      `select coalesce(max(greatest(version, withdrawn_version)), 0) + 1 as next
         from ${schema}.corrections where slo = $1`,
      [slo],
    );
    const next = rows[0]?.next ?? 1;
    const data = JSON.stringify(event.data);
    if (change === 'added') {
      await tx.query(
        `insert into ${schema}.corrections (slo, id, position, version, recorded_at, made_at, correction)
         values ($1, $2, $3, $4, $5, $6, $7)`,
        [slo, id, event.position, next, event.recordedAt, event.occurredAt, data],
      );
      return;
    }
    await tx.query(
      `update ${schema}.corrections
          set withdrawn_version = $3, withdrawn_recorded_at = $4, withdrawn_at = $5, withdrawal = $6
        where slo = $1 and id = $2 and withdrawn_at is null`,
      [slo, id, next, event.recordedAt, event.occurredAt, data],
    );
  },
};
