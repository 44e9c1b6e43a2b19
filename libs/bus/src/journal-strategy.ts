import { CommandRefused, type CommandRequest, type EventEnvelope, fromWireType } from '@bellwether/contracts';
import { type CustomTransportStrategy, type MessageHandler, Server } from '@nestjs/microservices';
import { lastValueFrom } from 'rxjs';
import type { Bus } from './bus.js';
import { CommandServer, keyToRetry, requireAdmin } from './command-server.js';
import { JournalContext } from './journal-context.js';
import { LiveJournal } from './live-journal.js';
import type { ConsumerState } from './ordered-consumer.js';
import { OrderedConsumer, type OrderedConsumerOptions } from './ordered-consumer.js';
import type { ConsumerStore, LogReader } from './ports.js';
import { eventInSpan } from './spans.js';

export interface JournalStrategyOptions<Tx> {
  bus: Bus;
  /** Name of the service: its durable consumer, its checkpoint and its queue group for commands. */
  service: string;
  /** The journal whose events are handled. Commands alone are served when there is no event handler. */
  journal: 'control';
  reader: LogReader;
  store: ConsumerStore<Tx>;
  /** See `OrderedConsumerOptions`. The aggregate, as a rule: `(event) => event.subject`. */
  keyOf: (event: EventEnvelope) => string | null;
  maxAttempts?: number;
  batch?: number;
  /** Requests worked on at once, default 256. */
  commandConcurrency?: number;
  /** How often the log is asked for its head, in milliseconds, default 1,000. */
  pollMs?: number;
  /** How long the bus may take to deliver what was announced before it is read from the log, default 100 ms. */
  graceMs?: number;
  isTransient?: (error: unknown) => boolean;
  onParked?: OrderedConsumerOptions<Tx>['onParked'];
  onHalted?: OrderedConsumerOptions<Tx>['onHalted'];
}

/**
 * Nest transport of a service.
 *
 * `@EventPattern('incident.declared')` (`'incident.*'`, `'*'`) handlers get `(envelope, JournalContext)`: each event
 * of the journal once, in order, in the transaction of the service's checkpoint. `@MessagePattern('cmd.…')` handlers
 * get the CommandRequest over request/reply and return a CommandReply or throw CommandRefused. Also answers
 * `cmd.<service>.dlq-list` and `cmd.<service>.dlq-retry`.
 *
 * Install `BusErrorFilter` beside it.
 */
export class JournalStrategy<Tx> extends Server implements CustomTransportStrategy {
  override readonly propagatesEventHandlerErrors = true;
  readonly #options: JournalStrategyOptions<Tx>;
  readonly #commands: CommandServer;
  readonly #consumer: OrderedConsumer<Tx>;
  readonly #live: LiveJournal;
  readonly #eventHandlers: { pattern: string; handler: MessageHandler }[] = [];
  #caughtUp: Promise<void> = Promise.resolve();
  #reachedHead = false;

