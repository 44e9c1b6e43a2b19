import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CommandReply,
  type CommandRequest,
  commandReply,
  Headers,
  noTracer,
  Streams,
  Subjects,
  type Tracer,
} from '@bellwether/contracts';
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { headers, type NatsConnection, type Subscription } from '@nats-io/transport-node';
import { type ConnectOptions, openConnection, SERVICE_INBOX } from './connection.js';
import { BusUnavailable, ConnectionLost, TopologyConflict } from './errors.js';
import { isInbox } from './inbox.js';
import { type BusLog, type BusMetrics, noMetrics, stderrLog } from './ports.js';
import { ensureConsumer, ensureStream } from './reconcile.js';
import { ask } from './request.js';
import { commandInSpan } from './spans.js';
import { type DeclaredConsumer, declaredStreams, defaultTopology, type Topology } from './topology.js';
import { backoffMs } from './transient.js';

export interface BusOptions extends Omit<ConnectOptions, 'log'> {
  /** Settings of the streams; what is left out has its default. */
  topology?: Partial<Topology>;
  metrics?: BusMetrics;
  /** Makes spans of what is asked, answered, handled and copied. */
  tracer?: Tracer;
  log?: BusLog;
}

/** Connects to NATS, waiting for it when it is not up yet, and declares nothing until `reconcile` is called. */
export async function connectBus(options: BusOptions): Promise<Bus> {
  const log = options.log ?? stderrLog;
  const nc = await openConnection({ ...options, log });
  const jsm = await jetstreamManager(nc, { checkAPI: false, timeout: 5_000 });
  return new Bus(nc, jsm, {
    topology: { ...defaultTopology, ...options.topology },
    inboxPrefix: options.inboxPrefix ?? SERVICE_INBOX,
    metrics: options.metrics ?? noMetrics,
    tracer: options.tracer ?? noTracer,
    log,
  });
}

/** One process's access to NATS: its connection, the streams and its consumers, requests and nudges. */
export class Bus {
  readonly js: JetStreamClient;
  readonly #consumers = new Map<string, DeclaredConsumer>();
  readonly #nudged = new Set<(journal: string, position: number) => void>();
  #nudges: Subscription | null = null;
  readonly #lost = new Set<() => void>();
  readonly #back = new Set<() => void>();
  #connected = true;
  #reconciling: Promise<void> | null = null;

  readonly topology: Topology;
  readonly inboxPrefix: string;
  readonly metrics: BusMetrics;
  readonly tracer: Tracer;
  readonly log: BusLog;

  constructor(
    readonly nc: NatsConnection,
    readonly jsm: JetStreamManager,
    settings: Pick<Bus, 'topology' | 'inboxPrefix' | 'metrics' | 'tracer' | 'log'>,
  ) {
    this.topology = settings.topology;
    this.inboxPrefix = settings.inboxPrefix;
    this.metrics = settings.metrics;
    this.tracer = settings.tracer;
    this.log = settings.log;
    this.js = jetstream(nc, { timeout: 10_000 });
    void this.#watch();
  }

  /** Whether there is a connection at this moment. */
  get connected(): boolean {
    return this.#connected && !this.nc.isClosed();
  }

  /** Adds a consumer to what this process needs; `reconcile` and `ensureConsumer` create it. */
  declare(consumer: DeclaredConsumer): void {
    this.#consumers.set(`${consumer.stream}/${consumer.config.durable_name}`, consumer);
  }

  /** Takes back a `declare`. The consumer stays on the server, for other instances and for the next start. */
  forget(consumer: DeclaredConsumer): void {
    this.#consumers.delete(`${consumer.stream}/${consumer.config.durable_name}`);
  }

