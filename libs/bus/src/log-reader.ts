import { type LoggedEvent, toEnvelope } from '@bellwether/contracts';
import type { LogReader } from './ports.js';

/** The part of event-log's `EventLog` that consumers read. */
export interface ReadableLog {
  readJournal(journal: string, options: { after: number; limit?: number }): Promise<LoggedEvent[]>;
  head(journal: string): Promise<{ position: number }>;
}

/** The log as consumers of the bus read it: in the form that goes over the wire. */
export function logReader(log: ReadableLog): LogReader {
  return {
    readAfter: async (journal, after, limit) =>
      (await log.readJournal(journal, { after, limit })).map(toEnvelope),
    head: async (journal) => (await log.head(journal)).position,
  };
}
