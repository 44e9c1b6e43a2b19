import type { OpenSpan, SpanOptions, Tracer } from '@bellwether/contracts';

/** A span as a {@link RecordingTracer} keeps it. */
export interface RecordedSpan extends SpanOptions {
  name: string;
  /** Of this span. */
  traceparent: string;
  /** Undefined until it ends. */
  outcome?: Parameters<OpenSpan['end']>[0] & object;
}

/** Keeps spans in the order in which they began; they stay in the trace of their parent. */
export class RecordingTracer implements Tracer {
  readonly enabled = true;
  readonly spans: RecordedSpan[] = [];

  begin(name: string, options: SpanOptions = {}): OpenSpan {
    const trace = options.parent?.split('-')[1] ?? hex(this.spans.length + 1, 32);
    const traceparent = `00-${trace}-${hex(this.spans.length + 1, 16)}-01`;
    const span: RecordedSpan = { name, ...options, traceparent };
    this.spans.push(span);
    return {
      traceparent,
      end: (outcome = {}) => {
        if (span.outcome !== undefined) throw new Error(`the span ${name} was ended twice`);
        span.outcome = outcome;
      },
    };
  }

  /** The only span of a name. @throws Error when there is another, or none */
  one(name: string): RecordedSpan {
    const [span, ...others] = this.spans.filter((each) => each.name === name);
    if (span === undefined || others.length > 0) {
      throw new Error(`not one span ${name}: ${this.spans.map((each) => each.name).join(', ')}`);
    }
    return span;
  }
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
