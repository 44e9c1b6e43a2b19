import { Headers } from '@bellwether/contracts';
import { eventually, OtlpCollector } from '@bellwether/testing';
import { expect, jest, test } from '@jest/globals';
import { IngestStage, point } from './ingest-stage.fixture.js';

// Real servers on a busy machine.
jest.setTimeout(60_000);

const trace = '0af7651916cd43dd8448eb211c80319c';
const traceparent = `00-${trace}-b7ad6b7169203331-01`;

test('a message that came in a trace is recorded in it; the others share one of their own', async () => {
  const collector = await OtlpCollector.start();
  const stage = await IngestStage.start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint });
  stage.next();
  await stage.publish(point(), { [Headers.traceparent]: traceparent, [Headers.correlation]: 'story' });
  await stage.publish(point());
  await stage.publish({ good: 3, total: 2 }, { [Headers.traceparent]: traceparent.replace('b7', 'b8') });
  const recorded = await eventually(async () => {
    const found = await stage.recorded();
    expect(found).toHaveLength(2);
    return found;
  });
  await stage.deadLetter(`dlq.sli.${stage.service}.availability`);
  // Stopping sends what is left.
  await stage.stop();
  await collector.stop();

  const processed = collector.trace(trace).filter(({ name }) => name === 'process sli.>');
  processed.sort((a, b) => (a.parentSpanId < b.parentSpanId ? -1 : 1));
  expect(processed).toEqual([
    expect.objectContaining({
      service: 'bellwether-ingest',
      kind: 'consumer',
      parentSpanId: 'b7ad6b7169203331',
      attributes: expect.objectContaining({
        'messaging.system': 'nats',
        'messaging.destination.name': `sli.${stage.service}.availability`,
        'bellwether.outcome': 'done',
      }),
    }),
    expect.objectContaining({
      parentSpanId: 'b8ad6b7169203331',
      attributes: expect.objectContaining({ 'bellwether.outcome': 'dead' }),
    }),
  ]);
  const appends = collector.spans.filter(({ name }) => name === 'append measurement.recorded');
  const [own, shared] = [true, false].map((traced) => {
    const event = recorded.find(({ meta }) => (meta.correlationId === 'story') === traced);
    return appends.find(({ traceId, spanId }) => event?.meta.traceparent === `00-${traceId}-${spanId}-01`);
  });
  expect(own).toMatchObject({ traceId: trace, parentSpanId: processed[0]?.spanId });
  expect(collector.spans.find(({ spanId }) => spanId === shared?.parentSpanId)).toMatchObject({
    name: 'process sli.>',
    parentSpanId: '',
    attributes: { 'messaging.batch.message_count': 1 },
  });
});
