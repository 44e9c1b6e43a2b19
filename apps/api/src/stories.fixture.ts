import { type EventData, LogStreams, measurementJournal } from '@bellwether/contracts';
import type { RecordedEvent } from '@bellwether/event-log';
import type { Rig } from './rig.fixture.js';

/** The first request of the first page of an incident, to ada. */
export function pageRequested(incident: string): EventData<'page.requested'> {
  return {
    page: `${incident}-P1`,
    incident,
    title: 'Checkout <fails>',
    severity: 'sev2',
    service: 'checkout',
    urgency: 'high',
    policy: 'pay',
    step: 1,
    cycle: 1,
    reason: 'declared',
    users: ['ada'],
    intents: [
      {
        idempotencyKey: `${incident}-key`,
        user: 'ada',
        method: 'hook',
        kind: 'webhook',
        secret: 'sealed:v1:c2VjcmV0',
        rule: 0,
        dueAt: '2026-11-22T10:00:00.000Z',
      },
    ],
    nextAction: { kind: 'escalate', at: '2026-11-22T10:05:00.000Z', step: 2 },
  };
}

/** A measurement that led to an alert, to an incident, to a page that was delivered. */
export async function burningStory(rig: Rig, incident: string): Promise<Record<string, RecordedEvent>> {
  const at = rig.clock.now();
  const journal = measurementJournal('checkout', 'availability');
  const measured = await rig.append(
    LogStreams.measurement('checkout', 'availability'),
    'measurement.recorded',
    {
      service: 'checkout',
      sli: 'availability',
      identity: 'shop/1',
      points: 2,
      columns: [
        { kind: 'counts', at: [at.getTime() - 60_000, at.getTime()], good: [450, 400], total: [500, 500] },
      ],
    },
    { journal, correlation: 'shop' },
  );
  const fired = await rig.append(
    LogStreams.slo('checkout-availability'),
    'slo.alert.fired',
    {
      slo: 'checkout-availability',
      service: 'checkout',
      severity: 'page',
      tier: 'fast',
      longWindow: '1h',
      shortWindow: '5m',
      longBurn: 14.6,
      shortBurn: 14.6,
      threshold: 14.4,
      budgetRemaining: 0.62,
      eventTime: at.toISOString(),
      n: 1,
      evidence: {
        journal,
        position: measured.position,
        eventId: measured.id,
        from: new Date(at.getTime() - 3_600_000).toISOString(),
        to: at.toISOString(),
        good: 850,
        total: 1000,
      },
      startedAt: at.toISOString(),
      declare: 'sev2',
      title: 'checkout-availability burns its budget',
    },
    { correlation: 'shop' },
  );
  const declared = await rig.append(
    LogStreams.incident(incident),
    'incident.declared',
    {
      incident,
      title: 'checkout-availability burns its budget',
      severity: 'sev2',
      services: ['checkout'],
      startedAt: at.toISOString(),
      detectedAt: at.toISOString(),
      labels: {},
      alert: {
        kind: 'slo',
        name: 'checkout-availability',
        service: 'checkout',
        severity: 'page',
        tier: 'fast',
        state: 'firing',
        firedAt: at.toISOString(),
        resolvedAt: null,
        eventId: fired.id,
      },
    },
    { causation: fired.id, correlation: 'shop' },
  );
  const requested = await rig.append(
    LogStreams.page(`${incident}-P1`),
    'page.requested',
    pageRequested(incident),
    {
      causation: declared.id,
      correlation: 'shop',
    },
  );
  const attempt = {
    page: `${incident}-P1`,
    incident,
    idempotencyKey: `${incident}-key`,
    user: 'ada',
    method: 'hook',
    kind: 'webhook' as const,
    step: 1,
    attempt: 1,
  };
  const delivered = await rig.append(
    LogStreams.page(`${incident}-P1`),
    'page.delivered',
    { ...attempt, statusCode: 200 },
    { correlation: 'shop' },
  );
  return { measured, fired, declared, requested, delivered };
}
