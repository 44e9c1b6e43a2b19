import type {
  EventEnvelope,
  IncidentAlert,
  RuleAlertFired,
  Severity,
  SloAlertFired,
  SloAlertResolved,
  SloPolicyEntered,
  SloPolicyLeft,
} from '@bellwether/contracts';
import { CommandRefused } from '@bellwether/contracts';
import { type AlertIdentity, alertKey, place, REOPEN_WINDOW_MS } from '@bellwether/incident';
import type { IncidentIndex, Queryable } from './incident-index.js';
import { busy, type Cause, type Changed, type Declaration, type Incidents } from './incidents.js';

/** An alert that fired, and the incident it asks for. */
export interface FiredAlert {
  readonly alert: IncidentAlert;
  readonly startedAt: string;
  readonly title: string;
  /** Severity of incident that it asks for; null when it only joins one that is there. */
  readonly asks: Severity | null;
  readonly escalationPolicy?: string | undefined;
}

/** What fired, from the event of an SLO. */
export function firedBySlo(event: EventEnvelope<SloAlertFired>): FiredAlert {
  const { startedAt, declare, escalationPolicy, title } = event.data;
  return {
    alert: fired(sloAlert(event.data), event),
    startedAt,
    title,
    asks: declare,
    escalationPolicy,
  };
}

/** How an incident knows an alert of an SLO, or of a group of it. */
export function sloAlert({ slo, severity, tier, group }: SloAlertFired | SloAlertResolved): AlertIdentity {
  return { kind: 'slo', name: slo, severity, tier, ...(group && { group }) };
}

/** What fired, from an SLO that entered a step of its error-budget policy: it is no alert of the SLO's windows. */
export function firedByPolicy(event: EventEnvelope<SloPolicyEntered>): FiredAlert {
  const { eventTime, declare, escalationPolicy, title } = event.data;
  return {
    alert: fired(policyAlert(event.data), event),
    startedAt: eventTime,
    title,
    asks: declare,
    escalationPolicy,
  };
}

/**
 * How an incident knows a step of an error-budget policy. Under a name of its own, or a step entered soon after an
 * outage would reopen that incident and page for it.
 */
export function policyAlert({
  slo,
  action,
  remainingBelow,
}: SloPolicyEntered | SloPolicyLeft): AlertIdentity {
  const tier = `${action} below ${Number((remainingBelow * 100).toPrecision(3))} %`;
  return { kind: 'rule', name: `budget/${slo}`, severity: 'ticket', tier };
}

/** What fired, from the event of a rule, an absent SLI or another monitoring system. */
export function firedByRule(event: EventEnvelope<RuleAlertFired>): FiredAlert {
  const { rule, severity, startedAt, declare, escalationPolicy, summary } = event.data;
  return {
    alert: fired({ kind: 'rule', name: rule, severity, tier: null }, event),
    startedAt,
    // A title is one line of at most 200 characters; a summary from outside may be longer.
    title: summary.split('\n', 1)[0]?.slice(0, 200).toWellFormed() || `${rule} fires`,
    asks: declare,
    escalationPolicy,
  };
}

function fired(
  identity: AlertIdentity,
  { id, data }: EventEnvelope<SloAlertFired | SloPolicyEntered | RuleAlertFired>,
): IncidentAlert {
  const { service, eventTime, runbookUrl, declare } = data;
  return {
    ...identity,
    service,
    state: 'firing',
    firedAt: eventTime,
    resolvedAt: null,
    eventId: id,
    ...(runbookUrl && { runbookUrl }),
    ...(identity.severity === 'page' && declare === null && { declares: false }),
  };
}

/** Finds the incident that an alert belongs to, and opens one where there is none. */
export class AlertDesk {
  constructor(
    private readonly incidents: Incidents,
    private readonly index: IncidentIndex,
  ) {}

