import { keyOfStream, type Sli } from '@bellwether/contracts';
import type { Projection } from '@bellwether/event-log';

/** An SLI that is, or once was, fetched from a Prometheus: its definition, null when it is not any more. */
export interface SourceRow {
  /** `<service>/<sli>` */
  sli: string;
  definition: Sli | null;
}

/** The SLIs that are fetched, so that a start need not read the whole control log for them. */
export const prometheusSources: Projection = {
  name: 'prometheus_sources',
  version: 1,
  takes: ({ type }) => type === 'sli.defined',
  async create(tx, schema) {
    await tx.query(
      `create table ${schema}.sources (sli text primary key, position bigint not null, definition json)`,
    );
  },
  async apply(tx, event, schema) {
    const definition = event.data as Sli;
    const sli = keyOfStream(event.stream);
    if (definition.source?.prometheus === undefined) {
      const values = [sli, event.position];
      await tx.query(`update ${schema}.sources set position = $2, definition = null where sli = $1`, values);
      return;
    }
    await tx.query(
      `insert into ${schema}.sources (sli, position, definition) values ($1, $2, $3)
       on conflict (sli) do update set position = excluded.position, definition = excluded.definition`,
      [sli, event.position, JSON.stringify(definition)],
    );
  },
};
