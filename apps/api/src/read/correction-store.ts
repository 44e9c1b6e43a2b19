import type { SloCorrected, SloCorrection } from '@bellwether/contracts';
import type { Paging } from '../routing/cursor.js';
import type { ReadModels } from './read-models.js';

interface CorrectionRow {
  position: string;
  made_at: Date;
  correction: SloCorrected;
  withdrawn_at: Date | null;
  withdrawal: SloCorrected | null;
}

/** Reads corrections of SLOs as they are, or as they were known to be. */
export class CorrectionStore {
  constructor(private readonly models: ReadModels) {}

  /** The newest first; one more than the page holds, when there are more. */
  async list(
    slo: string,
    paging: Paging<number>,
    asOf?: string,
  ): Promise<{ position: number; correction: SloCorrection }[]> {
    const known = `withdrawn_recorded_at <= coalesce($3::timestamptz, 'infinity')`;
    const rows = await this.models.rows<CorrectionRow>(
      'slo_corrections',
      'list',
      (schema) => `select position, made_at, correction,
                          case when ${known} then withdrawn_at end as withdrawn_at,
                          case when ${known} then withdrawal end as withdrawal
                     from ${schema}.corrections
                    where slo = $1 and position < $2 and recorded_at <= coalesce($3::timestamptz, 'infinity')
                    order by position desc limit $4`,
      [slo, paging.after ?? Number.MAX_SAFE_INTEGER, asOf ?? null, paging.limit + 1],
    );
    return rows.map((row) => ({ position: Number(row.position), correction: correctionOf(row) }));
  }

  /** How often corrections of an SLO were added or withdrawn. */
  async version(slo: string, asOf?: string): Promise<number> {
    const [row] = await this.models.rows<{ version: number }>(
      'slo_corrections',
      'version',
      (schema) => `select coalesce(max(greatest(version,
                            case when withdrawn_recorded_at <= coalesce($2::timestamptz, 'infinity')
                                 then withdrawn_version end)), 0) as version
                     from ${schema}.corrections
                    where slo = $1 and recorded_at <= coalesce($2::timestamptz, 'infinity')`,
      [slo, asOf ?? null],
    );
    return row?.version ?? 0;
  }
}

function correctionOf({ made_at, correction, withdrawn_at, withdrawal }: CorrectionRow): SloCorrection {
  const { service: _, change: __, ...made } = correction;
  return {
    ...made,
    at: made_at.toISOString(),
    withdrawnBy: withdrawal?.by ?? null,
    withdrawnAt: withdrawn_at?.toISOString() ?? null,
    withdrawnReason: withdrawal?.withdrawnReason ?? null,
  };
}
