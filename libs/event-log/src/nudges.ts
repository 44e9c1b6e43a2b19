/** Wakes whoever follows a journal. A nudge that nobody waits for is remembered for the next one to wait. */
export class Nudges {
  readonly #journals = new Map<string, { count: number; wake: Set<() => void> }>();

  nudge(journal: string): void {
    const entry = this.#entry(journal);
    entry.count += 1;
    for (const wake of [...entry.wake]) wake();
  }

  /** How often a journal was nudged so far: taken before reading, so that a nudge during the reading counts. */
  count(journal: string): number {
    return this.#entry(journal).count;
  }

  /** Resolves on the first nudge after `seen`, after `ms`, or when the signal aborts. */
  wait(journal: string, seen: number, ms: number, signal: AbortSignal): Promise<void> {
    const entry = this.#entry(journal);
    if (entry.count !== seen || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        entry.wake.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      entry.wake.add(done);
      signal.addEventListener('abort', done);
    });
  }

  #entry(journal: string): { count: number; wake: Set<() => void> } {
    let entry = this.#journals.get(journal);
    if (entry === undefined) {
      entry = { count: 0, wake: new Set() };
      this.#journals.set(journal, entry);
    }
    return entry;
  }
}
