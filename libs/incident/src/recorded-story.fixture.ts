import type { EventData, EventType, LoggedEvent } from '@bellwether/contracts';
import { alert, at } from './specification.fixture.js';

/** Writes the story of an incident as the control journal holds it: positions dense, versions dense per stream. */
export class Journal {
  readonly events: LoggedEvent[] = [];

  /** Appends one event, `minutes` after 10:00; `recorded` minutes later it reached the log. Answers its id. */
  append<T extends EventType>(
    stream: string,
    type: T,
    data: EventData<T>,
    { minutes, by = 'service:incident', recorded = 0 }: { minutes: number; by?: string; recorded?: number },
  ): string {
    const position = this.events.length + 1;
    const id = `event-${position}`;
    this.events.push({
      journal: 'control',
      position,
      id,
      stream,
      version: this.events.filter((event) => event.stream === stream).length + 1,
      type,
      schema: 1,
      data,
      meta: { correlationId: 'story', causationId: null, actor: by, source: '/bellwether/incident' },
      occurredAt: new Date(at(minutes)),
      recordedAt: new Date(at(minutes + recorded)),
    });
    return id;
  }
}

const burning = {
  slo: 'checkout-availability',
  service: 'checkout',
  severity: 'page',
  tier: 'fast',
  longWindow: '1h',
  shortWindow: '5m',
  threshold: 14.4,
  n: 1,
  evidence: null,
} as const;

