import type { Incident, IncidentStatus, Severity } from '@bellwether/contracts';
import type { EventLog } from '@bellwether/event-log';
import type { IncidentState } from '@bellwether/incident';
import type { Paging } from '../routing/cursor.js';
import { folded } from './folded-projection.js';
import { type FoldedRow, FoldedViews } from './folded-views.js';
import { incidentFolding } from './incidents.projection.js';
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

const OPEN: readonly IncidentStatus[] = ['investigating', 'identified', 'monitoring'];

/** Reads incidents as they are, or as they were known to be. */
export class IncidentStore {
  readonly #views: FoldedViews<IncidentState, Incident>;

  constructor(
    log: Pick<EventLog, 'readStream'>,
    private readonly models: ReadModels,
  ) {
    this.#views = new FoldedViews(log, models, incidentFolding);
  }

  async find(id: string, asOf?: string): Promise<Incident | undefined> {
    return await this.#views.find(id, asOf);
  }

  /** The newest first; one more than the page holds, when there are more. */
  async list(paging: Paging<number>, filter: IncidentFilter): Promise<Incident[]> {
    const statuses = filter.status?.flatMap((status) => (status === 'open' ? OPEN : [status]));
    const then = filter.asOf === undefined ? [] : [filter.asOf];
    const rows = await this.models.rows<FoldedRow<Incident>>(
      'incidents',
      then.length === 0 ? 'list' : 'list-then',
      (
        schema,
      ) => `select key, number, view from ${folded(schema, then.length === 0 ? undefined : '$8')} incident
                    where number < $1
                      and ($3::text[] is null or status = any($3))
                      and ($4::text[] is null or severity = any($4))
                      and ($5::text is null or $5 = any(services))
                      and declared_at >= coalesce($6::timestamptz, '-infinity')
                      and declared_at < coalesce($7::timestamptz, 'infinity')
                    order by number desc limit $2`,
      [
        paging.after ?? Number.MAX_SAFE_INTEGER,
        paging.limit + 1,
        statuses ?? null,
        filter.severity ?? null,
        filter.service ?? null,
        filter.from ?? null,
        filter.to ?? null,
        ...then,
      ],
    );
    return await this.#views.of(rows, filter.asOf);
  }
}
