import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '@bellwether/contracts';
import type { EventLog } from './event-log.js';
import type { ReadPage } from './follow.js';
import { type RelayCheckpoints, RelaySuperseded } from './relay-checkpoints.js';
import type { RelayMetrics } from './relay-metrics.js';
import { type CopyState, isDamaged, type RetentionStart, resumePlan } from './relay-plan.js';
import type { RelayStep, RelayTarget } from './relay-target.js';

export interface JournalRelayOptions {
  log: EventLog;
  target: Pick<RelayTarget, 'publish' | 'clear'>;
  /** What the bus has of each journal. */
  copies: RelayTarget['incarnation'];
  journal: string;
  checkpoints: RelayCheckpoints;
  window: number;
  maxAgeMs: number;
  maxEvents: number;
  clock: Clock;
  metrics: RelayMetrics;
  onError: (error: unknown, doing: string) => void;
  onRecovery: (reason: string, after: number) => void;
  onStep: (step: RelayStep) => Promise<void> | void;
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2000;
/**
 * Where a window ends though it has few events. When the copy is made anew all journals are published at once, each with a
 * window under way and one read ahead: it is these that the memory of a relay is filled with.
 */
const WINDOW_BYTES = 2 * 1024 * 1024;
/** Of the retention, how much a copy must hold: clocks may be off, and the bus counts ages from when it got a message. */
const SOUND_SHARE = 0.9;
/** Growth is noticed by nudges and by the relay's look at all heads at once. */
const POLL_MS = 30_000;

/** Publishes one journal while this process leads. */
export class JournalRelay {
  readonly journal: string;
  readonly #options: JournalRelayOptions;
  /** The copy that is published into; null before the first look and when it must be looked at again. */
  #incarnation: string | null = null;
  #position = 0;
  #headAtStart = 0;
  /** The highest position that was ever published: the bus may take an event up to there for one that it has. */
  #published = 0;
  /** What the copy must hold, as of the last look: {@link RetentionStart}. */
  #sound = 0;
  /** All that the copy lacked at the last look is older than the retention. */
  #isLeftDamaged = false;
  /** Where the copy ended when it was last found to lack nothing: what is older than the retention may be gone. */
  #foundComplete = -1;
  /** Ends the current run over the journal, so that the next one begins with a look at the copy. */
  #round = new AbortController();

  constructor(options: JournalRelayOptions) {
    this.#options = options;
    this.journal = options.journal;
  }

  /** Last position that was acknowledged and noted. */
  get position(): number {
    return this.#position;
  }

  /** @param acknowledged the position that had been published before the copy was looked at */
  compare(copy: CopyState, acknowledged: number): void {
    if (this.#incarnation === null) return;
    const shorter = copy.lastPosition < acknowledged && copy.lastPosition !== this.#foundComplete;
    const damaged = isDamaged(copy, this.#sound) && !this.#isLeftDamaged;
    if (copy.created !== this.#incarnation || shorter || damaged) this.doubt();
  }

  /** The copy may not be what it was: look at it before anything else is published. */
  doubt(): void {
    this.#round.abort();
  }

  /** Resolves when the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    let pause = FIRST_PAUSE_MS;
    while (!signal.aborted) {
      this.#round = new AbortController();
      try {
        await this.#resume();
        await this.#publish(AbortSignal.any([signal, this.#round.signal]), () => {
          pause = FIRST_PAUSE_MS;
        });
      } catch (error) {
        if (signal.aborted) return;
        this.#options.onError(error, `relaying ${this.journal}`);
        // A doubt ends the pause: the bus is back.
        const wake = AbortSignal.any([signal, this.#round.signal]);
        await delay(pause, undefined, { signal: wake }).catch(() => {});
        pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
        if (error instanceof RelaySuperseded) pause = LONGEST_PAUSE_MS;
      }
    }
  }

  async #resume(): Promise<void> {
    const { copies, checkpoints, journal, metrics, onRecovery, onStep, target } = this.#options;
    this.#incarnation = null;
    const copy = (await copies())[journal];
    if (copy === undefined) throw new Error(`the bus has no copy of ${journal}`);
    const checkpoint = await checkpoints.load(journal);
    const retention = await this.#retentionStart(copy.maxAgeMs);
    const plan = resumePlan(checkpoint, copy, retention);
    if (plan.recovering !== null) {
      // The checkpoint first: who leads no longer is refused there, and must not clear what another one has published.
      await checkpoints.reset(journal, { position: plan.after, incarnation: copy.created });
      if (plan.clear) await target.clear(journal);
      if (checkpoint !== null) {
        metrics.recovering(journal);
        onRecovery(plan.recovering, plan.after);
      }
    }
    if (plan.recovering === null && checkpoint !== null && plan.after > checkpoint.position)
      await checkpoints.advance(journal, copy.created, checkpoint.position, plan.after);
    this.#foundComplete = plan.recovering === null ? copy.lastPosition : -1;
    this.#isLeftDamaged = plan.recovering === null && isDamaged(copy, retention.sound);
    this.#published = Math.max(this.#published, checkpoint?.position ?? 0, copy.lastPosition);
    this.#sound = retention.sound;
    this.#position = plan.after;
    this.#incarnation = copy.created;
    await onStep('resumed');
  }

  /** @param copyAgeMs how long the copy keeps what it holds */
  async #retentionStart(copyAgeMs: number): Promise<RetentionStart> {
    const { log, journal, maxAgeMs, maxEvents, clock } = this.#options;
    const { position } = await log.head(journal);
    this.#headAtStart = position;
    const age = Math.min(maxAgeMs, copyAgeMs);
    const after = async (share: number): Promise<number> => {
      const tooOld = await log.positionAt(journal, new Date(clock.now().getTime() - share * age));
      return Math.max(tooOld, position - Math.floor(share * maxEvents), 0);
    };
    return { head: position, start: await after(1), sound: await after(SOUND_SHARE) };
  }

  async #publish(signal: AbortSignal, onProgress: () => void): Promise<void> {
    const { log, target, checkpoints, journal, window, metrics, clock, onStep } = this.#options;
    const incarnation = this.#incarnation!;
    // What is passed on is not looked into.
    const read: ReadPage = (after, limit) =>
      log.readPage(journal, { after, limit, bytes: WINDOW_BYTES, dataAs: 'text' });
    for await (const events of log.followWith(read, journal, {
      after: this.#position,
      signal,
      batch: window,
      pollMs: POLL_MS,
    })) {
      await onStep('read');
      if (signal.aborted) return;
      // What the bus takes for published already must be there before anything new goes behind it.
      const known = events.filter(({ position }) => position <= this.#published);
      if (known.length > 0) await target.publish(known);
      if (known.length < events.length) await target.publish(events.slice(known.length));
      metrics.published(journal, events.length);
      await onStep('published');
      const { position, recordedAt } = events.at(-1)!;
      // What had waited for this relay to start, or goes into a copy again, says nothing of how fast it is.
      if (position > this.#headAtStart) {
        metrics.delay(journal, Math.max(0, clock.now().getTime() - recordedAt.getTime()) / 1000);
      }
      await checkpoints.advance(journal, incarnation, this.#position, position);
      this.#position = position;
      this.#published = Math.max(this.#published, position);
      await onStep('noted');
      onProgress();
    }
  }
}
