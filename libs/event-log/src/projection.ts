import type pg from 'pg';
import type { RecordedEvent } from './event.js';

/**
 * A read model made from a journal. Every version of it has tables of its own, in a schema of its own, so that a
 * new one is built beside the old one.
 */
export interface Projection {
  /** `[a-z0-9_]`, at most 30 characters. */
  name: string;
  /** Raise it when the tables, or what is put into them, change. */
  version: number;
  /** `control` when absent. */
  journal?: string;
  /** Makes the tables, in a schema that exists and is empty, with the indexes that `apply` needs. */
  create(tx: pg.PoolClient, schema: string): Promise<void>;
  /** Makes the indexes that only readers need: of a build at its end, when that is cheaper by far. */
  index?(tx: pg.PoolClient, schema: string): Promise<void>;
  /**
   * Whether an event says anything to it; every one when absent. Over others it passes without a word to the database: its
   * checkpoint stays behind for some seconds, and after a start they are passed over again. So long it may also go unnoticed
   * that another process has built the tables anew.
   */
  takes?(event: RecordedEvent): boolean;
  /** Takes one event that it {@link takes}. Depends on nothing but the event and the tables. */
  apply(tx: pg.PoolClient, event: RecordedEvent, schema: string): Promise<void>;
  /**
   * For a projection whose rows are each made from the events of one key alone: the key of an event, null for one that
   * it does not take. An event that cannot be taken then parks its key, and the others go on: later events of that key
   * are passed over, until a rebuild makes all rows anew. A projection without this halts.
   */
  keyOf?(event: RecordedEvent): string | null;
  /** Takes several in order, to the same effect as `apply` on each. */
  applyBatch?(tx: pg.PoolClient, events: RecordedEvent[], schema: string): Promise<void>;
}

/** A key of a projection whose rows are as they were before an event that could not be taken, and stay so. */
export interface ParkedKey {
  key: string;
  /** Of the event at fault. */
  position: number;
  error: string;
}

/** Where a projection stands. */
export interface ProjectionState {
  name: string;
  version: number;
  /** Of the last event taken. */
  position: number;
  /** Last known position of the journal. */
  head: number;
  /** A build beside the one that is read. */
  building?: { position: number; head: number };
  /** The build under way, or else the last one since this process started. */
  lastBuild?: ProjectionBuild;
  /** Keys that a rebuild has to mend, by position; empty for most. */
  parked: ParkedKey[];
  /** It stands before this event, which it cannot take. */
  halted?: { position: number; error: string };
}

/** What became of a build: swapped in when it has ended without an error; else the tables are those of before. */
export interface ProjectionBuild {
  /** Tells it from others, so that who began it does not take the outcome of another one for its own. */
  id: string;
  startedAt: Date;
  endedAt: Date | null;
  error: string | null;
}

export interface BuildProgress {
  position: number;
  head: number;
}

/** @throws RangeError for a name that no schema could be named after */
export function checkProjection(owner: string, { name, version }: Projection): void {
  if (!/^[a-z][a-z0-9_]{0,29}$/.test(owner)) throw new RangeError(`not a name for an owner: ${owner}`);
  if (!/^[a-z][a-z0-9_]{0,29}$/.test(name)) throw new RangeError(`not a name for a projection: ${name}`);
  if (!Number.isSafeInteger(version) || version < 1) throw new RangeError(`not a version: ${version}`);
}

/** The events that say something to a projection. */
export const taken = ({ takes }: Projection, events: RecordedEvent[]): RecordedEvent[] =>
  takes === undefined ? events : events.filter((event) => takes(event));

/** Applies events that are {@link taken}. */
export async function applyAll(
  projection: Projection,
  tx: pg.PoolClient,
  events: RecordedEvent[],
  schema: string,
): Promise<void> {
  if (events.length === 0) return;
  if (projection.applyBatch) await projection.applyBatch(tx, events, schema);
  else for (const event of events) await projection.apply(tx, event, schema);
}
