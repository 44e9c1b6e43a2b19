import type { RecordedEvent } from './event.js';
import type { Page } from './page.js';

/** Full pages kept. */
const KEPT = 8;
/** Events at the end of a journal that are kept, and characters of their data, both at most. */
const TAIL_EVENTS = 256;
const TAIL_CHARACTERS = 1024 * 1024;

export interface PageReader {
  readPage(journal: string, options: { after: number; limit: number }): Promise<Page>;
}

/**
 * Pages of journals that several followers read, one shortly after the other: read and decoded once. A full page has no
 * end that moves, so it may be kept; of the others, which reach the end of the journal, the last events are kept, for
 * followers that come to them a moment later.
 */
export class SharedPages {
  readonly #log: PageReader;
  readonly #pages = new Map<string, Promise<Page>>();
  readonly #tails = new Map<string, Tail>();

  constructor(log: PageReader) {
    this.#log = log;
  }

  async read(journal: string, after: number, limit: number): Promise<Page> {
    const kept = this.#tails.get(journal)?.after(after, limit);
    if (kept !== undefined) return kept;
    const key = `${journal} ${after} ${limit}`;
    const known = this.#pages.get(key);
    if (known !== undefined) return await known;
    const reading = this.#log.readPage(journal, { after, limit });
    this.#pages.set(key, reading);
    try {
      const page = await reading;
      if (page.full) {
        this.#dropOldest();
      } else {
        this.#pages.delete(key);
        this.#tailOf(journal).add(page);
      }
      return page;
    } catch (error) {
      this.#pages.delete(key);
      throw error;
    }
  }

  /** The journal may have grown, nobody knows how far: what is kept of its end must not be taken for it. */
  forget(journal: string): void {
    this.#tails.delete(journal);
  }

  #tailOf(journal: string): Tail {
    let tail = this.#tails.get(journal);
    if (tail === undefined) {
      tail = new Tail();
      this.#tails.set(journal, tail);
    }
    return tail;
  }

  #dropOldest(): void {
    for (const key of this.#pages.keys()) {
      if (this.#pages.size <= KEPT) return;
      this.#pages.delete(key);
    }
  }
}

/** The last events of a journal, as far as they were read: contiguous. */
class Tail {
  #pages: { events: readonly RecordedEvent[]; characters: number }[] = [];

  /** What is known to follow a position; undefined where nothing is. */
  after(position: number, limit: number): Page | undefined {
    const first = this.#pages[0]?.events[0]?.position;
    const last = this.#pages.at(-1)?.events.at(-1)?.position;
    if (first === undefined || last === undefined || position < first - 1 || position >= last)
      return undefined;
    const events: RecordedEvent[] = [];
    for (const page of this.#pages) {
      for (const event of page.events) {
        if (event.position > position && events.length < limit) events.push(event);
      }
    }
    return { events, full: events.length === limit, characters: 0 };
  }

  /** Takes in a page that reached the end of the journal. */
  add({ events, characters }: Page): void {
    const last = this.#pages.at(-1)?.events.at(-1)?.position;
    const more = last === undefined ? events : events.filter(({ position }) => position > last);
    const [next] = more;
    if (next === undefined) return;
    if (last !== undefined && next.position !== last + 1) this.#pages = [];
    this.#pages.push({ events: more, characters });
    const held = (of: (page: { events: readonly RecordedEvent[]; characters: number }) => number): number =>
      this.#pages.reduce((sum, page) => sum + of(page), 0);
    while (
      held((page) => page.events.length) > TAIL_EVENTS ||
      held((page) => page.characters) > TAIL_CHARACTERS
    )
      this.#pages.shift();
  }
}
