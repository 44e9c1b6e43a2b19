import { connectBus } from '@bellwether/bus';
import { Streams } from '@bellwether/contracts';
import { startNats, type TestNats, WebhookReceiver } from '@bellwether/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { publishOverHttp, publishOverNats } from './connect.js';
import { MeasurementRefused } from './errors.js';

const point = { good: 1, total: 2 };
/** What a program has that has set OpenTelemetry up. */
let provider: NodeTracerProvider;
let exporter: InMemorySpanExporter;
let nats: TestNats;

beforeAll(async () => {
  nats = await startNats();
  const bus = await connectBus({ servers: nats.url, name: 'test' });
  await bus.reconcile();
  await bus.drain();
});
beforeEach(() => {
  exporter = new InMemorySpanExporter();
  provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  provider.register();
});
afterEach(async () => {
  await provider.shutdown();
  for (const api of [trace, context, propagation]) api.disable();
});
afterAll(async () => {
  await nats.stop();
});

/** Runs `work` in a span of the program's own. */
async function inSpan<T>(name: string, work: () => Promise<T>): Promise<T> {
  return await trace.getTracer('shop').startActiveSpan(name, async (span) => {
    try {
      return await work();
    } finally {
      span.end();
    }
  });
}

const spanNamed = (name: string) => exporter.getFinishedSpans().find((span) => span.name === name);

describe('a program that traces itself', () => {
  test('publishes over NATS in its own trace, which goes out with the message', async () => {
    const to = await publishOverNats({ servers: nats.url, lingerMs: 1 });
    await inSpan('checkout', () => to.publish('checkout', 'availability', point));
    await to.close();
    const [asked, sent] = [spanNamed('checkout'), spanNamed('send sli.checkout.availability')];
    expect(sent).toMatchObject({
      kind: SpanKind.PRODUCER,
      parentSpanContext: { spanId: asked?.spanContext().spanId },
      attributes: { 'messaging.system': 'nats', 'messaging.operation.type': 'send', 'bellwether.points': 1 },
    });
    const bus = await connectBus({ servers: nats.url, name: 'reader' });
    const message = await bus.jsm.streams.getMessage(Streams.SLI, { last_by_subj: 'sli.>' });
    const { traceId, spanId } = sent?.spanContext() ?? {};
    expect(message?.header.get('traceparent')).toBe(`00-${traceId}-${spanId}-01`);
    await bus.drain();
  });

  test('a message of points of several spans is sent in the trace of the first, and names the others', async () => {
    const to = await publishOverNats({ servers: nats.url, lingerMs: 20 });
    await Promise.all([
      inSpan('one', () => to.publish('cart', 'latency', [{ value: 1 }, { value: 2 }])),
      inSpan('two', () => to.publish('cart', 'latency', { value: 3 })),
    ]);
    await to.close();
    const sent = spanNamed('send sli.cart.latency');
    expect(sent?.parentSpanContext?.spanId).toBe(spanNamed('one')?.spanContext().spanId);
    expect(sent?.links.map((link) => link.context.spanId)).toEqual([spanNamed('two')?.spanContext().spanId]);
  });

  test('publishes over HTTP with the trace in its header; a refusal fails the span', async () => {
    const ingest = await WebhookReceiver.start();
    ingest.answerAlways({ status: 202, body: '{"accepted":1,"duplicates":0}' });
    const to = publishOverHttp({ url: ingest.url(''), token: 'word', lingerMs: 1 });
    await inSpan('checkout', () => to.publish('checkout', 'availability', point));
    const sent = spanNamed('POST');
    const { traceId, spanId } = sent?.spanContext() ?? {};
    expect(ingest.requests[0]?.headers.traceparent).toBe(`00-${traceId}-${spanId}-01`);
    expect(sent).toMatchObject({ kind: SpanKind.CLIENT, status: { code: SpanStatusCode.UNSET } });
    exporter.reset();
    ingest.answerAlways({ status: 400, body: '{}' });
    await expect(to.publish('checkout', 'availability', point)).rejects.toThrow(MeasurementRefused);
    expect(spanNamed('POST')).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: { 'error.type': 'MeasurementRefused' },
    });
    await to.close();
    await ingest.stop();
  });
});
