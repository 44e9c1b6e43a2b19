import type { Incident, IncidentStatus, Severity } from '@bellwether/contracts';
import { incidentNumber } from '@bellwether/incident';
import type { Paging } from '../routing/cursor.js';
import type { ReadModels } from './read-models.js';

export interface IncidentFilter {
  asOf?: string | undefined;
  /** `open`: not resolved. */
  status?: readonly (IncidentStatus | 'open')[] | undefined;
  severity?: readonly Severity[] | undefined;
  service?: string | undefined;
  /** Declared at or after. */
  from?: string | undefined;
  /** Declared before. */
  to?: string | undefined;
}

/** Reads incidents as they are, or as they were known to be. */
export class IncidentStore {
  constructor(private readonly models: ReadModels) {}

  async find(id: string, asOf?: string): Promise<Incident | undefined> {
    const [row] = await this.models.rows<{ view: Incident }>(
      'incidents',
      'find',
      (schema) => `select view from ${schema}.history
                    where number = $1 and recorded_at <= coalesce($2::timestamptz, 'infinity')
                    order by version desc limit 1`,
      [incidentNumber(id), asOf ?? null],
    );
    return row?.view;
  }

  /** The newest first; one more than the page holds, when there are more. */
  async list(paging: Paging<number>, filter: IncidentFilter): Promise<Incident[]> {
    const statuses = filter.status?.flatMap((status) =>
      status === 'open' ? ['investigating', 'identified', 'monitoring'] : [status],
    );
    const rows = await this.models.rows<{ view: Incident }>(
      'incidents',
      'list',
      (schema) => `select view from (
                     select distinct on (number) * from ${schema}.history
                      where number < $1 and recorded_at <= coalesce($3::timestamptz, 'infinity')
                      order by number desc, version desc) latest
                    where ($4::text[] is null or status = any($4))
                      and ($5::text[] is null or severity = any($5))
                      and ($6::text is null or $6 = any(services))
                      and declared_at >= coalesce($7::timestamptz, '-infinity')
                      and declared_at < coalesce($8::timestamptz, 'infinity')
                    order by number desc limit $2`,
      [
        paging.after ?? 2_147_483_647,
        paging.limit + 1,
        filter.asOf ?? null,
        statuses ?? null,
        filter.severity ?? null,
        filter.service ?? null,
        filter.from ?? null,
        filter.to ?? null,
      ],
    );
    return rows.map(({ view }) => view);
  }
}
