import { randomBytes } from 'node:crypto';
import { expect } from '@jest/globals';
import { eventually } from '../eventually.js';
import type { CollectedSpan, OtlpCollector } from '../otlp-collector.js';

/** What a system needs to send its spans to a collector, without a batch waiting for long. */
export const tracedTo = (collector: OtlpCollector): Record<string, string> => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
  OTEL_BSP_SCHEDULE_DELAY: '100',
});

/** A W3C `traceparent` of somebody who traces, with which a trace begins. */
export const newTraceparent = (): string =>
  `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;

/** The trace and the span that a `traceparent` names. */
export function named(traceparent: string): { traceId: string; spanId: string } {
  const [, traceId = '', spanId = ''] = traceparent.split('-');
  return { traceId, spanId };
}

/**
 * Waits until these spans of a trace are there, each the child of the one before it, and the first below `traceparent`.
 * @returns them
 */
export async function expectWay(
  collector: OtlpCollector,
  traceparent: string,
  way: readonly string[],
): Promise<CollectedSpan[]> {
  const { traceId, spanId } = named(traceparent);
  return await eventually(
    () => {
      const ways = collector
        .trace(traceId)
        .filter((span) => told(span) === way.at(-1))
        .map((span) => wayTo(span, collector))
        .filter(([first]) => first?.parentSpanId === spanId);
      expect(ways.map((spans) => spans.map(told))).toContainEqual(way);
      return ways.find((spans) => spans.every((span, i) => told(span) === way[i])) as CollectedSpan[];
    },
    { timeoutMs: 30_000 },
  );
}

/** From the first span in the system down to a span. */
function wayTo(last: CollectedSpan, collector: OtlpCollector): CollectedSpan[] {
  const spans = new Map(collector.trace(last.traceId).map((span) => [span.spanId, span]));
  const way: CollectedSpan[] = [];
  for (let span: CollectedSpan | undefined = last; span !== undefined; span = spans.get(span.parentSpanId)) {
    way.unshift(span);
  }
  return way;
}

/**
 * From the minute that tipped it to the call of the webhook a page is in one trace, through every process on the way.
 * @param published the traces that the minutes were measured in
 * @param called the `traceparent` that the webhook got
 */
export async function expectPageTraced(
  collector: OtlpCollector,
  published: readonly string[],
  called: string,
): Promise<void> {
  const { traceId, spanId } = named(called);
  const tipped = published.find((traceparent) => named(traceparent).traceId === traceId);
  const way = await expectWay(collector, tipped ?? '', [
    'ingest: POST /v1/measurements/:service/:sli',
    'ingest: append measurement.recorded',
    'evaluator: evaluate slo.alert.fired',
    'evaluator: append slo.alert.fired',
    'incident: process slo.alert.fired',
    'incident: append incident.declared',
    'paging: process incident.declared',
    'paging: append page.requested',
    'paging: deliver page',
    'paging: POST',
  ]);
  expect(way.at(-1)).toMatchObject({ spanId, kind: 'client', failed: false });
  const below = async (name: string, children: readonly unknown[]) =>
    expectChildren(collector, way.find((span) => told(span) === name) as CollectedSpan, children);
  await below('ingest: append measurement.recorded', [
    expect.stringMatching(/^relay: send measured[.]\d\d$/),
  ]);
  await below('evaluator: append slo.alert.fired', ['relay: send evt.slo.alert.fired.{key}']);
  await below('incident: append incident.declared', ['relay: send evt.incident.declared.{key}']);
  await below('paging: append page.requested', ['relay: send evt.page.requested.{key}']);
  await below('paging: deliver page', ['paging: append page.attempted', 'paging: append page.delivered']);
}

/** Waits until a span has all of these among its children. */
export async function expectChildren(
  collector: OtlpCollector,
  { traceId, spanId }: CollectedSpan,
  children: readonly unknown[],
): Promise<void> {
  await eventually(
    () => {
      const found = collector.trace(traceId).filter((span) => span.parentSpanId === spanId);
      expect(found.map(told)).toEqual(expect.arrayContaining([...children]));
    },
    { timeoutMs: 30_000 },
  );
}

/** `evaluator: append slo.alert.fired` */
const told = ({ service, name }: CollectedSpan): string => `${service.replace('bellwether-', '')}: ${name}`;
