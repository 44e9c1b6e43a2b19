import type { Span, Tracer } from '@opentelemetry/api';
import type { ServiceConfig } from './config.js';
import { requestContext } from './request-context.js';

export type SpanKind = 'server' | 'client' | 'producer' | 'consumer' | 'internal';

export interface SpanOptions {
  kind?: SpanKind;
  /** Attributes by OpenTelemetry's semantic conventions. */
  attributes?: Record<string, string | number | boolean>;
  /** W3C `traceparent` of the span that caused this one; by default that of the request or event in hand. */
  parent?: string | undefined;
}

/** Ends a span begun with {@link Tracing.begin}. */
export interface OpenSpan {
  /** W3C `traceparent` of this span, for what it causes. */
  readonly traceparent: string | undefined;
  end(outcome?: { error?: unknown; attributes?: Record<string, string | number | boolean> }): void;
}

/**
 * Spans by hand: one for each HTTP request and each message handled; the log carries their trace on. Without a collector
 * configured nothing of OpenTelemetry is loaded, and a trace that came from outside is only handed on.
 */
export interface Tracing {
  readonly enabled: boolean;
  begin(name: string, options?: SpanOptions): OpenSpan;
  /** Runs `work` in a span; what it causes carries the span's `traceparent` through {@link requestContext}. */
  span<T>(name: string, options: SpanOptions, work: () => Promise<T>): Promise<T>;
  /** The `traceparent` to put into a message or an event. */
  traceparent(): string | undefined;
  /** Sends what is left. */
  stop(): Promise<void>;
}

/** No collector: traces pass through untouched. */
export const noTracing: Tracing = {
  enabled: false,
  begin: (_name, options) => ({
    traceparent: options?.parent ?? requestContext.getStore()?.traceparent,
    end: () => {},
  }),
  span: (_name, _options, work) => work(),
  traceparent: () => requestContext.getStore()?.traceparent,
  stop: async () => {},
};

/**
 * Starts tracing to the OTLP/HTTP collector at `OTEL_EXPORTER_OTLP_ENDPOINT` (`<endpoint>/v1/traces`), or
 * answers {@link noTracing} when that is unset.
 */
export async function startTracing(
  service: string,
  config: Pick<ServiceConfig, 'OTEL_EXPORTER_OTLP_ENDPOINT'>,
): Promise<Tracing> {
  const endpoint = config.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (endpoint === undefined) return noTracing;
  const [api, sdk, { OTLPTraceExporter }, { resourceFromAttributes }, { W3CTraceContextPropagator }] =
    await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/sdk-trace-node'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
      import('@opentelemetry/core'),
    ]);
  const provider = new sdk.NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': `bellwether-${service}` }),
    spanProcessors: [
      new sdk.BatchSpanProcessor(new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces` })),
    ],
  });
  const propagator = new W3CTraceContextPropagator();
  const kinds = {
    internal: api.SpanKind.INTERNAL,
    server: api.SpanKind.SERVER,
    client: api.SpanKind.CLIENT,
    producer: api.SpanKind.PRODUCER,
    consumer: api.SpanKind.CONSUMER,
  };
  const tracer: Tracer = provider.getTracer('bellwether');

  function start(name: string, options: SpanOptions = {}): Span {
    const parent = options.parent ?? requestContext.getStore()?.traceparent;
    const context =
      parent === undefined
        ? api.ROOT_CONTEXT
        : propagator.extract(api.ROOT_CONTEXT, { traceparent: parent }, api.defaultTextMapGetter);
    return tracer.startSpan(
      name,
      { kind: kinds[options.kind ?? 'internal'], attributes: options.attributes ?? {} },
      context,
    );
  }

  function traceparentOf(span: Span): string | undefined {
    const carrier: Record<string, string> = {};
    propagator.inject(api.trace.setSpan(api.ROOT_CONTEXT, span), carrier, api.defaultTextMapSetter);
    return carrier.traceparent;
  }

  function begin(name: string, options?: SpanOptions): OpenSpan {
    const span = start(name, options);
    return {
      traceparent: traceparentOf(span),
      end: (outcome) => {
        if (outcome?.attributes !== undefined) span.setAttributes(outcome.attributes);
        if (outcome?.error !== undefined) {
          if (outcome.error instanceof Error) span.recordException(outcome.error);
          span.setStatus({ code: api.SpanStatusCode.ERROR });
        }
        span.end();
      },
    };
  }

  return {
    enabled: true,
    begin,
    async span(name, options, work) {
      const open = begin(name, options);
      const context = requestContext.getStore();
      const inside =
        context === undefined
          ? { correlationId: open.traceparent?.split('-')[1] ?? name, traceparent: open.traceparent }
          : { ...context, traceparent: open.traceparent };
      try {
        const result = await requestContext.run(inside, work);
        open.end();
        return result;
      } catch (error) {
        open.end({ error });
        throw error;
      }
    },
    traceparent: () => requestContext.getStore()?.traceparent,
    stop: async () => {
      // A collector that is gone must not keep the service from ending.
      await provider.shutdown().catch(() => {});
    },
  };
}
