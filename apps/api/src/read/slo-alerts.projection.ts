import type { SloAlertFired, SloAlertResolved, SloGroup } from '@bellwether/contracts';
import type { Projection, RecordedEvent } from '@bellwether/event-log';

/** Every firing of an SLO's alert, and when it ended. */
export const sloAlerts: Projection = {
  name: 'slo_alerts',
  version: 1,
  keyOf: ({ stream }) => stream,
  takes: ({ type }) => type === 'slo.alert.fired' || type === 'slo.alert.resolved',
  async create(tx, schema) {
    await tx.query(`
      create table ${schema}.alerts (
        slo text collate "C" not null,
        severity text collate "C" not null,
        tier text collate "C" not null,
        -- Label and value of a group, empty for the whole: groups are numbered apart from it.
        of_group text collate "C" not null,
        n int not null,
        event_id uuid not null,
        fired_at timestamptz not null,
        resolved_at timestamptz,
        primary key (slo, severity, tier, of_group, n)
      );
      create index on ${schema}.alerts (fired_at);
    `);
  },
  async apply(tx, event: RecordedEvent, schema) {
    if (event.type === 'slo.alert.fired') {
      const { slo, severity, tier, group, n, eventTime } = event.data as SloAlertFired;
      await tx.query(
        `insert into ${schema}.alerts (slo, severity, tier, of_group, n, event_id, fired_at)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict (slo, severity, tier, of_group, n) do nothing`,
        [slo, severity, tier, textOf(group), n, event.id, eventTime],
      );
    } else if (event.type === 'slo.alert.resolved') {
      const { slo, severity, tier, group, n, eventTime } = event.data as SloAlertResolved;
      await tx.query(
        `update ${schema}.alerts set resolved_at = $6
          where slo = $1 and severity = $2 and tier = $3 and of_group = $4 and n = $5 and resolved_at is null`,
        [slo, severity, tier, textOf(group), n, eventTime],
      );
    }
  },
};

const textOf = (group: SloGroup | undefined): string => (group === undefined ? '' : JSON.stringify(group));