  constructor(options: JournalStrategyOptions<Tx>) {
    super();
    this.#options = options;
    const { bus, service, journal, reader, store, keyOf } = options;
    const { metrics, log } = bus;
    this.#commands = new CommandServer({
      bus,
      service,
      ...(options.commandConcurrency === undefined ? {} : { concurrency: options.commandConcurrency }),
    });
    this.#consumer = new OrderedConsumer<Tx>({
      consumer: service,
      journal,
      reader,
      store,
      keyOf,
      metrics,
      log,
      concerns: (event) => this.#handlersOf(event).length > 0,
      handle: (tx, event, attempt) => this.#handle(tx, event, attempt),
      ...(options.maxAttempts === undefined ? {} : { maxAttempts: options.maxAttempts }),
      ...(options.batch === undefined ? {} : { batch: options.batch }),
      ...(options.isTransient ? { isTransient: options.isTransient } : {}),
      ...(options.onParked ? { onParked: options.onParked } : {}),
      ...(options.onHalted ? { onHalted: options.onHalted } : {}),
    });
    this.#live = new LiveJournal({
      bus,
      service,
      journal,
      reader,
      consumer: this.#consumer,
      ...(options.pollMs === undefined ? {} : { pollMs: options.pollMs }),
      ...(options.graceMs === undefined ? {} : { graceMs: options.graceMs }),
    });
  }

  /** Nest hands over each handler once. Handlers of one event run one after the other, since they share a transaction. */
  override addHandler(
    pattern: unknown,
    callback: MessageHandler,
    isEventHandler = false,
    extras: Record<string, unknown> = {},
  ): void {
    const name = this.normalizePattern(pattern as string);
    callback.isEventHandler = isEventHandler;
    callback.extras = extras;
    if (isEventHandler) this.#eventHandlers.push({ pattern: name, handler: callback });
    else if (this.messageHandlers.has(name))
      throw new Error(`two handlers for ${name}: a command has one answer`);
    else this.messageHandlers.set(name, callback);
  }

  /**
   * Serves commands at once and begins with the events where the checkpoint is. `callback` is called when requests
   * are being received; whether the service has caught up is another matter, see `caughtUp` and `state`.
   */
  async listen(callback: (error?: unknown) => void): Promise<void> {
    try {
      for (const [subject, handler] of this.messageHandlers) {
        this.#commands.serve(subject, (request) => this.#call(handler, request));
      }
      this.#commands.serve('dlq-list', () => this.#listDeadLetters());
      this.#commands.serve('dlq-retry', (request) => this.#retryDeadLetters(request));
      await this.#commands.ready();
      this.#caughtUp = this.#eventHandlers.length > 0 ? this.#live.start() : Promise.resolve();
      this.#caughtUp.catch((error: unknown) =>
        this.#options.bus.log.error({ error }, 'events are not consumed'),
      );
      callback();
    } catch (error) {
      callback(error);
    }
  }

  /** Resolves when what the log held at the start is handled. */
  caughtUp(): Promise<void> {
    return this.#caughtUp;
  }

  state(): ConsumerState {
    return this.#consumer.state();
  }

  /**
   * Why the service cannot be relied on: no connection, or it has not reached the head of the log since its start;
   * null when it can. Falling behind later is lag, and no reason to take a service away.
   * @throws whatever the log throws when it cannot be read
   */
  async unready(): Promise<string | null> {
    const { bus, reader, journal } = this.#options;
    if (!bus.connected) return 'there is no connection to NATS';
    const head = await reader.head(journal);
    if (this.#reachedHead || this.#eventHandlers.length === 0) return null;
    const { position, halted } = this.state();
    if (halted) return `stands still at event ${halted.position}: ${halted.error}`;
    this.#reachedHead = position >= head;
    return this.#reachedHead ? null : 'catching up with the log';
  }

  /** Takes no more commands and events, finishes those at hand. Leaves the bus open. */
  async close(): Promise<void> {
    await Promise.all([this.#commands.stop(), this.#live.stop()]);
  }

  on(): never {
    throw new Error('the journal transport has no events of its own; see state()');
  }

  unwrap<T>(): T {
    return this.#options.bus.nc as T;
  }

  #handlersOf(event: EventEnvelope): MessageHandler[] {
    const type = shortType(event);
    return this.#eventHandlers.filter(({ pattern }) => matches(pattern, type)).map(({ handler }) => handler);
  }

  async #handle(tx: Tx, event: EventEnvelope, attempt: number): Promise<void> {
    const { bus, service: consumer } = this.#options;
    await eventInSpan(bus.tracer, { consumer, type: shortType(event), attempt }, event, async (handled) => {
      for (const handler of this.#handlersOf(handled)) {
        await this.#call(handler, handled, new JournalContext(tx, handled, attempt));
      }
    });
  }

  async #call(handler: MessageHandler, ...args: [unknown, unknown?]): Promise<unknown> {
    const result = await (handler as (...args: unknown[]) => Promise<unknown>)(...args);
    return await lastValueFrom(this.transformToObservable(result as Promise<unknown>), {
      defaultValue: undefined,
    });
  }

  async #listDeadLetters() {
    const parked = await this.#consumer.parkedEvents();
    const items = parked.map(({ consumer, key, position, event, error, parkedAt, attempts }) => ({
      consumer,
      key,
      position,
      eventId: event.id,
      type: shortType(event),
      error,
      parkedAt: parkedAt.toISOString(),
      attempts,
    }));
    return { items };
  }

  async #retryDeadLetters(request: CommandRequest) {
    requireAdmin(request);
    const key = keyToRetry(request.data);
    if (key !== undefined && !(await this.#consumer.parkedEvents()).some((event) => event.key === key)) {
      throw CommandRefused.notFound(`a parked event with the key "${key}"`);
    }
    return { items: await this.#consumer.retry(key) };
  }
}

function matches(pattern: string, type: string): boolean {
  if (pattern === '*' || pattern === type) return true;
  return pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1));
}

/** `incident.declared` of `bellwether.incident.declared.v1`. */
function shortType(event: EventEnvelope): string {
  try {
    return fromWireType(event.type).type;
  } catch {
    return event.type;
  }
}
