import type { Page } from '@bellwether/contracts';
import type { Paging } from '../routing/cursor.js';
import { folded, foldedOne } from './folded-projection.js';
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
  constructor(private readonly models: ReadModels) {}

  async find(id: string, asOf?: string): Promise<Page | undefined> {
    const [row] = await this.models.rows<{ view: Page }>('pages', 'find', foldedOne, [id, asOf ?? null]);
    return row?.view;
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
    const rows = await this.models.rows<{ number: string; view: Page }>(
      'pages',
      then.length === 0 ? 'list' : 'list-then',
      (schema) => `select number, view from ${folded(schema, then.length === 0 ? undefined : '$7')} page
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
    return rows.map(({ number, view }) => ({ number: Number(number), view }));
  }
}
