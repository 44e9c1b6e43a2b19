import type { MeasurementReceipt } from '@bellwether/contracts';
import type { IngestMetrics } from './ingest-metrics.js';
import { Refusal } from './measurement/refusal.js';
import type { Recorded } from './recorder.js';

/**
 * What HTTP answers to the outcomes of its messages. All of them are counted, those behind the first that failed too:
 * what is in the log must show.
 *
 * @throws the first failure; a Refusal's path begins with the index of its message when there are several
 */
export function receiptOf(
  outcomes: readonly PromiseSettledResult<Recorded>[],
  metrics: Pick<IngestMetrics, 'recorded' | 'refused'>,
): MeasurementReceipt {
  const receipt: MeasurementReceipt = { accepted: 0, duplicates: 0 };
  const failures: unknown[] = [];
  for (const [index, outcome] of outcomes.entries()) {
    if (outcome.status === 'fulfilled') {
      metrics.recorded('http', outcome.value);
      receipt[outcome.value.status === 'accepted' ? 'accepted' : 'duplicates'] += outcome.value.points;
      continue;
    }
    const { reason } = outcome;
    if (reason instanceof Refusal) metrics.refused('http', reason.reason);
    failures.push(reason instanceof Refusal && outcomes.length > 1 ? reason.within(String(index)) : reason);
  }
  if (failures.length > 0) throw failures[0];
  return receipt;
}