/** A deploy breaks checkout; an alert pages ada, who takes command and rolls back. */
export function deployStory(): Journal {
  const journal = new Journal();
  const incident = 'INC-1';
  const inc = `incident:${incident}`;
  const page = { page: 'INC-1-P1', incident } as const;
  const delivery = {
    user: 'ada',
    method: 'hook',
    kind: 'webhook',
    step: 1,
    attempt: 1,
    idempotencyKey: 'k',
  } as const;

  journal.append(
    'change:checkout',
    'change.recorded',
    { service: 'checkout', kind: 'deploy', version: '1.9.0', at: at(-90) },
    { minutes: -90 },
  );
  journal.append(
    'change:checkout',
    'change.recorded',
    {
      service: 'checkout',
      kind: 'deploy',
      version: '2.0.0',
      at: at(-10),
      actor: 'user:alan',
      url: 'https://git/2.0.0',
    },
    { minutes: -10 },
  );
  journal.append(
    'change:search',
    'change.recorded',
    { service: 'search', kind: 'deploy', version: '7', at: at(-9) },
    { minutes: -9 },
  );
  const fired = journal.append(
    'slo:checkout-availability',
    'slo.alert.fired',
    {
      ...burning,
      longBurn: 20.04,
      shortBurn: 150,
      budgetRemaining: 0.97,
      eventTime: at(0),
      startedAt: at(-4),
      declare: 'sev2',
      title: 'checkout burns its budget',
    },
    { minutes: 0 },
  );
  journal.append(
    'slo:search-latency',
    'slo.alert.fired',
    {
      ...burning,
      slo: 'search-latency',
      service: 'search',
      longBurn: 15,
      shortBurn: 15,
      budgetRemaining: 0.5,
      eventTime: at(0),
      startedAt: at(-1),
      declare: 'sev3',
      title: 'search',
    },
    { minutes: 0 },
  );
  journal.append(
    inc,
    'incident.declared',
    {
      incident,
      title: 'checkout burns its budget',
      severity: 'sev2',
      services: ['checkout'],
      startedAt: at(-4),
      detectedAt: at(0),
      labels: {},
      alert: alert({ eventId: fired }),
    },
    { minutes: 0 },
  );
  journal.append(
    'page:INC-1-P1',
    'page.requested',
    {
      ...page,
      title: 'checkout',
      severity: 'sev2',
      service: 'checkout',
      urgency: 'high',
      policy: 'pay',
      step: 1,
      cycle: 1,
      reason: 'declared',
      users: ['ada'],
      intents: [{ idempotencyKey: 'k', user: 'ada', method: 'hook', kind: 'webhook', rule: 0, dueAt: at(0) }],
      nextAction: { kind: 'escalate', at: at(5), step: 2 },
    },
    { minutes: 0, by: 'service:paging' },
  );
  journal.append(
    'page:INC-1-P1',
    'page.attempted',
    { ...page, ...delivery },
    { minutes: 0, by: 'service:paging' },
  );
  journal.append(
    'page:INC-1-P1',
    'page.delivered',
    { ...page, ...delivery, statusCode: 200 },
    { minutes: 0, by: 'service:paging' },
  );
  journal.append(
    'page:INC-1-P1',
    'page.acknowledged',
    { ...page, by: 'user:ada', via: 'link', at: at(2) },
    { minutes: 2, by: 'user:ada' },
  );
  journal.append(
    inc,
    'incident.acknowledged',
    { incident, by: 'user:ada', page: 'INC-1-P1', at: at(2) },
    { minutes: 2 },
  );
  journal.append(
    inc,
    'incident.role-assigned',
    { incident, role: 'commander', user: 'ada', previous: null, automatic: true },
    { minutes: 2 },
  );
  journal.append(
    'slo:checkout-availability',
    'slo.budget.crossed',
    {
      slo: 'checkout-availability',
      service: 'checkout',
      threshold: 0.5,
      direction: 'down',
      remaining: 0.49,
      eventTime: at(8),
      n: 1,
    },
    { minutes: 8 },
  );
  const note = journal.append(
    inc,
    'incident.note-added',
    { incident, text: 'rolled back to 1.8', at: at(9), links: [], pinned: true },
    { minutes: 12, by: 'user:ada' },
  );
  journal.append(
    inc,
    'incident.note-corrected',
    { incident, note, text: 'rolled back to 1.9.0', at: at(9), links: [], pinned: true },
    { minutes: 13, by: 'user:ada' },
  );
  const over = journal.append(
    'slo:checkout-availability',
    'slo.alert.resolved',
    {
      ...burning,
      longBurn: 16,
      shortBurn: 0,
      budgetRemaining: 0.42,
      eventTime: at(14),
      firedAt: at(0),
      reason: 'recovered',
    },
    { minutes: 14 },
  );
  journal.append(
    inc,
    'incident.alert-resolved',
    {
      incident,
      kind: 'slo',
      name: 'checkout-availability',
      severity: 'page',
      tier: 'fast',
      resolvedAt: at(14),
      eventId: over,
    },
    { minutes: 14 },
  );
  journal.append(
    inc,
    'incident.status-changed',
    {
      incident,
      from: 'investigating',
      to: 'monitoring',
      note: 'all page alerts have resolved',
      at: at(14),
      automatic: true,
    },
    { minutes: 14 },
  );
  journal.append(
    inc,
    'incident.resolved',
    { incident, at: at(20), note: 'holds', automatic: false },
    { minutes: 30, by: 'user:ada' },
  );
  journal.append(
    'page:INC-1-P1',
    'page.cancelled',
    { ...page, reason: 'resolved', cause: 'event-19' },
    { minutes: 30, by: 'service:paging' },
  );
  return journal;
}

/** After the end of the story's page: one receiver is told of it, another is not reached. */
export function noticesOf(journal: Journal): void {
  const page = { page: 'INC-1-P1', incident: 'INC-1' } as const;
  const call = { kind: 'webhook', step: 1, attempt: 1, notice: true } as const;
  journal.append(
    'page:INC-1-P1',
    'page.failed',
    {
      ...page,
      ...call,
      user: 'ada',
      method: 'hook',
      idempotencyKey: 'k_end',
      error: '503',
      statusCode: 503,
      retryAt: at(32),
    },
    { minutes: 31, by: 'service:paging' },
  );
  journal.append(
    'page:INC-1-P1',
    'page.delivered',
    { ...page, ...call, user: null, method: 'chat', idempotencyKey: 'l_end', statusCode: 204 },
    { minutes: 31, by: 'service:paging' },
  );
}
