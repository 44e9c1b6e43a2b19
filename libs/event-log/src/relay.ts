import { setTimeout as delay } from 'node:timers/promises';
import { type Clock, systemClock } from '@bellwether/contracts';
import type { Registry } from 'prom-client';
import { type ConsumerMetrics, noConsumerMetrics } from './consumer-metrics.js';
import type { EventLog } from './event-log.js';
import { JournalRelay } from './journal-relay.js';
import { type Leadership, tryToLead } from './leader-lock.js';
import { RelayCheckpoints } from './relay-checkpoints.js';
import { noRelayMetrics, type RelayMetrics, relayMetrics } from './relay-metrics.js';
import type { RelayStep, RelayTarget } from './relay-target.js';

/** How much of the log a copy that was lost gets again; the smaller of the two counts. */
export interface RelayRetention {
  /** Milliseconds; 7 days when absent. */
  maxAgeMs?: number;
  /** Events of each journal; 1,000,000 when absent. */
  maxEvents?: number;
}

export interface RelayOptions {
  log: EventLog;
  target: RelayTarget;
  journals: readonly string[];
  /** Relays of one name compete for the lead and share checkpoints; `relay` when absent. */
  name?: string;
  retention?: RelayRetention;
  /** Events published together at most; 500 when absent. */
  window?: number;
  /** So often a stand-by tries to take the lead, and a leader looks for growth without a nudge, milliseconds; 500 when absent. */
  pollMs?: number;
  /** So often a leader compares the copy with what it has published, milliseconds; 5,000 when absent. */
  compareMs?: number;
  clock?: Clock;
  metrics?: Registry;
  /** Told how far each journal's copy is behind, as consumer `<name>-<journal>`. */
  consumers?: ConsumerMetrics;
  /** Told of everything that fails; the relay goes on by itself. */
  onError?: (error: unknown, doing: string) => void;
  /** Told when a copy is published again, and from where. */
  onRecovery?: (journal: string, reason: string, after: number) => void;
  /** Told when this process becomes the leader, and when it is so no longer. */
  onLead?: (leading: boolean) => void;
  onStep?: (step: RelayStep, journal: string) => void | Promise<void>;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Copies journals of the log to a bus, in order, at least once. One of all processes leads, by an advisory lock;
 * the others stand by and take over within a poll when it goes.
 */
export class Relay {
  readonly #options: RelayOptions;
  readonly #metrics: RelayMetrics;
  readonly #stopping = new AbortController();
  readonly #reported = new WeakSet<Error>();
  #running: Promise<void> | null = null;
  #journals: JournalRelay[] = [];
  #leading = false;
  #looking: ReturnType<RelayTarget['incarnation']> | null = null;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#metrics = options.metrics ? relayMetrics(options.metrics) : noRelayMetrics;
  }

  get leading(): boolean {
    return this.#leading;
  }

  /** Last position published of each journal; empty on a stand-by. */
  positions(): Record<string, number> {
    return Object.fromEntries(this.#journals.map((relay) => [relay.journal, relay.position]));
  }

  /** Starts to lead or to stand by. */
  start(): void {
    this.#running ??= this.#run();
  }

  /**
   * The bus was away, and may have come back with less than it had, or anew: nothing more is published before each
   * journal has been looked at. Without this the next events would come before those that were lost.
   */
  lookAtCopy(): void {
    this.#looking = null;
    for (const relay of this.#journals) relay.doubt();
  }

  /** Finishes the windows under way and gives the lead to another. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { log, name = 'relay' } = this.#options;
    while (!this.#stopping.signal.aborted) {
      try {
        const leadership = await tryToLead(log.pool, name);
        if (leadership !== null) await this.#lead(leadership, name);
      } catch (error) {
        this.#report(error, 'leading');
      }
      await this.#pause(this.#pollMs);
    }
  }

  async #lead(leadership: Leadership, name: string): Promise<void> {
    const signal = AbortSignal.any([leadership.lost, this.#stopping.signal]);
    const checkpoints = new RelayCheckpoints(leadership, name);
    const { log, target, journals, window, retention, clock, onStep, onRecovery } = this.#options;
    this.#leading = true;
    this.#metrics.leader(true);
    this.#options.onLead?.(true);
    try {
      await onStep?.('leading', '');
      this.#journals = journals.map(
        (journal) =>
          new JournalRelay({
            log,
            target,
            copies: () => this.#copies(),
            journal,
            checkpoints,
            window: window ?? 500,
            maxAgeMs: retention?.maxAgeMs ?? 7 * DAY_MS,
            maxEvents: retention?.maxEvents ?? 1_000_000,
            clock: clock ?? systemClock,
            metrics: this.#metrics,
            onError: (error, doing) => this.#report(error, doing),
            onRecovery: (reason, after) => onRecovery?.(journal, reason, after),
            onStep: async (step) => onStep?.(step, journal),
          }),
      );
      await Promise.all([
        this.#watchHeads(signal),
        this.#compare(signal),
        ...this.#journals.map((relay) => relay.run(signal)),
      ]);
    } finally {
      this.#journals = [];
      this.#leading = false;
      this.#metrics.leader(false);
      leadership.release();
      this.#options.onLead?.(false);
    }
  }

  /** The fall-back for lost nudges: one query for all journals, where following would take one for each. */
  async #watchHeads(signal: AbortSignal): Promise<void> {
    const { log, name = 'relay', consumers = noConsumerMetrics } = this.#options;
    while (!signal.aborted) {
      try {
        const heads = await log.heads();
        for (const relay of this.#journals) {
          const head = heads.get(relay.journal) ?? 0;
          consumers.lag(`${name}-${relay.journal}`, Math.max(0, head - relay.position));
          if (head > relay.position) log.nudge(relay.journal, head);
        }
      } catch (error) {
        this.#report(error, 'looking at the heads');
      }
      await this.#pause(this.#pollMs, signal);
    }
  }

  /** Looks at the copy from time to time: a volume can be lost, or a stream shortened, without any error here. */
  async #compare(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const known = this.#journals.map((relay) => relay.position);
        const copies = await this.#copies();
        this.#journals.forEach((relay, i) => {
          const copy = copies[relay.journal];
          if (copy) relay.compare(copy, known[i]!);
        });
      } catch (error) {
        this.#report(error, 'comparing the copy with the log');
        for (const relay of this.#journals) relay.doubt();
      }
      await this.#pause(this.#options.compareMs ?? 5000, signal);
    }
  }

  /** All journals ask at the same moments: one look answers them all. */
  #copies(): ReturnType<RelayTarget['incarnation']> {
    if (this.#looking) return this.#looking;
    const looking = this.#options.target.incarnation().finally(() => {
      if (this.#looking === looking) this.#looking = null;
    });
    this.#looking = looking;
    return looking;
  }

  get #pollMs(): number {
    return this.#options.pollMs ?? 500;
  }

  async #pause(ms: number, signal: AbortSignal = this.#stopping.signal): Promise<void> {
    await delay(ms, undefined, { signal }).catch(() => {});
  }

  #report(error: unknown, doing: string): void {
    if (this.#stopping.signal.aborted) return;
    // All journals may fail of one cause: it is told once.
    if (error instanceof Error) {
      if (this.#reported.has(error)) return;
      this.#reported.add(error);
    }
    this.#metrics.failed();
    this.#options.onError?.(error, doing);
  }
}
