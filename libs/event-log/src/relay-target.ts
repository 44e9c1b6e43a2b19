import type { RecordedEvent } from './event.js';
import type { CopyState } from './relay-plan.js';

/** Where the log is copied to. */
export interface RelayTarget {
  /** What is there of each journal. Makes what is missing. */
  incarnation(): Promise<Record<string, CopyState>>;
  /** Removes what is there of a journal. */
  clear(journal: string): Promise<void>;
  /** Publishes events of one journal, data as `JsonText`, in order; resolves when all are acknowledged. Safe to repeat. */
  publish(events: RecordedEvent[]): Promise<void>;
}

/** Where a relay stands; tests stop it there. */
export type RelayStep = 'leading' | 'resumed' | 'read' | 'published' | 'noted';
