import type { OpenSpan, SpanOptions, Tracer } from '@bellwether/contracts';
import type { Span } from '@opentelemetry/api';
import type { SpanExporter } from '@opentelemetry/sdk-trace-node';
import type { ServiceConfig } from './config.js';
import type { Logger } from './logger.js';
import { requestContext } from './request-context.js';

/**
 * Spans by hand: of HTTP requests, messages, commands, appends, what the relay publishes and the calls that deliver
 * pages; messages and the log carry their trace on. Without a collector configured nothing of OpenTelemetry is loaded,
 * and a trace that came from outside is only handed on.
 */
export interface Tracing extends Tracer {
  /** Runs `work` in a span; what it causes carries the span's `traceparent` through {@link requestContext}. */
  span<T>(name: string, options: SpanOptions, work: (span: OpenSpan) => Promise<T>): Promise<T>;
  /** Sends what is left, for as long as that takes no more than two seconds. */
  stop(): Promise<void>;
}

/** No collector: traces pass through untouched. */
export const noTracing: Tracing = tracingWith(
  (_name, options) => ({
    traceparent: options?.parent ?? requestContext.getStore()?.traceparent,
    end: () => {},
  }),
  { enabled: false, stop: async () => {} },
);

/** A collector that is gone must not keep a service from ending. */
const stopMillis = 2_000;

/**
 * Starts tracing to the OTLP/HTTP collector at `OTEL_EXPORTER_OTLP_ENDPOINT` (`<endpoint>/v1/traces`), or
 * answers {@link noTracing} when that is unset. Spans are sent in batches beside the work, and dropped when the
 * collector does not keep up; sampling and batches follow the SDK's own variables (`OTEL_TRACES_SAMPLER`, `OTEL_BSP_…`).
 */
export async function startTracing(
  service: string,
  config: Pick<ServiceConfig, 'OTEL_EXPORTER_OTLP_ENDPOINT'>,
  logger: Pick<Logger, 'warn' | 'info'>,
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
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces` });
  const provider = new sdk.NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': `bellwether-${service}` }),
    spanProcessors: [new sdk.BatchSpanProcessor(telling(exporter, logger))],
  });
  const propagator = new W3CTraceContextPropagator();
  const kinds = {
    internal: api.SpanKind.INTERNAL,
    server: api.SpanKind.SERVER,
    client: api.SpanKind.CLIENT,
    producer: api.SpanKind.PRODUCER,
    consumer: api.SpanKind.CONSUMER,
  };
  const tracer = provider.getTracer('bellwether');

  function start(name: string, { kind, attributes, parent }: SpanOptions): Span {
    const cause = parent ?? requestContext.getStore()?.traceparent;
    const context =
      cause === undefined
        ? api.ROOT_CONTEXT
        : propagator.extract(api.ROOT_CONTEXT, { traceparent: cause }, api.defaultTextMapGetter);
    return tracer.startSpan(name, { kind: kinds[kind ?? 'internal'], attributes: attributes ?? {} }, context);
  }

  function traceparentOf(span: Span): string | undefined {
    const carrier: Record<string, string> = {};
    propagator.inject(api.trace.setSpan(api.ROOT_CONTEXT, span), carrier, api.defaultTextMapSetter);
    return carrier.traceparent;
  }

  function begin(name: string, options: SpanOptions = {}): OpenSpan {
    const span = start(name, options);
    return {
      traceparent: traceparentOf(span),
      end: (outcome) => {
        if (outcome?.error !== undefined) {
          const error = outcome.error instanceof Error ? outcome.error : new Error(String(outcome.error));
          span.setAttribute('error.type', error.name);
          span.recordException(error);
          span.setStatus({ code: api.SpanStatusCode.ERROR, message: error.message });
        }
        if (outcome?.attributes !== undefined) span.setAttributes(outcome.attributes);
        span.end();
      },
    };
  }

  return tracingWith(begin, {
    enabled: true,
    stop: async () => {
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, stopMillis);
      await Promise.race([provider.shutdown().catch(() => {}), late]);
      clearTimeout(timer);
    },
  });
}

function tracingWith(begin: Tracer['begin'], rest: Pick<Tracing, 'enabled' | 'stop'>): Tracing {
  return {
    ...rest,
    begin,
    async span(name, options, work) {
      const open = begin(name, options);
      const context = requestContext.getStore();
      const correlationId = context?.correlationId ?? open.traceparent?.split('-')[1] ?? name;
      try {
        const inside = { ...context, correlationId, traceparent: open.traceparent };
        const result = await requestContext.run(inside, () => work(open));
        open.end();
        return result;
      } catch (error) {
        open.end({ error });
        throw error;
      }
    },
  };
}

/** The exporter, saying once when the collector takes no more and once when it does again: not for each batch. */
function telling(exporter: SpanExporter, logger: Pick<Logger, 'warn' | 'info'>): SpanExporter {
  let failing = false;
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        // ExportResultCode.SUCCESS
        const failed = result.code !== 0;
        if (failed && !failing) {
          logger.warn(
            { error: result.error },
            'the collector of traces takes none; they are dropped meanwhile',
          );
        } else if (!failed && failing) logger.info('the collector of traces takes them again');
        failing = failed;
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  };
}
