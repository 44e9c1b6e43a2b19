import type { SloGroup } from '@bellwether/contracts';
import type { AlertFiring } from '@bellwether/slo';
import type { ReadModels } from './read-models.js';

interface AlertRow {
  slo: string;
  severity: AlertFiring['severity'];
  tier: string;
  of_group: string;
  event_id: string;
  fired_at: Date;
  resolved_at: Date | null;
}

/** Reads the firings of the alerts of SLOs. */
export class SloAlertStore {
  constructor(private readonly models: ReadModels) {}

  /** Those that fired within a span, the oldest first. */
  async fired({ from, to }: { from: Date; to: Date }): Promise<AlertFiring[]> {
    const rows = await this.models.rows<AlertRow>(
      'slo_alerts',
      'fired',
      (schema) => `select slo, severity, tier, of_group, event_id, fired_at, resolved_at from ${schema}.alerts
                    where fired_at >= $1 and fired_at < $2 order by fired_at, slo, severity, tier, of_group`,
      [from, to],
    );
    return rows.map((row) => ({
      slo: row.slo,
      severity: row.severity,
      tier: row.tier,
      group: row.of_group === '' ? null : (JSON.parse(row.of_group) as SloGroup),
      eventId: row.event_id,
      firedAt: row.fired_at.toISOString(),
      resolvedAt: row.resolved_at?.toISOString() ?? null,
    }));
  }
}
