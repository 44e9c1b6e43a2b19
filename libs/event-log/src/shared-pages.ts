import type { EventLog } from './event-log.js';
import type { Page } from './page.js';

/** Full pages kept. */
const KEPT = 8;

/**
 * Pages of journals that several projections read one shortly after the other: read and decoded once. A full page
 * has no end that moves, so it may be kept; one that is not full is shared only while it is being read.
 */
export class SharedPages {
  readonly #log: EventLog;
  readonly #pages = new Map<string, Promise<Page>>();

  constructor(log: EventLog) {
    this.#log = log;
  }

  read(journal: string, after: number, limit: number): Promise<Page> {
    const key = `${journal} ${after} ${limit}`;
    const known = this.#pages.get(key);
    if (known !== undefined) return known;
    const page = this.#log.readPage(journal, { after, limit });
    this.#pages.set(key, page);
    page.then(
      ({ full }) => {
        if (full) this.#dropOldest();
        else this.#pages.delete(key);
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
