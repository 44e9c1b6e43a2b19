import type { GateOverridden, GateOverrideWithdrawn } from '@bellwether/contracts';
import type { Projection, RecordedEvent } from '@bellwether/event-log';

/**
 * Overrides of the gate, and when it was known that they were made and withdrawn. It has no keys to park: with a withdrawal
 * passed over, the gate would be held open.
 */
export const gateOverrides: Projection = {
  name: 'gate_overrides',
  version: 1,
  takes: ({ type }) => type === 'gate.overridden' || type === 'gate.override-withdrawn',
  async create(tx, schema) {
    await tx.query(`
      create table ${schema}.overrides (
        id text primary key,
        service text collate "C" not null,
        position bigint not null unique,
        recorded_at timestamptz not null,
        override json not null,
        withdrawn_recorded_at timestamptz,
        withdrawn_at timestamptz,
        withdrawn_by text
      );
      create index on ${schema}.overrides (service, position desc);
    `);
  },
  async apply(tx, event: RecordedEvent, schema) {
    if (event.type === 'gate.overridden') {
      const data = event.data as GateOverridden;
      await tx.query(
        `insert into ${schema}.overrides (id, service, position, recorded_at, override) values ($1, $2, $3, $4, $5)`,
        [data.id, data.service, event.position, event.recordedAt, JSON.stringify(data)],
      );
    } else if (event.type === 'gate.override-withdrawn') {
      const { id, by } = event.data as GateOverrideWithdrawn;
      await tx.query(
        `update ${schema}.overrides
            set withdrawn_recorded_at = $2, withdrawn_at = $3, withdrawn_by = $4
          where id = $1 and withdrawn_at is null`,
        [id, event.recordedAt, event.occurredAt, by],
      );
    }
  },
};
