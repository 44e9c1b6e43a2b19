import { LogStreams, type Page } from '@bellwether/contracts';
import type { RecordedEvent } from '@bellwether/event-log';
import { evolvePage, type PageEvent, type PageState, pageView } from '@bellwether/oncall';
import { type Folding, foldedProjection } from './folded-projection.js';

/** Pages, in the order in which they were first requested. */
export const pageFolding: Folding<PageState, Page> = {
  name: 'pages',
  version: 4,
  prefix: LogStreams.page(''),
  numberOf: (_, { position }) => position,
  evolve: (state, event) => evolvePage(state, pageEvent(event)),
  view: pageView,
  columns: {
    incident: { type: 'text', of: ({ incident }) => incident },
    status: { type: 'text', of: ({ status }) => status },
    service: { type: 'text', of: ({ service }) => service },
    users: {
      type: 'text[]',
      of: ({ deliveries }) => [...new Set(deliveries.flatMap(({ user }) => (user === null ? [] : [user])))],
    },
  },
};

export const pages = foldedProjection(pageFolding);

/** An event of a page's stream, from its record in the log. */
function pageEvent(event: RecordedEvent): PageEvent {
  // The log took the data through the schemas of contracts, and upcasts old versions on read.
  return { type: event.type, data: event.data, at: event.occurredAt.getTime() } as PageEvent;
}