  /**
   * Attaches, reopens or declares, once per cause. The place is sought again when the incident it was to join has
   * changed, or another one was declared, in the meantime.
   */
  async onFired(db: Queryable, found: FiredAlert, cause: Cause): Promise<void> {
    const before = await this.incidents.answered(cause);
    if (before) return await this.#keep(db, before);
    for (let attempt = 1; attempt <= 100; attempt++) {
      const last = await this.#learnNumbers(db);
      const placement = await this.#place(db, found);
      if (placement.kind === 'declare') {
        if (found.asks === null) return;
        const declared = await this.incidents.declareAfter(last, declarationOf(found, found.asks), cause);
        if (declared) return await this.#keep(db, declared);
      } else {
        const { alert, asks } = found;
        const changed = await this.incidents.change(placement.incident, cause, () => ({
          ask: { type: 'attach-alert', data: { alert, asks } },
        }));
        await this.#keep(db, changed);
        const attached = changed.position > 0 || changed.state.alerts.some((one) => isFiring(one, alert));
        // Merged or resolved just now: what does not take it in does not get to keep it from another.
        if (attached || (asks === null && changed.state.status === 'resolved')) return;
      }
    }
    throw busy('the incident of an alert');
  }

  /** Tells every incident in which the alert fires that it is over. */
  async onResolved(
    db: Queryable,
    over: AlertIdentity & { resolvedAt: string; eventId: string },
    cause: Cause,
  ): Promise<void> {
    for (const id of await this.index.withFiring(db, alertKey(over))) {
      const each = { ...cause, commandId: `${cause.commandId}:${id}` };
      const changed = await this.incidents.change(id, each, () => ({
        ask: { type: 'resolve-alert', data: over },
      }));
      await this.#keep(db, changed);
    }
  }

  /** Hands what a merged incident had to the one that goes on, through further merges if need be. */
  async onMerged(db: Queryable, merged: string, cause: Cause): Promise<void> {
    const source = await this.#state(merged);
    let target = await this.#state(source.mergedInto ?? '');
    while (target.mergedInto !== null) target = await this.#state(target.mergedInto);
    const changed = await this.incidents.change(target.id, cause, () => ({
      ask: { type: 'absorb', data: { source } },
    }));
    await this.#keep(db, changed);
  }

  async #place(db: Queryable, { alert }: FiredAlert) {
    // One on trial does not bring its service into the incident of a neighbour.
    const related =
      alert.declares === false ? new Set<string>() : await this.index.relatedServices(db, alert.service);
    const candidates = await this.index.candidates(db, {
      services: [alert.service, ...related],
      source: alert.name,
      resolvedSince: new Date(Date.parse(alert.firedAt) - REOPEN_WINDOW_MS),
    });
    const states = await Promise.all(candidates.map((id) => this.#state(id)));
    const known = states.map((state) => ({ ...state, alertSources: state.alerts.map(({ name }) => name) }));
    return place({ source: alert.name, service: alert.service, firedAt: alert.firedAt }, known, related);
  }

  /** Brings the index up to the last number there is, so that a declaration just made is not overlooked. */
  async #learnNumbers(db: Queryable): Promise<number> {
    const known = await this.index.lastNumber(db);
    const last = await this.incidents.lastNumber(known);
    for (let number = known + 1; number <= last; number++) {
      await this.index.save(db, await this.#state(`INC-${number}`));
    }
    return last;
  }

  async #state(id: string) {
    const loaded = await this.incidents.load(id);
    if (!loaded) throw CommandRefused.notFound(`incident ${id}`);
    return loaded.state;
  }

  async #keep(db: Queryable, { state }: Changed): Promise<void> {
    await this.index.save(db, state);
  }
}

function isFiring(known: IncidentAlert, alert: IncidentAlert): boolean {
  return known.state === 'firing' && alertKey(known) === alertKey(alert);
}

function declarationOf(found: FiredAlert, severity: Severity): Declaration {
  const { alert, title, startedAt, escalationPolicy } = found;
  return {
    title,
    severity,
    services: [alert.service],
    startedAt,
    alert,
    ...(escalationPolicy ? { escalationPolicy } : {}),
  };
}
