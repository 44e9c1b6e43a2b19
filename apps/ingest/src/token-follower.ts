import { CONTROL_JOURNAL } from '@bellwether/contracts';
import type { EventLog } from '@bellwether/event-log';
import type { Logger, TokenAuthority } from '@bellwether/service';

const firstPauseMillis = 50;
const longestPauseMillis = 2_000;

/** Keeps a process's tokens as the control log has them: all from its beginning, then as they come. */
export class TokenFollower {
  readonly #stopping = new AbortController();
  #position = 0;
  #head: number | undefined;
  #following: Promise<void> | undefined;

  constructor(
    private readonly log: Pick<EventLog, 'follow' | 'head'>,
    private readonly authority: Pick<TokenAuthority, 'apply'>,
    private readonly logger: Pick<Logger, 'warn'>,
  ) {}

  /** Whether everything up to the log's head at the start was read: until then a valid token may be unknown. */
  get caughtUp(): boolean {
    return this.#head !== undefined && this.#position >= this.#head;
  }

  start(): void {
    this.#following ??= this.follow();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#following;
  }

  private async follow(): Promise<void> {
    const { signal } = this.#stopping;
    for (let pause = firstPauseMillis; !signal.aborted; pause = Math.min(pause * 2, longestPauseMillis)) {
      try {
        this.#head ??= (await this.log.head(CONTROL_JOURNAL)).position;
        for await (const events of this.log.follow(CONTROL_JOURNAL, { after: this.#position, signal })) {
          for (const event of events) {
            this.authority.apply(event);
            this.#position = event.position;
          }
          pause = firstPauseMillis;
        }
      } catch (error) {
        if (signal.aborted) return;
        this.logger.warn({ error }, 'the tokens cannot be followed now; trying until they can');
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }
}
