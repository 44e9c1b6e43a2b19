/** What a span is to the ones beside it, as OpenTelemetry has it. */
export type SpanKind = 'server' | 'client' | 'producer' | 'consumer' | 'internal';

/** By OpenTelemetry's semantic conventions, else `bellwether.<what>`. */
export type SpanAttributes = Record<string, string | number | boolean>;

export interface SpanOptions {
  kind?: SpanKind;
  attributes?: SpanAttributes;
  /** W3C `traceparent` of the span that caused this one; by default that of the request or event in hand. */
  parent?: string | undefined;
}

/** A span under way. */
export interface OpenSpan {
  /** W3C `traceparent` of this span, for what it causes; of its parent where nothing is collected. */
  readonly traceparent: string | undefined;
  /** @param outcome.error why it failed */
  end(outcome?: { error?: unknown; attributes?: SpanAttributes }): void;
}

/**
 * Where spans come from. The log and the bus take this, as they take a clock, and know nothing of OpenTelemetry;
 * libs/service makes it.
 */
export interface Tracer {
  /** False where nothing is collected: then spans need not be prepared. */
  readonly enabled: boolean;
  begin(name: string, options?: SpanOptions): OpenSpan;
}

/** Collects nothing; a trace that came from outside is handed on. */
export const noTracer: Tracer = {
  enabled: false,
  begin: (_name, options) => ({ traceparent: options?.parent, end: () => {} }),
};
