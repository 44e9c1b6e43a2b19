import {
  CONTROL_JOURNAL,
  CommandRefused,
  type EventData,
  type EventType,
  type Explanation,
  incidentId,
  LogStreams,
  pageId,
  type SloGroup,
} from '@bellwether/contracts';
import type { EventLog, RecordedEvent } from '@bellwether/event-log';
import { z } from 'zod';
import type { EventStore } from '../read/event-store.js';
import type { ReadModels } from '../read/read-models.js';
import { type AlertWindow, alertWindow, type Evidence } from './alert-window.js';
import { type Cause, causesOf } from './causes.js';
import { summaryOf } from './summary.js';

/** Events of a chain at most: a story that is longer has lost its thread. */
const LONGEST = 100;

const uuid = z.uuid();

/** Follows causes back from an event to the measurements. */
export class Explainer {
  constructor(
    private readonly log: Pick<EventLog, 'readStream' | 'readAt'>,
    private readonly events: Pick<EventStore, 'find'>,
    private readonly models: Pick<ReadModels, 'current'>,
  ) {}

  /**
   * The chain from an event, a page (its first request) or an incident (its declaration, then the alerts that
   * joined) back to what was measured. Causes come after what they caused.
   *
   * @throws CommandRefused 404 when there is no such thing
   */
  async explain(id: string): Promise<Explanation> {
    const waiting = await this.start(id);
    if (waiting.length === 0) throw CommandRefused.notFound(`an event, page or incident ${id}`);
    const chain: Explanation['chain'] = [];
    const seen = new Set(waiting.map((event) => event.id));
    for (let event = waiting.shift(); event !== undefined; event = waiting.shift()) {
      const causes = await this.causes(event);
      chain.push({
        eventId: event.id,
        type: event.type,
        at: event.occurredAt.toISOString(),
        summary: summaryOf(event, await this.windowOf(event, causes)),
        causedBy: causes.map((cause) => cause.id),
      });
      for (const cause of causes) {
        if (seen.has(cause.id) || seen.size >= LONGEST) continue;
        seen.add(cause.id);
        waiting.push(cause);
      }
    }
    return { chain };
  }

  /** What the alert of an event was decided on; null for other events, and where the log does not have it any more. */
  private async windowOf(event: RecordedEvent, causes: RecordedEvent[]): Promise<AlertWindow | null> {
    if (!/^(slo|rule)[.]alert[.]/.test(event.type)) return null;
    const { evidence, group } = event.data as { evidence?: Evidence | null; group?: SloGroup };
    const tipping = causes.find(({ id }) => id === evidence?.eventId);
    return evidence && tipping ? await alertWindow(this.log, evidence, tipping, group) : null;
  }

  private async start(id: string): Promise<RecordedEvent[]> {
    if (incidentId.safeParse(id).success) {
      const events = await this.log.readStream(LogStreams.incident(id));
      const [declared, ...later] = events;
      const attached = later.filter(
        ({ type }) => type === 'incident.alert-attached' || type === 'incident.reopened',
      );
      return declared ? [declared, ...attached] : [];
    }
    if (pageId.safeParse(id).success) return this.log.readStream(LogStreams.page(id), { limit: 1 });
    if (!uuid.safeParse(id).success) return [];
    let event = await this.events.find(id);
    // Who has just heard of it may be faster than the read model by which it is found.
    if (!event && (await this.models.current('events'))) event = await this.events.find(id);
    return event ? [event] : [];
  }

  private async causes(event: RecordedEvent): Promise<RecordedEvent[]> {
    const found = new Map<string, RecordedEvent>();
    const add = (cause: RecordedEvent | null | undefined) => {
      if (cause && cause.id !== event.id) found.set(cause.id, cause);
    };
    const { causationId } = event.meta;
    // The direct cause may be a request, which is no event.
    if (event.journal === CONTROL_JOURNAL && causationId !== null && uuid.safeParse(causationId).success)
      add(await this.events.find(causationId));
    for (const cause of causesOf(event)) {
      if (cause.kind === 'last' && found.size > 0) continue;
      add(await this.resolve(cause, event));
    }
    return [...found.values()];
  }

  private async resolve(cause: Cause, event: RecordedEvent): Promise<RecordedEvent | undefined> {
    switch (cause.kind) {
      case 'event':
        return this.events.find(cause.id);
      case 'measurement': {
        const measured = await this.log.readAt(cause.journal, cause.position);
        return measured?.id === cause.id ? measured : undefined;
      }
      case 'firing':
        return await this.firing(cause.slo, event.position);
      case 'last': {
        const before = await this.log.readStream(cause.stream);
        return before.findLast(
          ({ type, position }) => cause.types.includes(type as EventType) && position < event.position,
        );
      }
    }
  }

  /** The latest alert of an SLO over everything that had fired before a position, and not resolved. */
  private async firing(slo: string, position: number): Promise<RecordedEvent | undefined> {
    const open = new Map<string, RecordedEvent>();
    for (const event of await this.log.readStream(LogStreams.slo(slo))) {
      if (event.position >= position) break;
      const { severity, tier, group } = event.data as EventData<'slo.alert.fired'>;
      if (group !== undefined) continue;
      if (event.type === 'slo.alert.fired') open.set(`${severity}/${tier}`, event);
      if (event.type === 'slo.alert.resolved') open.delete(`${severity}/${tier}`);
    }
    return [...open.values()].at(-1);
  }
}
