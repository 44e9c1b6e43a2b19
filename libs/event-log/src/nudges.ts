/** What a follower has heard of a journal so far. */
export interface Heard {
  /** Nudges that did not say how far. */
  count: number;
  /** The highest position that one said. */
  position: number;
}

interface Entry extends Heard {
  wake: Set<() => void>;
}

/** Wakes whoever follows a journal. A nudge that nobody waits for is remembered for the next one to wait. */
export class Nudges {
  readonly #journals = new Map<string, Entry>();

  /** @param position of the journal's last event, when it is known: who has read that far is not woken */
  nudge(journal: string, position?: number): void {
    const entry = this.#entry(journal);
    if (position === undefined) entry.count += 1;
    else if (position <= entry.position) return;
    else entry.position = position;
    for (const wake of [...entry.wake]) wake();
  }

  /** Taken before reading, so that a nudge during the reading counts. */
  heard(journal: string): Heard {
    const { count, position } = this.#entry(journal);
    return { count, position };
  }

  /**
   * Resolves on the first nudge after `heard` that is not of what was read already, after `ms`, or when the signal
   * aborts.
   *
   * @param read the position that was read to
   */
  wait(journal: string, heard: Heard, read: number, ms: number, signal: AbortSignal): Promise<void> {
    const entry = this.#entry(journal);
    const isNews = () =>
      entry.count !== heard.count || (entry.position > heard.position && entry.position > read);
    if (isNews() || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        entry.wake.delete(wake);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const wake = () => {
        if (isNews()) done();
      };
      const timer = setTimeout(done, ms);
      entry.wake.add(wake);
      signal.addEventListener('abort', done);
    });
  }

  #entry(journal: string): Entry {
    let entry = this.#journals.get(journal);
    if (entry === undefined) {
      entry = { count: 0, position: 0, wake: new Set() };
      this.#journals.set(journal, entry);
    }
    return entry;
  }
}
