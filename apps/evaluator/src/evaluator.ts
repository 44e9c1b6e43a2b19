import { type Bus, JournalFeed, logReader } from '@bellwether/bus';
import { type Clock, type RuleStatus, type SloStatus, systemClock } from '@bellwether/contracts';
import type { EventLog } from '@bellwether/event-log';
import { type Logger, noTracing, requestContext, type Tracing } from '@bellwether/service';
import type { Registry as MetricsRegistry } from 'prom-client';
import { AbsenceAlert } from './evaluation/absence.js';
import { DecisionLog } from './evaluation/decision-log.js';
import { RuleAlerts } from './evaluation/rule-alerts.js';
import { TransitionLog } from './evaluation/transitions.js';
import { EvaluatorMetrics } from './metrics.js';
import { type Lease, Leases } from './partition/leases.js';
import { lastRecorded } from './partition/open-series.js';
import { Partition } from './partition/partition.js';
import type { PartitionContext } from './partition/partition-context.js';
import { partitionOf } from './partition/partition-of.js';
import { Pulse } from './partition/pulse.js';
import { Registry } from './registry/registry.js';
import { RegistryStore } from './registry/registry-store.js';
import { migrateEvaluator } from './store/migrate.js';
import { PendingRules } from './store/pending-rules.js';
import { SeriesStore } from './store/series-store.js';

export interface EvaluatorOptions {
  log: EventLog;
  connectionString: string;
  /** Where nudges come from; without it journals are polled. */
  bus?: Pick<Bus, 'onNudge' | 'metrics' | 'log'>;
  /** Name of this instance, unique among all that run. */
  instance: string;
  /** Time of evaluation; the machine's when absent. */
  clock?: Clock;
  /** Time that leases expire by; the database's when absent. */
  leaseClock?: Clock;
  leaseTtlMs?: number;
  /** After how many cadences without a measurement an SLI counts as silent. */
  absentCadences?: number;
  logger: Logger;
  metrics: MetricsRegistry;
  tracing?: Tracing;
}

const ABSENT_CADENCES = 10;
/** How often it is looked whether an evaluation is due, milliseconds of real time. */
const TICK_MS = 50;
/** How often it is looked at what the checkpoints say, milliseconds. */
const LOOK_MS = 1_000;

interface Held {
  partition: Partition;
  feed: JournalFeed;
  started: Promise<void>;
}

/** An instance of the evaluator: the registry of definitions, and the partitions that it holds. */
export class Evaluator {
  readonly registry: Registry;
  readonly store: SeriesStore;
  readonly #options: EvaluatorOptions;
  /** What partitions work with. */
  readonly context: PartitionContext;
  readonly #held = new Map<number, Held>();
  readonly #leases: Leases;
  readonly #ending = new AbortController();
  #following: Promise<void> = Promise.resolve();
  #ticking: NodeJS.Timeout | null = null;
  #looking: NodeJS.Timeout | null = null;
  readonly #rebuilding = new Set<Partition>();
  #stopNudges = () => {};

