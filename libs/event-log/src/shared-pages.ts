import type { RecordedEvent } from './event.js';
import type { EventLog } from './event-log.js';

/** Full pages kept. */
const KEPT = 8;

/**
 * Pages of journals that several projections read one shortly after the other: read and decoded once. A full page
 * never changes, so it may be kept; one that is not full is shared only while it is being read.
 */
export class SharedPages {
  readonly #log: EventLog;
  readonly #pages = new Map<string, Promise<RecordedEvent[]>>();

  constructor(log: EventLog) {
    this.#log = log;
  }

  read(journal: string, after: number, limit: number): Promise<RecordedEvent[]> {
    const key = `${journal} ${after} ${limit}`;
    const known = this.#pages.get(key);
    if (known !== undefined) return known;
    const page = this.#log.readJournal(journal, { after, limit });
    this.#pages.set(key, page);
    page.then(
      (events) => {
        if (events.length < limit) this.#pages.delete(key);
        else this.#dropOldest();
      },
      () => this.#pages.delete(key),
    );
    return page;
  }

  #dropOldest(): void {
    for (const key of this.#pages.keys()) {
      if (this.#pages.size <= KEPT) return;
      this.#pages.delete(key);
    }
  }
}
