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
import { classifierOf } from './alert-indicator.js';
import { type AlertWindow, alertWindow, type Evidence } from './alert-window.js';
import { type Cause, causesOf, isWhy } from './causes.js';
import { summaryOf } from './summary.js';

/** Events of a chain at most: a story that is longer has lost its thread. */
const LONGEST = 100;

/** Events of an incident by which an alert comes to it after it was declared. */
const JOINS: ReadonlySet<string> = new Set<EventType>([
  'incident.alert-attached',
  'incident.reopened',
  'incident.absorbed',
]);
/** Measurements looked at for the one that made an SLI known: others may have come at the same moment. */
const FIRST = 64;

const uuid = z.uuid();

/** Follows causes back from an event to the measurements. */
export class Explainer {
  constructor(
    private readonly log: Pick<EventLog, 'readStream' | 'readAt'>,
    private readonly events: Pick<EventStore, 'find' | 'findMeasurement'>,
  ) {}

  /**
   * The chain from an event, a page (its requests, the first one first) or an incident (its declaration, then the alerts that
   * joined) back to what was measured. Causes come after what they caused. A measurement that an alert was decided on
   * is a chain of its own.
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
    // A composite counts what several streams of measurements come to.
    if (await this.isOfComposite(event)) return null;
    const tipping = causes.find(({ id }) => id === evidence?.eventId);
    if (!evidence || tipping === undefined) return null;
    const classify = await classifierOf(this.log, event);
    return await alertWindow(this.log, evidence, { tipping, classify, group });
  }

  /** Whether an alert is of an SLO made of others: its firing says which. */
  private async isOfComposite(event: RecordedEvent): Promise<boolean> {
    const isFiring = ({ type, data }: RecordedEvent): boolean =>
      type === 'slo.alert.fired' && (data as { n: number }).n === (event.data as { n: number }).n;
    const firing =
      event.type === 'slo.alert.resolved'
        ? (await this.log.readStream(event.stream)).find(
            (each) => isFiring(each) && tierOf(each) === tierOf(event),
          )
        : event;
    return (firing?.data as { components?: unknown[] } | undefined)?.components !== undefined;
  }

  private async start(id: string): Promise<RecordedEvent[]> {
    if (incidentId.safeParse(id).success) {
      const events = await this.log.readStream(LogStreams.incident(id));
      const [declared, ...later] = events;
      const joined = later.filter(({ type }) => JOINS.has(type));
      return declared ? [declared, ...joined] : [];
    }
    if (pageId.safeParse(id).success) {
      const events = await this.log.readStream(LogStreams.page(id));
      // Whoever was paged later asks by the same id.
      return events.filter(({ type }) => type === 'page.requested').slice(0, LONGEST);
    }
    if (!uuid.safeParse(id).success) return [];
    const event = (await this.events.find(id)) ?? (await this.events.findMeasurement(id));
    return event ? [event] : [];
  }

  private async causes(event: RecordedEvent): Promise<RecordedEvent[]> {
    const found = new Map<string, RecordedEvent>();
    const add = (cause: RecordedEvent | null | undefined) => {
      if (cause && cause.id !== event.id) found.set(cause.id, cause);
    };
    const { causationId } = event.meta;
    // The direct cause may be a request, which is no event; its id is chosen by the caller, and might name a later one.
    if (event.journal === CONTROL_JOURNAL && causationId !== null && uuid.safeParse(causationId).success) {
      const direct = await this.events.find(causationId);
      if (direct && direct.position < event.position && isWhy(direct, event)) add(direct);
    }
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
      case 'first-measurement':
        return (await this.log.readStream(cause.stream, { limit: FIRST })).find(({ id }) => id === cause.id);
      case 'firing':
        return await this.firing(cause.slo, event);
      case 'last': {
        const before = await this.log.readStream(cause.stream);
        return before.findLast(
          ({ type, position }) => cause.types.includes(type as EventType) && position < event.position,
        );
      }
    }
  }

  /**
   * The alert of an SLO over everything that had fired, and not resolved, before an alert of another one: the one of the
   * same severity and tier, else the most urgent.
   */
  private async firing(slo: string, before: RecordedEvent): Promise<RecordedEvent | undefined> {
    const open = new Map<string, RecordedEvent>();
    for (const event of await this.log.readStream(LogStreams.slo(slo))) {
      if (event.position >= before.position) break;
      const { group } = event.data as EventData<'slo.alert.fired'>;
      if (group !== undefined) continue;
      if (event.type === 'slo.alert.fired') open.set(tierOf(event), event);
      if (event.type === 'slo.alert.resolved') open.delete(tierOf(event));
    }
    const urgent = [...open].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, event]) => event);
    return open.get(tierOf(before)) ?? urgent[0];
  }
}

/** `page/fast`: a page is before a ticket. */
function tierOf({ data }: RecordedEvent): string {
  const { severity, tier } = data as EventData<'slo.alert.fired'>;
  return `${severity}/${tier}`;
}
