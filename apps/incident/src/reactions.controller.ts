import { JournalContext } from '@bellwether/bus';
import {
  type EventEnvelope,
  type EventType,
  fromWireType,
  type PageAcknowledged,
  type RuleAlertFired,
  type RuleAlertResolved,
  type Service,
  type SloAlertFired,
  type SloAlertResolved,
  type SloPolicyEntered,
  type SloPolicyLeft,
} from '@bellwether/contracts';
import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import type { PoolClient } from 'pg';
import { AlertDesk, firedByPolicy, firedByRule, firedBySlo, policyAlert, sloAlert } from './alert-desk.js';
import { IncidentIndex } from './incident-index.js';
import { type Cause, Incidents } from './incidents.js';
import { ReactionHistory } from './reaction-history.js';

type Context = JournalContext<PoolClient>;
/** Handles events of a type that the contract knows. */
const On = (type: EventType | 'incident.*'): MethodDecorator => EventPattern<string>(type);

/** What the service does because of events: each once, in the order of the log. */
@Controller()
export class ReactionsController {
  constructor(
    private readonly desk: AlertDesk,
    private readonly incidents: Incidents,
    private readonly index: IncidentIndex,
    private readonly history: ReactionHistory,
  ) {}

  @On('service.defined')
  async serviceDefined(@Payload() event: EventEnvelope<Service>, @Ctx() { tx }: Context): Promise<void> {
    await this.index.saveService(tx, event.data);
  }

  @On('slo.alert.fired')
  async sloAlertFired(@Payload() event: EventEnvelope<SloAlertFired>, @Ctx() { tx }: Context): Promise<void> {
    if (await this.#passed(event, tx)) return;
    await this.desk.onFired(tx, firedBySlo(event), causedBy(event, 'alert-fired'));
  }

  @On('rule.alert.fired')
  async ruleAlertFired(
    @Payload() event: EventEnvelope<RuleAlertFired>,
    @Ctx() { tx }: Context,
  ): Promise<void> {
    if (await this.#passed(event, tx)) return;
    await this.desk.onFired(tx, firedByRule(event), causedBy(event, 'alert-fired'));
  }

  @On('slo.alert.resolved')
  async sloAlertResolved(
    @Payload() event: EventEnvelope<SloAlertResolved>,
    @Ctx() { tx }: Context,
  ): Promise<void> {
    if (await this.#passed(event, tx)) return;
    const over = { ...sloAlert(event.data), resolvedAt: event.data.eventTime, eventId: event.id };
    await this.desk.onResolved(tx, over, causedBy(event, 'alert-resolved'));
  }

  @On('rule.alert.resolved')
  async ruleAlertResolved(
    @Payload() event: EventEnvelope<RuleAlertResolved>,
    @Ctx() { tx }: Context,
  ): Promise<void> {
    if (await this.#passed(event, tx)) return;
    const { rule, severity, eventTime } = event.data;
    const over = {
      kind: 'rule',
      name: rule,
      severity,
      tier: null,
      resolvedAt: eventTime,
      eventId: event.id,
    } as const;
    await this.desk.onResolved(tx, over, causedBy(event, 'alert-resolved'));
  }

  @On('slo.policy.entered')
  async sloPolicyEntered(
    @Payload() event: EventEnvelope<SloPolicyEntered>,
    @Ctx() { tx }: Context,
  ): Promise<void> {
    if (await this.#passed(event, tx)) return;
    await this.desk.onFired(tx, firedByPolicy(event), causedBy(event, 'policy-entered'));
  }

  @On('slo.policy.left')
  async sloPolicyLeft(@Payload() event: EventEnvelope<SloPolicyLeft>, @Ctx() { tx }: Context): Promise<void> {
    if (await this.#passed(event, tx)) return;
    const over = { ...policyAlert(event.data), resolvedAt: event.data.eventTime, eventId: event.id };
    await this.desk.onResolved(tx, over, causedBy(event, 'policy-left'));
  }

  @On('page.acknowledged')
  async pageAcknowledged(
    @Payload() event: EventEnvelope<PageAcknowledged>,
    @Ctx() { tx }: Context,
  ): Promise<void> {
    if (await this.#passed(event, tx)) return;
    const { incident, page, by, at } = event.data;
    const changed = await this.incidents.change(incident, causedBy(event, 'acknowledge'), () => ({
      ask: { type: 'acknowledge', data: { by, page, at } },
    }));
    await this.index.save(tx, changed.state);
  }

  /** Before the incident's own row is kept, so that one transaction holds what the merge led to. */
  @On('incident.merged')
  async incidentMerged(@Payload() event: EventEnvelope, @Ctx() { tx }: Context): Promise<void> {
    if (await this.#passed(event, tx)) return;
    await this.desk.onMerged(tx, event.subject, causedBy(event, 'absorb'));
  }

  @On('incident.*')
  async incidentChanged(@Payload() event: EventEnvelope, @Ctx() { tx }: Context): Promise<void> {
    if ((await this.index.version(tx, event.subject)) >= event.streamversion) return;
    const loaded = await this.incidents.load(event.subject);
    if (loaded) await this.index.save(tx, loaded.state);
  }

  /** Whether the event was handled before; then the index learns of what it led to, and nothing else happens. */
  async #passed(event: EventEnvelope, tx: PoolClient): Promise<boolean> {
    const incidents = await this.history.ledTo(event);
    for (const id of incidents ?? []) {
      const loaded = await this.incidents.load(id);
      if (loaded) await this.index.save(tx, loaded.state);
    }
    return incidents !== null;
  }
}

/** Aggregates whose events wait for one another when one of them fails: the kind and the key. */
export function aggregateOf(event: EventEnvelope): string {
  return `${fromWireType(event.type).type.split('.', 1)[0]}/${event.subject}`;
}

function causedBy(event: EventEnvelope, reaction: string): Cause {
  return {
    commandId: `reaction:${reaction}:${event.id}`,
    meta: {
      correlationId: event.correlationid,
      causationId: event.id,
      actor: 'service:incident',
      ...(event.traceparent ? { traceparent: event.traceparent } : {}),
    },
  };
}
