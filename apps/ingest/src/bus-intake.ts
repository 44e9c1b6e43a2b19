import type { Bus, WorkMessage, WorkOutcome } from '@bellwether/bus';
import { type Clock, Headers, type PublishReceipt } from '@bellwether/contracts';
import { acceptCorrelationId, acceptTraceparent, type Tracing } from '@bellwether/service';
import type { IngestMetrics } from './ingest-metrics.js';
import { LogBusy } from './log-busy.js';
import { type HeaderReader, type MeasurementMessage, readFromBus } from './measurement/message.js';
import { Refusal } from './measurement/refusal.js';
import type { Origin, Recorded, Recorder } from './recorder.js';

/** Publishers over NATS share an account: the actor of what they send. */
const busPublisher = 'key:publisher';
const done: WorkOutcome = { kind: 'done' };
const correlationHeader = Headers.correlation.toLowerCase();

/** Works off messages of the stream SLI: reads, records, sends receipts, and says what is a dead letter. */
export class BusIntake {
  constructor(
    private readonly parts: {
      recorder: Pick<Recorder, 'record'>;
      bus: Pick<Bus, 'receipt'>;
      clock: Clock;
      metrics: IngestMetrics;
      tracing: Tracing;
    },
  ) {}

  /**
   * One outcome for each message, after the commits.
   *
   * @throws LogBusy when the log takes nothing now: all are tried again, and those that it took are recognised
   */
  readonly handle = async (messages: readonly WorkMessage[]): Promise<WorkOutcome[]> => {
    const attributes = { 'messaging.system': 'nats', 'messaging.batch.message_count': messages.length };
    return await this.parts.tracing.span(
      'record measurements',
      { kind: 'consumer', attributes },
      async () => {
        const now = this.parts.clock.now().getTime();
        const results = await Promise.allSettled(messages.map((message) => this.work(message, now)));
        return results.map((result) => {
          if (result.status === 'rejected') throw result.reason;
          return result.value;
        });
      },
    );
  };

  private async work(message: WorkMessage, now: number): Promise<WorkOutcome> {
    const header = headerReader(message);
    let measurement: MeasurementMessage | undefined;
    try {
      // The broker's clock is not this one: what it received "later" than now was received now.
      const receivedAt = Math.min(message.receivedAt.getTime(), now);
      const place = () => `stream:${message.streamCreated}/${message.sequence}`;
      measurement = readFromBus({ subject: message.subject, data: message.data, header }, place, {
        receivedAt,
        now,
      });
      const recorded = await this.parts.recorder.record(measurement, originOf(header));
      this.parts.metrics.recorded('nats', recorded);
      this.sendReceipt(message, measurement, recorded);
      return done;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.parts.metrics.refused('nats', error.reason);
      this.sendReceipt(message, measurement, error);
      return { kind: 'dead', error: error.message, path: error.path };
    }
  }

  private sendReceipt(
    { receiptInbox }: WorkMessage,
    measurement: MeasurementMessage | undefined,
    outcome: Recorded | Refusal,
  ): void {
    if (receiptInbox === undefined) return;
    const identity = measurement?.identity ?? '';
    const receipt: PublishReceipt =
      outcome instanceof Refusal
        ? { identity, status: 'refused', points: 0, error: outcome.message, path: outcome.path }
        : { identity, status: outcome.status, points: outcome.points, position: outcome.position };
    this.parts.bus.receipt(receiptInbox, JSON.stringify(receipt));
  }
}

/** Whether a failure passes by itself, with the messages kept in hand meanwhile. */
export function isPassing(error: unknown): boolean {
  return error instanceof LogBusy;
}

const noHeaders: HeaderReader = () => undefined;

/** Header names of NATS are case-sensitive to the client, and not to the publishers of the world. */
function headerReader({ headers }: WorkMessage): HeaderReader {
  if (headers === undefined) return noHeaders;
  const byName = new Map<string, string>();
  for (const name of headers.keys()) byName.set(name.toLowerCase(), headers.get(name));
  return (name) => byName.get(name);
}

function originOf(header: HeaderReader): Origin {
  if (header === noHeaders) return publisherOrigin;
  return {
    actor: busPublisher,
    correlationId: acceptCorrelationId(header(correlationHeader)),
    traceparent: acceptTraceparent(header(Headers.traceparent)),
  };
}

const publisherOrigin: Origin = { actor: busPublisher };