  constructor(options: EvaluatorOptions) {
    this.#options = options;
    const { log, logger } = options;
    this.registry = new Registry({ log, store: new RegistryStore(log.pool), logger });
    this.store = new SeriesStore(log.pool);
    const clock = options.clock ?? systemClock;
    const decisions = new DecisionLog(log, options.tracing ?? noTracing, logger);
    this.context = {
      log,
      registry: this.registry,
      store: this.store,
      pending: new PendingRules(log.pool),
      rules: new RuleAlerts(decisions, this.registry),
      transitions: new TransitionLog(decisions, this.registry),
      absence: new AbsenceAlert(decisions, (sli) => lastRecorded(log, sli), this.registry, {
        cadences: options.absentCadences ?? ABSENT_CADENCES,
        startedAt: clock.now().getTime(),
      }),
      clock,
      logger,
      pulse: new Pulse(),
      metrics: new EvaluatorMetrics(options.metrics, () => this.#look()),
    };
    this.#leases = new Leases({
      pool: log.pool,
      connectionString: options.connectionString,
      instance: options.instance,
      logger,
      ...(options.leaseClock ? { clock: options.leaseClock } : {}),
      ...(options.leaseTtlMs === undefined ? {} : { ttlMs: options.leaseTtlMs }),
      onAcquired: (lease) => this.#acquire(lease),
      onLost: (lease) => this.#lose(lease),
    });
  }

  /** Measurement partitions that this instance holds. */
  get partitions(): number[] {
    return [...this.#held.keys()].sort((a, b) => a - b);
  }

  get clock(): Clock {
    return this.context.clock;
  }

  /** Resolves when the definitions are known and the partitions that were free are open. */
  async start(): Promise<void> {
    const { log, bus } = this.#options;
    await migrateEvaluator(log.pool);
    await this.registry.start();
    this.#following = this.registry.follow(this.#ending.signal);
    this.#stopNudges = bus?.onNudge((journal, position) => log.nudge(journal, position)) ?? (() => {});
    this.registry.onDefinitions((slis) => {
      const touched = new Set([...slis].map(partitionOf));
      // Not part of the request that happens to be the one to read of it.
      requestContext.exit(() => {
        for (const number of touched) void this.#held.get(number)?.partition.reconcile();
      });
    });
    await this.#leases.start();
    this.#ticking = setInterval(() => {
      for (const { partition } of this.#held.values()) void partition.tick();
    }, TICK_MS);
    this.#looking = setInterval(() => void this.#lookAtCheckpoints(), LOOK_MS);
    await Promise.all([...this.#held.values()].map((held) => held.started));
  }

  /** Gives the partitions back and ends. */
  async stop(): Promise<void> {
    await this.#end(() => this.#leases.stop());
  }

  /** Ends as a crash would, for tests: no lease is given back. */
  async vanish(): Promise<void> {
    await this.#end(() => this.#leases.vanish());
  }

  /** Renews leases now, for tests that do not wait for the timer. */
  async renewLeases(): Promise<void> {
    await this.#leases.renew();
    await Promise.all([...this.#held.values()].map((held) => held.started));
  }

  /** Status of an SLO, or of one group of it, from the live buckets; null when another instance holds its partition. */
  async liveStatus(slo: string, partition: number, group?: string): Promise<SloStatus | null> {
    return (await this.#held.get(partition)?.partition.status(slo, group)) ?? null;
  }

  /** Status of a threshold rule from the live buckets; null when another instance holds its partition. */
  async liveRuleStatus(rule: string, partition: number): Promise<RuleStatus | null> {
    return (await this.#held.get(partition)?.partition.ruleStatus(rule)) ?? null;
  }

  async #end(giveBack: () => Promise<void>): Promise<void> {
    this.#ending.abort();
    if (this.#ticking) clearInterval(this.#ticking);
    if (this.#looking) clearInterval(this.#looking);
    await giveBack();
    this.#stopNudges();
    await this.#following;
  }

  /** What this instance has not done itself: checkpoints that a crash of the database set back, requests to rebuild. */
  async #lookAtCheckpoints(): Promise<void> {
    const { store, logger } = this.context;
    const held = [...this.#held.values()].map(({ partition }) => ({ partition, from: partition.position }));
    try {
      const stored = await store.checkpoints();
      for (const { partition, from } of held) {
        const checkpoint = stored.get(partition.lease.partition);
        if (checkpoint === undefined) continue;
        // Read before the query: nothing but a loss can be behind it.
        if (checkpoint.position < from) {
          logger.warn(
            { partition: partition.lease.partition },
            'the checkpoint was set back; opening it again',
          );
          void partition.reopen();
        }
        if (checkpoint.rebuild) this.#rebuild(partition);
      }
    } catch (error) {
      logger.warn({ error }, 'checkpoints cannot be read');
    }
  }

  /** Makes buckets anew; what cannot be done now is tried again at the next look. */
  #rebuild(partition: Partition): void {
    if (this.#rebuilding.has(partition)) return;
    this.#rebuilding.add(partition);
    const { store, logger } = this.context;
    partition
      .rebuild()
      .then(() => store.rebuilt(partition.lease))
      .catch((error: unknown) =>
        logger.warn({ error, partition: partition.lease.partition }, 'buckets could not be rebuilt yet'),
      )
      .finally(() => this.#rebuilding.delete(partition));
  }

  #acquire(lease: Lease): void {
    const { log, logger, bus } = this.#options;
    const partition = new Partition(lease, this.context);
    const feed = new JournalFeed({
      consumer: `evaluator-${partition.journal}`,
      journal: partition.journal,
      reader: logReader(log),
      deliver: (events) => partition.deliver(events),
      standing: () => partition.open(),
      ...(bus ? { bus, metrics: bus.metrics, log: bus.log } : {}),
    });
    const started = this.#begin(partition, feed).catch((error: unknown) => {
      logger.error({ error, partition: lease.partition }, 'a partition could not be opened');
    });
    this.#held.set(lease.partition, { partition, feed, started });
  }

  /** Opens the partition, however long the database takes, and follows its journal. */
  async #begin(partition: Partition, feed: JournalFeed): Promise<void> {
    for (;;) {
      try {
        const position = await partition.open();
        if (this.#held.get(partition.lease.partition)?.partition === partition) feed.start(position);
        return;
      } catch (error) {
        if (this.#held.get(partition.lease.partition)?.partition !== partition) return;
        this.#options.logger.warn({ error }, 'a partition cannot be opened; trying until it can');
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    }
  }

  async #lose(lease: Lease): Promise<void> {
    const held = this.#held.get(lease.partition);
    if (held === undefined || held.partition.lease.epoch !== lease.epoch) return;
    this.#held.delete(lease.partition);
    await held.started;
    await Promise.all([held.partition.stop(), held.feed.stop()]);
  }

  #look(): { partitions: number; series: number; groups: number; building: number; bytes: number } {
    const sizes = [...this.#held.values()].map((held) => held.partition.size);
    const sum = (of: 'series' | 'groups' | 'building' | 'bytes') =>
      sizes.reduce((total, size) => total + size[of], 0);
    return {
      partitions: sizes.length,
      series: sum('series'),
      groups: sum('groups'),
      building: sum('building'),
      bytes: sum('bytes'),
    };
  }
}
