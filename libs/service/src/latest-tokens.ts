import { CONTROL_JOURNAL } from '@bellwether/contracts';
import type { TokenAuthority } from './token-authority.js';

/** What is needed of the log: the events of a journal after a position, in order. */
export interface ReadableLog {
  readJournal(
    journal: string,
    options: { after: number; limit: number },
  ): Promise<{ type: string; data: unknown }[]>;
}

/** So long is waited for the log, milliseconds: an answer that was lost must not hold up all who ask. */
const PATIENCE_MS = 2_000;
/** Events that are read at most: who is further behind than that is not up to date in a moment. */
const FARTHEST = 1_000;

/**
 * Asks the log before a token is refused: one that was created a moment ago, through another process perhaps, is good
 * from the answer on that tells it. However many ask, the log is read by one of them at a time.
 */
export class LatestTokens {
  #reading: Promise<boolean> | undefined;
  #next: Promise<boolean> | undefined;

  /**
   * @param position up to which the authority was told; undefined while the tokens have not been read at all
   * @param patienceMs how long the log is waited for
   */
  constructor(
    private readonly authority: Pick<TokenAuthority, 'apply'>,
    private readonly log: ReadableLog,
    private readonly position: () => number | undefined,
    private readonly patienceMs = PATIENCE_MS,
  ) {}

  /** Tells the authority all that is recorded by now. @returns false where that cannot be said at the moment */
  async told(): Promise<boolean> {
    if (this.#reading === undefined) {
      this.#reading = this.#tell().finally(() => {
        this.#reading = undefined;
      });
      return await this.#reading;
    }
    // What is being read may have been asked for before the token was there.
    this.#next ??= this.#reading.then(async () => {
      this.#next = undefined;
      return await this.told();
    });
    return await this.#next;
  }

  /** Null after a while, in which the reading does not end. */
  async #patience(reading: Promise<unknown>): Promise<null> {
    return await new Promise((resolve) => {
      const timer = setTimeout(() => resolve(null), this.patienceMs);
      const end = () => clearTimeout(timer);
      reading.then(end, end);
    });
  }

  async #tell(): Promise<boolean> {
    const after = this.position();
    if (after === undefined) return false;
    try {
      const reading = this.log.readJournal(CONTROL_JOURNAL, { after, limit: FARTHEST });
      const events = await Promise.race([reading, this.#patience(reading)]);
      if (events === null) return false;
      for (const event of events) this.authority.apply(event);
      return events.length < FARTHEST;
    } catch {
      return false; // the log is away: nobody can say
    }
  }
}
