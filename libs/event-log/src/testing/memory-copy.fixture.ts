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
  /** Ids that are taken for held though they were removed, as JetStream does for a while. */
  readonly #remembered = new Set<string>();
  /** Whether its size has made it let go of the oldest. */
  isFull = false;

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
    this.remove(journal, ({ position }) => position > last);
  }

  /** Loses some, and may take them for held until it has forgotten them. */
  remove(journal: string, which: (event: RecordedEvent) => boolean, { remembered = false } = {}): void {
    const events = this.#of(journal);
    if (remembered) for (const { id } of events.filter(which)) this.#remembered.add(id);
    this.published.set(
      journal,
      events.filter((event) => !which(event)),
    );
  }

  /** What was removed is no longer taken for held. */
  forget(): void {
    this.#remembered.clear();
  }

  async clear(journal: string): Promise<void> {
    this.remove(journal, () => true);
  }

  /** The next so many publications fail half-way. */
  failNext(times: number): void {
    this.#failing = times;
  }

  async incarnation(): Promise<Record<string, CopyState>> {
    return Object.fromEntries(
      this.#journals.map((journal) => {
        const held = this.held(journal);
        const [first = 0, last = 0] = [held[0], held.at(-1)];
        const state = {
          created: `copy ${this.#created}`,
          firstPosition: first,
          lastPosition: last,
          hasHoles: held.length > 0 && held.length < last - first + 1,
          isFull: this.isFull,
          isShared: false,
          maxAgeMs: Number.MAX_SAFE_INTEGER,
        };
        return [journal, state];
      }),
    );
  }

  async publish(events: RecordedEvent[]): Promise<void> {
    const fails = this.#failing > 0;
    if (fails) this.#failing -= 1;
    let lost = 0;
    for (const event of fails ? events.slice(0, events.length / 2) : events) {
      if (this.#remembered.has(event.id)) lost += 1;
      else this.#of(event.journal).push(event);
    }
    if (fails) throw new Error('not acknowledged');
    if (lost > 0) throw new Error('taken for held');
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
