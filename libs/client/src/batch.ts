import { MEASUREMENT_CE_TYPE, MeasurementLimits } from '@bellwether/contracts';
import { context, type Link, trace } from '@opentelemetry/api';
import { uuidv7 } from 'uuidv7';
import type { WrittenPoint } from './written-points.js';

/** Room for the envelope around the points, in bytes. */
const envelopeBytes = 8192;
const mostBytes = MeasurementLimits.bytes - envelopeBytes;

/**
 * Points of one SLI that go out as one message. Its identity, `source` and `id`, is given when it is made and stays
 * through every repeat and over either way, so that it is recorded once.
 */
export class Batch {
  readonly id = uuidv7();
  /** Settles with the acknowledgement. */
  readonly settled: Promise<void>;
  /** The trace context in which its first point was measured. */
  readonly origin = context.active();
  /** The spans in which its other points were measured. */
  readonly links: Link[] = [];
  readonly #points: string[] = [];
  #bytes = 0;
  #resolve: () => void = () => {};
  #reject: (error: Error) => void = () => {};

  constructor(
    readonly service: string,
    readonly sli: string,
    readonly source: string,
  ) {
    this.settled = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Who does not wait for it hears of a refusal through `onRefused`.
    this.settled.catch(() => {});
  }

  /** Number of points. */
  get size(): number {
    return this.#points.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether one more point would make it too large for one message. */
  hasRoomFor(point: WrittenPoint, mostPoints: number): boolean {
    if (this.#points.length === 0) return true;
    return this.#points.length < mostPoints && this.#bytes + point.bytes + this.#points.length < mostBytes;
  }

  add(point: WrittenPoint): void {
    this.#points.push(point.text);
    this.#bytes += point.bytes;
    const span = trace.getSpanContext(context.active());
    const last = this.links.at(-1)?.context ?? trace.getSpanContext(this.origin);
    // Points of one span come one after the other; what counts for the trace is that the span is there at all.
    if (span !== undefined && span.spanId !== last?.spanId) this.links.push({ context: span });
  }

  /** The message: a CloudEvent in structured mode, which is the same over NATS and HTTP. */
  body(): string {
    const head = JSON.stringify({
      specversion: '1.0',
      type: MEASUREMENT_CE_TYPE,
      source: this.source,
      id: this.id,
      subject: `${this.service}/${this.sli}`,
    });
    return `${head.slice(0, -1)},"data":{"points":[${this.#points.join(',')}]}}`;
  }

  resolve(): void {
    this.#resolve();
  }

  reject(error: Error): void {
    this.#reject(error);
  }
}
