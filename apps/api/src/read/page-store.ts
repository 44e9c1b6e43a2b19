import type { Page } from '@bellwether/contracts';
import type { EventLog } from '@bellwether/event-log';
import type { PageState } from '@bellwether/oncall';
import type { Paging } from '../routing/cursor.js';
import { folded } from './folded-projection.js';
import { type FoldedRow, FoldedViews } from './folded-views.js';
import { pageFolding } from './pages.projection.js';
import type { ReadModels } from './read-models.js';

export interface PageFilter {
  asOf?: string | undefined;
  status?: readonly Page['status'][] | undefined;
  incident?: string | undefined;
  service?: string | undefined;
  /** Somebody who was to be notified. */
  user?: string | undefined;
}

/** A page and its place in the order of pages. */
export interface PlacedPage {
  number: number;
  view: Page;
}

/** Reads pages as they are, or as they were known to be. */
export class PageStore {
  readonly #views: FoldedViews<PageState, Page>;

  constructor(
    log: Pick<EventLog, 'readStream'>,
    private readonly models: ReadModels,
  ) {
    this.#views = new FoldedViews(log, models, pageFolding);
  }

  async find(id: string, asOf?: string): Promise<Page | undefined> {
    return await this.#views.find(id, asOf);
  }

  /** Ids of the pages of an incident. */
  async idsOf(incident: string): Promise<string[]> {
    const rows = await this.models.rows<{ key: string }>(
      'pages',
      'keys',
      (schema) => `select key from ${schema}.current where incident = $1`,
      [incident],
    );
    return rows.map(({ key }) => key);
  }

  /** The newest first; one more than the page of the list holds, when there are more. */
  async list(paging: Paging<number>, filter: PageFilter): Promise<PlacedPage[]> {
    const then = filter.asOf === undefined ? [] : [filter.asOf];
    const rows = await this.models.rows<FoldedRow<Page>>(
      'pages',
      then.length === 0 ? 'list' : 'list-then',
      (schema) => `select key, number, view from ${folded(schema, then.length === 0 ? undefined : '$7')} page
                    where number < $1
                      and ($3::text[] is null or status = any($3))
                      and ($4::text is null or incident = $4)
                      and ($5::text is null or service = $5)
                      and ($6::text is null or $6 = any(users))
                    order by number desc limit $2`,
      [
        paging.after ?? Number.MAX_SAFE_INTEGER,
        paging.limit + 1,
        filter.status ?? null,
        filter.incident ?? null,
        filter.service ?? null,
        filter.user ?? null,
        ...then,
      ],
    );
    const views = await this.#views.of(rows, filter.asOf);
    return views.map((view, index) => ({ number: Number(rows[index]?.number), view }));
  }
}
