import type { EventEnvelope } from '@bellwether/contracts';
import type { ConsumerStore, LogReader, ParkedEvent } from './ports.js';

/** What a transaction of the memory store wrote: dropped on rollback. */
export interface MemoryTx {
  effects: string[];
  parked: ParkedEvent[];
}

class CheckpointMoved extends Error {
  override readonly name = 'CheckpointMoved';
}

/** A consumer store in memory, transactional as the real one is. */
export class MemoryStore implements ConsumerStore<MemoryTx> {
  /** Committed effects, in order. */
  effects: string[] = [];
  parked: ParkedEvent[] = [];
  positions = new Map<string, number>();
  /** Called before each commit takes effect; throw to lose the transaction. */
  beforeCommit: () => void = () => {};
  /** Called after each commit took effect; throw to lose the answer. */
  afterCommit: () => void = () => {};

  async load(consumer: string): Promise<number> {
    return this.positions.get(consumer) ?? 0;
  }

  async commit(
    consumer: string,
    from: number,
    to: number,
    work: (tx: MemoryTx) => Promise<void>,
  ): Promise<void> {
    if ((await this.load(consumer)) !== from) throw new CheckpointMoved(`the checkpoint is not ${from}`);
    const tx: MemoryTx = { effects: [], parked: [] };
    await work(tx);
    this.beforeCommit();
    if ((await this.load(consumer)) !== from) throw new CheckpointMoved(`the checkpoint is not ${from}`);
    this.positions.set(consumer, to);
    this.effects.push(...tx.effects);
    this.parked.push(...tx.parked);
    this.afterCommit();
  }

  async park(
    tx: MemoryTx,
    consumer: string,
    key: string,
    event: EventEnvelope,
    error: string | null,
  ): Promise<void> {
    const attempts = error === null ? 0 : 1;
    tx.parked.push({
      consumer,
      key,
      position: event.position,
      event,
      error,
      parkedAt: new Date(0),
      attempts,
    });
  }

  async parkedKeys(consumer: string): Promise<Set<string>> {
    return new Set(this.parked.filter((each) => each.consumer === consumer).map((each) => each.key));
  }

  async list(consumer?: string): Promise<ParkedEvent[]> {
    return this.parked.filter((each) => consumer === undefined || each.consumer === consumer);
  }

  async retry(
    consumer: string,
    key: string,
    work: (tx: MemoryTx, event: EventEnvelope) => Promise<void>,
  ): Promise<{ replayed: number; remaining: number; error?: string }> {
    const queue = () => this.parked.filter((each) => each.consumer === consumer && each.key === key);
    let replayed = 0;
    for (let head = queue()[0]; head; head = queue()[0]) {
      const tx: MemoryTx = { effects: [], parked: [] };
      try {
        await work(tx, head.event);
      } catch (error) {
        return { replayed, remaining: queue().length, error: (error as Error).message };
      }
      this.effects.push(...tx.effects);
      this.parked = this.parked.filter((each) => each !== head);
      replayed++;
    }
    return { replayed, remaining: 0 };
  }
}

/** A journal in memory. */
export class MemoryJournal implements LogReader {
  events: EventEnvelope[] = [];
  reads = 0;
  /** Called before each read; throw to fail it. */
  beforeRead: () => void = () => {};

  constructor(length = 0, keyOf: (position: number) => string = () => 'key') {
    for (let position = 1; position <= length; position++) this.append(keyOf(position));
  }

  append(key: string, type = 'note.added', data: unknown = {}): EventEnvelope {
    const event = envelope(this.events.length + 1, key, type, data);
    this.events.push(event);
    return event;
  }

  async readAfter(_journal: string, position: number, limit: number): Promise<EventEnvelope[]> {
    this.reads++;
    this.beforeRead();
    return this.events.slice(position, position + limit);
  }

  async head(): Promise<number> {
    this.beforeRead();
    return this.events.length;
  }
}

/** An event as it looks on the wire. */
export function envelope(
  position: number,
  key: string,
  type = 'note.added',
  data: unknown = {},
): EventEnvelope {
  return {
    specversion: '1.0',
    id: `00000000-0000-7000-8000-${String(position).padStart(12, '0')}`,
    source: '/bellwether/test',
    type: `bellwether.${type}.v1`,
    subject: key,
    time: '2026-01-01T00:00:00.000Z',
    datacontenttype: 'application/json',
    data,
    position,
    streamversion: 1,
    recordedtime: '2026-01-01T00:00:00.000Z',
    correlationid: 'story',
    actor: 'service:test',
  };
}

export const silentLog = { info() {}, warn() {}, error() {} };
