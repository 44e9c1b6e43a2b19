import type { SloBudgetCrossed } from '@bellwether/contracts';
import type { Projection, RecordedEvent } from '@bellwether/event-log';

/** Where the measurements that alerts and budgets name stand, by the id of their event: the control log does not have them. */
export const evidence: Projection = {
  name: 'evidence',
  version: 2,
  keyOf: ({ stream }) => stream,
  takes: ({ type }) => /^((slo|rule)[.]alert|slo[.]budget|slo[.]policy)[.]/.test(type),
  async create(tx, schema) {
    await tx.query(`
      create table ${schema}.measurements (
        id text collate "C" primary key,
        journal text collate "C" not null,
        position bigint not null
      );
    `);
  },
  async apply(tx, { data }: RecordedEvent, schema) {
    const { evidence: found } = data as { evidence?: SloBudgetCrossed['evidence'] | null };
    if (!found) return;
    await tx.query({
      name: `${schema}-insert`,
      text: `insert into ${schema}.measurements (id, journal, position) values ($1, $2, $3)
             on conflict (id) do nothing`,
      values: [found.eventId, found.journal, found.position],
    });
  },
};
