import type { MeasurementReceipt } from '@bellwether/contracts';
import type { IngestMetrics } from './ingest-metrics.js';
import type { Recorded } from './recorder.js';

/** What HTTP answers when all messages of a request are in the log; they are counted. */
export function receiptOf(
  recorded: readonly Recorded[],
  metrics: Pick<IngestMetrics, 'recorded'>,
): MeasurementReceipt {
  const receipt: MeasurementReceipt = { accepted: 0, duplicates: 0 };
  for (const each of recorded) {
    metrics.recorded('http', each);
    receipt[each.status === 'accepted' ? 'accepted' : 'duplicates'] += each.points;
  }
  return receipt;
}