  /**
   * Makes all streams, and the consumers this process declared, exist as declared. The bus calls it itself after each
   * reconnection, since the server may have come back without them.
   * @throws ConnectionLost when the connection is lost meanwhile
   */
  reconcile(): Promise<void> {
    this.#reconciling ??= this.whileConnected(() => this.#reconcile()).finally(() => {
      this.#reconciling = null;
    });
    return this.#reconciling;
  }

  /**
   * `reconcile` for a start: waits for NATS however long it takes, since a process that gave up would only be started
   * to wait again.
   * @throws TopologyConflict when waiting does not help
   */
  async establish(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.whenConnected(FOREVER);
        return await this.reconcile();
      } catch (error) {
        if (error instanceof TopologyConflict || this.nc.isClosed() || this.nc.isDraining()) throw error;
        if (attempt % 10 === 1) this.log.warn({ error }, 'streams and consumers cannot be made yet');
        await sleep(backoffMs(attempt, 2_000));
      }
    }
  }

  /**
   * Makes sure that all streams are there. One that was deleted is not made anew at once: a server that is still
   * removing its files (2.9.10 at least) would take those of the new one with them.
   */
  async ensureStreams(): Promise<void> {
    if (!(await this.#lacksStreams())) return;
    await sleep(500);
    if (await this.#lacksStreams()) await this.reconcile();
  }

  /** Makes sure of one consumer, and of all streams. */
  async ensureConsumer(consumer: DeclaredConsumer): Promise<void> {
    this.declare(consumer);
    await this.ensureStreams();
    await this.whileConnected(() => this.#ensure(consumer));
  }

  /** Tells everyone that journal has grown to `position`. Lost when there is no connection: readers poll as well. */
  nudge(journal: string, position: number): void {
    if (this.connected && !this.nc.isDraining())
      this.nc.publish(Subjects.appended(journal), String(position));
  }

  /** Calls `handler` on each nudge. @returns a function that ends it */
  onNudge(handler: (journal: string, position: number) => void): () => void {
    this.#nudged.add(handler);
    // One subscription for all: a feed for each partition must not multiply what the server sends.
    this.#nudges ??= this.nc.subscribe(Subjects.allAppended, {
      callback: (error, message) => {
        const position = error ? Number.NaN : Number(message.string());
        if (!Number.isSafeInteger(position)) return;
        const journal = message.subject.slice(Subjects.appended('').length);
        for (const each of [...this.#nudged]) each(journal, position);
      },
    });
    return () => this.#nudged.delete(handler);
  }

  /** Calls `handler` whenever a connection was lost. @returns a function that ends it */
  onLost(handler: () => void): () => void {
    this.#lost.add(handler);
    return () => void this.#lost.delete(handler);
  }

  /** Calls `handler` whenever a connection was established again. @returns a function that ends it */
  onBack(handler: () => void): () => void {
    this.#back.add(handler);
    return () => this.#back.delete(handler);
  }

  /**
   * Asks a service (`cmd.<service>.<name>`) and returns its answer, a refusal included. A service that is just being
   * restarted is waited for, `graceMs` at most (default 2,000), within `timeoutMs` (default 5,000). When the
   * connection is lost meanwhile, or the answer takes more than a second, the request is sent again under its id;
   * `repeat: false` waits for a slow answer, where the first one alone tells what was done.
   *
   * @throws NoResponders nobody serves the subject: the command was not carried out
   * @throws RequestTimeout no answer in time: repeat it with the same command id, it has its effect once
   */
  async request<T>(
    subject: string,
    command: CommandRequest,
    options: { timeoutMs?: number; graceMs?: number; repeat?: boolean } = {},
  ): Promise<CommandReply<T>> {
    const timeoutMs = options.timeoutMs ?? 5_000;
    return await commandInSpan(this.tracer, 'client', subject, command, async (asked) => {
      const head = headers();
      head.set(Headers.correlation, headerText(asked.correlationId));
      if (asked.traceparent) head.set(Headers.traceparent, headerText(asked.traceparent));
      const answer = await ask(this, subject, JSON.stringify(asked), {
        headers: head,
        timeoutMs,
        graceMs: Math.min(options.graceMs ?? 2_000, timeoutMs),
        repeat: options.repeat ?? true,
      });
      return commandReply.parse(answer.json()) as CommandReply<T>;
    });
  }

  /**
   * Sends a receipt to the inbox that a publisher named. It goes to the inbox itself and, for publishers in an
   * account of their own, to the subject that their account imports as that inbox (see `natsServerConfig`).
   * Anything that is no inbox is ignored: a publisher must not make a service publish where it pleases.
   */
  receipt(inbox: string, body: string): void {
    if (!isInbox(inbox) || !this.connected) return;
    this.nc.publish(inbox, body);
    this.nc.publish(Subjects.receipt(inbox), body);
  }

  /** Resolves when there is a connection. @throws BusUnavailable after `timeoutMs` without one */
  async whenConnected(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    if (this.connected) return;
    await new Promise<void>((resolve, reject) => {
      const finish = (settle: () => void) => {
        clearTimeout(timer);
        stop();
        signal?.removeEventListener('abort', gone);
        settle();
      };
      const gone = () => finish(() => reject(new BusUnavailable('there is no connection to NATS')));
      const timer = setTimeout(gone, timeoutMs);
      const stop = this.onBack(() => finish(resolve));
      signal?.addEventListener('abort', gone);
      if (signal?.aborted || this.nc.isClosed()) gone();
    });
  }

  /**
   * Runs `work`, which asks something over NATS, and does not wait for answers that cannot come any more.
   * @throws ConnectionLost as soon as the connection is lost
   */
  async whileConnected<T>(work: () => Promise<T>): Promise<T> {
    let stopListening = () => {};
    const lost = new Promise<never>((_, reject) => {
      stopListening = this.onLost(() => reject(new ConnectionLost('the connection to NATS was lost')));
    });
    const working = (async () => await work())();
    working.catch(() => {});
    return await Promise.race([working, lost]).finally(stopListening);
  }

  /** Lets what was sent arrive and what was received be handled, then closes the connection. */
  async drain(): Promise<void> {
    this.#lost.clear();
    this.#back.clear();
    if (this.nc.isClosed()) return;
    // Without a connection there is nothing to drain to, and waiting for one would keep a process from ending.
    await (this.connected ? this.nc.drain() : this.nc.close()).catch(() => this.nc.close());
  }

  async #lacksStreams(): Promise<boolean> {
    const names = await this.whileConnected(() => this.jsm.streams.names().next());
    return Object.values(Streams).some((name) => !names.includes(name));
  }

  async #reconcile(): Promise<void> {
    for (const stream of declaredStreams(this.topology)) {
      const done = await ensureStream(this.jsm, stream);
      if (done !== 'kept') this.log.info({ stream: stream.name }, `stream ${done}`);
    }
    for (const consumer of this.#consumers.values()) await this.#ensure(consumer);
  }

  /** After a reconnection: the server may answer before its JetStream does. */
  async #reconcileAgain(): Promise<void> {
    for (let attempt = 1; this.connected && !this.nc.isDraining(); attempt++) {
      try {
        return await this.reconcile();
      } catch (error) {
        if (attempt % 10 === 1) this.log.warn({ error }, 'streams and consumers cannot be reconciled yet');
        await sleep(backoffMs(attempt, 2_000));
      }
    }
  }

  async #ensure(consumer: DeclaredConsumer): Promise<void> {
    const done = await ensureConsumer(this.jsm, consumer);
    if (done === 'kept') return;
    const fields = { stream: consumer.stream, consumer: consumer.config.durable_name };
    this.log.info(fields, `consumer ${done}`);
  }

  async #watch(): Promise<void> {
    for await (const status of this.nc.status()) {
      if (status.type === 'disconnect') {
        this.#connected = false;
        this.log.warn({}, 'the connection to NATS is lost; reconnecting');
        for (const handler of [...this.#lost]) handler();
      } else if (status.type === 'reconnect') {
        this.#connected = true;
        this.log.info({ server: status.server }, 'connected to NATS again');
        void this.#reconcileAgain();
        for (const handler of [...this.#back]) handler();
      } else if (status.type === 'error') {
        this.log.error({ error: status.error }, 'NATS reports an error');
      }
    }
  }
}

/** The longest a timer can wait, milliseconds. */
const FOREVER = 2 ** 31 - 1;

/** Header values must not break out of their line. */
export function headerText(text: string, max = 1024): string {
  return text
    .replace(/[^\x20-\x7e\u00a0-\uffff]+/g, ' ')
    .trim()
    .slice(0, max);
}
