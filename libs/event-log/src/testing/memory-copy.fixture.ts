import type { RecordedEvent } from '../event.js';
import type { CopyState } from '../relay-plan.js';
import type { RelayTarget } from '../relay-target.js';

/** A copy of the log in memory, which can lose what it holds as JetStream can. */
export class MemoryCopy implements RelayTarget {
  /** All that was published of a journal, in order, repeats included. */
  readonly published = new Map<string, RecordedEvent[]>();
  readonly #journals: readonly string[];
  #created = 1;
  #failing = 0;

  constructor(journals: readonly string[]) {
    this.#journals = journals;
  }

  /** Positions held, repeats of an id dropped. */
  held(journal: string): number[] {
    const ids = new Map((this.published.get(journal) ?? []).map((event) => [event.id, event.position]));
    return [...ids.values()];
  }

  /** Another copy in its place: an empty one, or with something in it. */
  replace(events: RecordedEvent[] = []): void {
    this.#created += 1;
    this.published.clear();
    for (const event of events) this.#of(event.journal).push(event);
  }

  /** Loses the newest; or all of it, without becoming another one. */
  shorten(journal: string, last: number): void {
    this.published.set(
      journal,
      this.#of(journal).filter((event) => event.position <= last),
    );
  }

  /** The next so many publications fail half-way. */
  failNext(times: number): void {
    this.#failing = times;
  }

  async incarnation(): Promise<Record<string, CopyState>> {
    return Object.fromEntries(
      this.#journals.map((journal) => {
        const held = this.held(journal);
        const state = {
          created: `copy ${this.#created}`,
          firstPosition: held[0] ?? 0,
          lastPosition: held.at(-1) ?? 0,
        };
        return [journal, state];
      }),
    );
  }

  async publish(events: RecordedEvent[]): Promise<void> {
    const fails = this.#failing > 0;
    if (fails) this.#failing -= 1;
    for (const event of fails ? events.slice(0, events.length / 2) : events) {
      this.#of(event.journal).push(event);
    }
    if (fails) throw new Error('not acknowledged');
  }

  #of(journal: string): RecordedEvent[] {
    let events = this.published.get(journal);
    if (events === undefined) {
      events = [];
      this.published.set(journal, events);
    }
    return events;
  }
}
