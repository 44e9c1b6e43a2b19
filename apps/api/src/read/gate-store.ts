import type { GateOverridden, GateOverride } from '@bellwether/contracts';
import type { Paging } from '../routing/cursor.js';
import type { ReadModels } from './read-models.js';

interface OverrideRow {
  position: string;
  override: GateOverridden;
  withdrawn_at: Date | null;
  withdrawn_by: string | null;
}

/** Reads overrides of the gate as they are, or as they were known to be. */
export class GateStore {
  constructor(private readonly models: ReadModels) {}

  /** Those of a service that had not ended at a time, and were not withdrawn as far as was known at `asOf`. */
  async open(service: string, at: string, asOf?: string): Promise<GateOverride[]> {
    const rows = await this.models.rows<OverrideRow>(
      'gate_overrides',
      'open',
      (schema) => `${select(schema, '$3')}
                    and (override ->> 'until')::timestamptz > $2 order by position`,
      [service, at, asOf ?? null],
    );
    return rows.map(overrideOf).filter(({ withdrawnAt }) => withdrawnAt === null);
  }

  /** The newest first; one more than the page holds, when there are more. */
  async list(
    service: string,
    paging: Paging<number>,
    asOf?: string,
  ): Promise<{ position: number; override: GateOverride }[]> {
    const rows = await this.models.rows<OverrideRow>(
      'gate_overrides',
      'list',
      (schema) => `${select(schema, '$3')} and position < $2 order by position desc limit $4`,
      [service, paging.after ?? Number.MAX_SAFE_INTEGER, asOf ?? null, paging.limit + 1],
    );
    return rows.map((row) => ({ position: Number(row.position), override: overrideOf(row) }));
  }
}

/** The overrides of the service `$1`, as they were known at a parameter that may be null. */
const select = (schema: string, asOf: string): string =>
  `select position, override,
          case when withdrawn_recorded_at <= coalesce(${asOf}::timestamptz, 'infinity') then withdrawn_at end as withdrawn_at,
          case when withdrawn_recorded_at <= coalesce(${asOf}::timestamptz, 'infinity') then withdrawn_by end as withdrawn_by
     from ${schema}.overrides
    where service = $1 and recorded_at <= coalesce(${asOf}::timestamptz, 'infinity')`;

function overrideOf({ override, withdrawn_at, withdrawn_by }: OverrideRow): GateOverride {
  const { id, service, reason, from, until, by } = override;
  const withdrawnAt = withdrawn_at?.toISOString() ?? null;
  return { id, service, reason, from, until, by, withdrawnAt, withdrawnBy: withdrawn_by };
}
