import { LogStreams } from '@bellwether/contracts';
import type { EventLog, RecordedEvent } from '@bellwether/event-log';
import { evolvePage, type PageEvent, type PageState } from '@bellwether/oncall';

/** A page as the log has it. */
export interface LoadedPage {
  id: string;
  /** Null when there is no such page. */
  state: PageState | null;
  /** Of its stream, 0 when there is none. */
  version: number;
  events: readonly RecordedEvent[];
}

export async function loadPage(log: EventLog, id: string): Promise<LoadedPage> {
  const events = await log.readStream(LogStreams.page(id));
  const state = events.reduce<PageState | null>((page, event) => evolvePage(page, pageEvent(event)), null);
  return { id, state, version: events.at(-1)?.version ?? 0, events };
}

/** The event that asked for a delivery or a notice: what an attempt follows from. Else the last one of the page. */
export function carrierOf({ events }: LoadedPage, key: string): RecordedEvent | undefined {
  const carrier = events.findLast(({ data }) => {
    const { intents, failover } = data as {
      intents?: { idempotencyKey: string }[];
      failover?: { idempotencyKey: string };
    };
    return failover?.idempotencyKey === key || intents?.some((intent) => intent.idempotencyKey === key);
  });
  return carrier ?? events.at(-1);
}

function pageEvent({ type, data, occurredAt }: RecordedEvent): PageEvent {
  return { type, data, at: occurredAt.getTime() } as PageEvent;
}

/** The incident of a page: `INC-7` of `INC-7-P2`. */
export function incidentOf(page: string): string {
  return page.slice(0, page.lastIndexOf('-P'));
}

/** The `k`-th page of an incident, from 1. */
export function pageOf(incident: string, k: number): string {
  return `${incident}-P${k}`;
}
