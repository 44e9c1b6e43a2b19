import { CONTROL_JOURNAL, type TokenCreated } from '@bellwether/contracts';
import { type ConsumerMetrics, type EventLog, Projector } from '@bellwether/event-log';
import { LatestTokens, type Logger, type TokenAuthority } from '@bellwether/service';
import { validTokens } from './tokens.projection.js';

const firstPauseMillis = 50;
const longestPauseMillis = 2_000;

/**
 * Keeps a process's tokens as the control log has them: those that are valid from the table of its own, then every
 * event that comes. A database that is away is waited for; what is known stays valid meanwhile.
 */
export class TokenFollower {
  readonly #stopping = new AbortController();
  readonly #projector: Projector;
  readonly #latest: LatestTokens;
  #following: Promise<void> | undefined;
  #position: number | undefined;

  constructor(
    private readonly log: EventLog,
    private readonly authority: Pick<TokenAuthority, 'apply'>,
    private readonly logger: Pick<Logger, 'warn'>,
    metrics: ConsumerMetrics,
  ) {
    this.#latest = new LatestTokens(authority, log, () => this.#position);
    this.#projector = new Projector(log, {
      owner: 'ingest',
      projections: [validTokens],
      metrics,
      onError: (error) => logger.warn({ error }, 'the table of tokens cannot be brought up to date now'),
    });
  }

  /** Whether the tokens were read: until then a valid one may be unknown. */
  get caughtUp(): boolean {
    return this.#position !== undefined;
  }

  /** Whether all tokens are known that were created by now: read from the log, ahead of what is followed. */
  async known(): Promise<boolean> {
    return await this.#latest.told();
  }

  start(): void {
    this.#following ??= this.follow();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#following;
    await this.#projector.stop();
  }

  private async follow(): Promise<void> {
    const { signal } = this.#stopping;
    for (let pause = firstPauseMillis; !signal.aborted; pause = Math.min(pause * 2, longestPauseMillis)) {
      try {
        this.#position ??= await this.read();
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

  /** The valid tokens. @returns a position from which on every event is still to be applied */
  private async read(): Promise<number> {
    await this.#projector.start();
    // The position first: what comes while the rows are read is then applied twice, and never missed.
    const position = this.#projector.position(validTokens.name);
    const schema = this.#projector.schemaOf(validTokens.name);
    const { rows } = await this.log.pool.query<{ created: TokenCreated }>(
      `select created from ${schema}.valid_tokens`,
    );
    for (const { created } of rows) this.authority.apply({ type: 'token.created', data: created });
    return position;
  }
}
