import type { Paging } from '../routing/cursor.js';
import type { ReadModels } from './read-models.js';
import type { ResourceKind } from './resource-kinds.js';

/** One version of a resource. */
export interface ResourceVersion {
  key: string;
  version: number;
  data: Record<string, unknown>;
}

/** Reads resources as they are, or as they were known to be. */
export class ResourceStore {
  constructor(private readonly models: ReadModels) {}

  /** Undefined when there is none (any more). */
  async find(kind: ResourceKind, key: string, asOf?: string): Promise<ResourceVersion | undefined> {
    const [row] = await this.models.rows<ResourceVersion & { retired: boolean }>(
      'resources',
      'find',
      (schema) => `select key, version, retired, data from ${schema}.versions
                    where kind = $1 and key = $2 and recorded_at <= coalesce($3::timestamptz, 'infinity')
                    order by version desc limit 1`,
      [kind, key, asOf ?? null],
    );
    return row === undefined || row.retired ? undefined : row;
  }

  /** Version of the last definition, retired or not; 0 for none. */
  async version(kind: ResourceKind, key: string): Promise<number> {
    const [row] = await this.models.rows<{ version: number }>(
      'resources',
      'version',
      (schema) => `select version from ${schema}.versions where kind = $1 and key = $2
                    order by version desc limit 1`,
      [kind, key],
    );
    return row?.version ?? 0;
  }

  /** One more than the page holds, when there are more, in order of keys. `service` narrows to those of a service. */
  list(
    kind: ResourceKind,
    paging: Paging<string>,
    filter: { asOf?: string | undefined; service?: string | undefined } = {},
  ): Promise<ResourceVersion[]> {
    return this.models.rows<ResourceVersion>(
      'resources',
      'list',
      (schema) => `select key, version, data from (
                     select distinct on (key) key, version, retired, data from ${schema}.versions
                      where kind = $1 and key > $2 and recorded_at <= coalesce($4::timestamptz, 'infinity')
                      order by key, version desc) latest
                    where not retired and ($5::text is null or data ->> 'service' = $5)
                    order by key limit $3`,
      [kind, paging.after ?? '', paging.limit + 1, filter.asOf ?? null, filter.service ?? null],
    );
  }
}
