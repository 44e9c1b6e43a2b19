import { type EventEnvelope, isPageAlert, parseEventData, type Severity } from '@bellwether/contracts';
import type { PageCommand } from '@bellwether/oncall';
import { causeOfEvent } from './cause.js';
import type { IncidentEnding } from './incident-facts.js';
import { pageOf } from './page-stream.js';
import type { Pages } from './pages.js';

const rank: Record<Severity, number> = { sev1: 1, sev2: 2, sev3: 3, sev4: 4 };

/** What the events of an incident mean for its pages. Each may come again: the log takes its consequence once. */
export class Reactions {
  readonly #pages: Pages;

  constructor(pages: Pages) {
    this.#pages = pages;
  }

  async declared(event: EventEnvelope): Promise<void> {
    await this.#pages.open(event.subject, event.position, 'declared', causeOfEvent(event, 'page'));
  }

  async reopened(event: EventEnvelope): Promise<void> {
    await this.#pages.open(event.subject, event.position, 'reopened', causeOfEvent(event, 'page'));
  }

  async severityChanged(event: EventEnvelope): Promise<void> {
    const { from, to } = parseEventData('incident.severity-changed', event.data);
    if (rank[to] < rank[from]) await this.#toLatest(event, { kind: 'raise-severity' });
  }

  /** An alert brought the incident back from the `monitoring` that it had gone to by itself. */
  async statusChanged(event: EventEnvelope): Promise<void> {
    const { to, automatic } = parseEventData('incident.status-changed', event.data);
    if (automatic && to === 'investigating') await this.#toLatest(event, { kind: 'fires-again' });
  }

  /** The merged incident's page has ended: what still fires of it has this incident's page alone. */
  async absorbed(event: EventEnvelope): Promise<void> {
    const { alerts } = parseEventData('incident.absorbed', event.data);
    const fires = alerts.some((alert) => isPageAlert(alert) && alert.state === 'firing');
    if (fires) await this.#toLatest(event, { kind: 'fires-again' });
  }

  async commandVacant(event: EventEnvelope): Promise<void> {
    await this.#toLatest(event, { kind: 'command-vacant' });
  }

  /** Cancels every page that was there when the incident ended; those of a reopening since go on. */
  async ended(event: EventEnvelope, reason: IncidentEnding['reason']): Promise<void> {
    for (const page of await this.#pages.pagesOf(event.subject)) {
      const first = page.events[0]?.position ?? Number.POSITIVE_INFINITY;
      if (first > event.position || page.state?.status === 'cancelled') continue;
      const cause = causeOfEvent(event, 'cancel');
      const commandId = `cancel:${page.id}:${event.id}`;
      await this.#pages.act(page.id, { kind: 'cancel', reason, cause: event.id }, { ...cause, commandId });
    }
  }

  /** Something happened to a page, here or in another instance: note what it waits for now. */
  async pageChanged(event: EventEnvelope): Promise<void> {
    await this.#pages.reindex(event.subject, event.streamversion);
  }

  async #toLatest(event: EventEnvelope, command: PageCommand): Promise<void> {
    const pages = await this.#pages.pagesOf(event.subject);
    if (pages.length === 0) return;
    await this.#pages.act(pageOf(event.subject, pages.length), command, causeOfEvent(event, command.kind));
  }
}
