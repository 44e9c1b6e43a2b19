import { setImmediate as nextTurn } from 'node:timers/promises';
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

/** A few milliseconds' worth. */
const readInOneTurn = 64;

/** A message, and what it says or why it is refused. */
interface Reading {
  message: WorkMessage;
  origin: Origin;
  measurement: MeasurementMessage | Refusal;
}

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
        const readings = await this.readAll(messages, now);
        // All are told to the log at once, so that they share its groups: a few large ones cost it half of many small.
        const results = await Promise.allSettled(readings.map((reading) => this.settle(reading)));
        return results.map((result) => {
          if (result.status === 'rejected') throw result.reason;
          return result.value;
        });
      },
    );
  };

  /** Reads messages, a few in each turn of the event loop: a full batch must not keep HTTP waiting. */
  private async readAll(messages: readonly WorkMessage[], now: number): Promise<Reading[]> {
    const readings: Reading[] = [];
    for (const message of messages) {
      if (readings.length % readInOneTurn === readInOneTurn - 1) await nextTurn();
      readings.push(read(message, now));
    }
    return readings;
  }

  private async settle({ message, measurement, origin }: Reading): Promise<WorkOutcome> {
    try {
      if (measurement instanceof Refusal) throw measurement;
      const recorded = await this.parts.recorder.record(measurement, origin);
      this.parts.metrics.recorded('nats', recorded);
      this.sendReceipt(message, measurement, recorded);
      return done;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.parts.metrics.refused('nats', error.reason);
      this.sendReceipt(message, measurement, error);
      const [{ path, message: what }] = error.faults;
      return { kind: 'dead', error: what, path };
    }
  }

  private sendReceipt(
    { receiptInbox }: WorkMessage,
    measurement: MeasurementMessage | Refusal,
    outcome: Recorded | Refusal,
  ): void {
    if (receiptInbox === undefined) return;
    const identity = (measurement instanceof Refusal ? null : measurement.identity) ?? '';
    const receipt: PublishReceipt =
      outcome instanceof Refusal
        ? { identity, status: 'refused', points: 0, error: outcome.faults[0].message, path: outcome.path }
        : { identity, status: outcome.status, points: outcome.points, position: outcome.position };
    this.parts.bus.receipt(receiptInbox, JSON.stringify(receipt));
  }
}

/** Whether a failure passes by itself, with the messages kept in hand meanwhile. */
export function isPassing(error: unknown): boolean {
  return error instanceof LogBusy;
}

function read(message: WorkMessage, now: number): Reading {
  const header = headerReader(message);
  const origin = originOf(header);
  // The broker's clock is not this one: what it received "later" than now was received now.
  const receivedAt = Math.min(message.receivedAt.getTime(), now);
  const place = () => `stream:${message.streamCreated}/${message.sequence}`;
  const { subject, data } = message;
  try {
    return {
      message,
      origin,
      measurement: readFromBus({ subject, data, header }, place, { receivedAt, now }),
    };
  } catch (error) {
    if (error instanceof Refusal) return { message, origin, measurement: error };
    throw error;
  }
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
