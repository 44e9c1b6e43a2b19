import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Bus, WorkMessage, WorkOutcome } from '@bellwether/bus';
import {
  type Clock,
  Headers,
  type OpenSpan,
  type PublishReceipt,
  type SpanAttributes,
  Subjects,
  type Tracer,
} from '@bellwether/contracts';
import { acceptCorrelationId, acceptTraceparent } from '@bellwether/service';
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
      tracer: Tracer;
    },
  ) {}

  /**
   * One outcome for each message, after the commits.
   *
   * @throws LogBusy when the log takes nothing now: all are tried again, and those that it took are recognised
   */
  readonly handle = async (messages: readonly WorkMessage[]): Promise<WorkOutcome[]> => {
    const now = this.parts.clock.now().getTime();
    const readings = await this.readAll(messages, now);
    const { tracer } = this.parts;
    const end = tracer.enabled ? beginSpans(tracer, readings) : () => {};
    // All are told to the log at once, so that they share its groups: a few large ones cost it half of many small.
    const results = await Promise.allSettled(readings.map((reading) => this.settle(reading)));
    end(results);
    return results.map((result) => {
      if (result.status === 'rejected') throw result.reason;
      return result.value;
    });
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
  // A power cut may take the end of a stream: its sequences are then given to other messages, at other times.
  const place = () => `stream:${message.streamCreated}/${message.sequence}@${message.receivedAt.getTime()}`;
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

/**
 * Begins a span for each message that came in a trace, and one for all others together; what is recorded of a message
 * belongs to its span.
 * @returns what ends them
 */
function beginSpans(
  tracer: Tracer,
  readings: Reading[],
): (results: readonly PromiseSettledResult<WorkOutcome>[]) => void {
  const untraced = readings.filter(({ origin }) => origin.traceparent === undefined).length;
  const shared =
    untraced === 0 ? null : beginSpan(tracer, Subjects.allSli, { 'messaging.batch.message_count': untraced });
  const spans = readings.map((reading) => {
    const { message, origin } = reading;
    const span = origin.traceparent === undefined ? null : beginSpan(tracer, message.subject, {}, origin);
    reading.origin = { ...origin, traceparent: (span ?? shared)?.traceparent };
    return span;
  });
  return (results) => {
    const failed = results.find((result) => result.status === 'rejected');
    shared?.end(failed ? { error: failed.reason } : {});
    for (const [index, span] of spans.entries()) {
      const result = results[index];
      if (result?.status === 'rejected') span?.end({ error: result.reason });
      else span?.end({ attributes: { 'bellwether.outcome': result?.value.kind ?? '' } });
    }
  };
}

function beginSpan(
  tracer: Tracer,
  subject: string,
  more: SpanAttributes,
  origin?: Pick<Origin, 'traceparent'>,
): OpenSpan {
  return tracer.begin(`process ${Subjects.allSli}`, {
    kind: 'consumer',
    parent: origin?.traceparent,
    attributes: {
      'messaging.system': 'nats',
      'messaging.destination.name': subject,
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.consumer.group.name': 'ingest',
      ...more,
    },
  });
}
