/** Who asked for an identity last. */
interface Hold {
  /** What messages that come by themselves have to wait for: a batch; null for none. */
  batch: Promise<void> | null;
  /** Settles when neither this one nor any before it holds the identity. */
  over: Promise<void>;
}

/**
 * Identities whose messages are on their way to the log. A batch is checked before any of it is written, and what was
 * found must still be so when all of it is: meanwhile nobody else writes under its identities. Messages that come by
 * themselves do not wait for each other, since the log alone decides between them.
 */
export class IdentityHolds {
  readonly #last = new Map<string, Hold>();

  /** Number of identities held. */
  get size(): number {
    return this.#last.size;
  }

  /** Does the work of one message, after that of the batches which hold its identity. */
  shared<T>(identity: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(identity);
    const batch = before?.batch ?? null;
    const result = batch === null ? work() : batch.then(work);
    this.hold(identity, batch, before === undefined ? result : Promise.allSettled([before.over, result]));
    return result;
  }

  /** Does the work of a batch, alone with its identities. */
  alone<T>(identities: readonly string[], work: () => Promise<T>): Promise<T> {
    const wanted = [...new Set(identities)];
    const result = Promise.all(wanted.map((identity) => this.#last.get(identity)?.over)).then(work);
    const over = result.then(nothing, nothing);
    // All are taken in one turn: two batches cannot each hold what the other one waits for.
    for (const identity of wanted) this.hold(identity, over, over);
    return result;
  }

  // As little as can be: each message that comes by itself passes here.
  private hold(identity: string, batch: Promise<void> | null, until: Promise<unknown>): void {
    const end = () => {
      if (this.#last.get(identity) === hold) this.#last.delete(identity);
    };
    const hold: Hold = { batch, over: until.then(end, end) };
    this.#last.set(identity, hold);
  }
}

const nothing = () => {};
