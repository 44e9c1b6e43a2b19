import {
  CommandRefused,
  type CommandReply,
  type CommandRequest,
  commandRequest,
  Headers,
  type Problem,
  parseOrRefuse,
  problemOf,
  Subjects,
} from '@bellwether/contracts';
import { headers, type Msg, type Subscription } from '@nats-io/transport-node';
import { type Bus, headerText } from './bus.js';
import { commandInSpan } from './spans.js';
import { errorText, isTransient } from './transient.js';

/** What is known about a command besides its data, for logs and traces. */
export interface CommandContext {
  subject: string;
  correlationId: string;
  actor: string;
  traceparent?: string;
}

/** Carries out a command or query. Whatever is no `CommandReply` becomes the `data` of one with status 200. */
export type CommandHandler = (request: CommandRequest, context: CommandContext) => Promise<unknown>;

export interface CommandServerOptions {
  bus: Bus;
  /** Queue group: of all instances of the service, one gets each request. */
  service: string;
  /** Requests worked on at once, default 256; those beyond are answered 503 at once. */
  concurrency?: number;
}

/** Serves `cmd.<service>.<name>` over core NATS request/reply. */
export class CommandServer {
  readonly #bus: Bus;
  readonly #service: string;
  readonly #concurrency: number;
  readonly #subscriptions: Subscription[] = [];
  readonly #working = new Set<Promise<void>>();
  /** What is being carried out, by subject and text: a request that is sent again waits for the answer to the first. */
  readonly #underWay = new Map<string, Promise<Answer>>();

  constructor(options: CommandServerOptions) {
    this.#bus = options.bus;
    this.#service = options.service;
    this.#concurrency = options.concurrency ?? 256;
  }

  /** @param subject a whole subject, or a name within `cmd.<service>.` */
  serve(subject: string, handler: CommandHandler): void {
    const whole = subject.startsWith('cmd.') ? subject : Subjects.command(this.#service, subject);
    const subscription = this.#bus.nc.subscribe(whole, {
      queue: this.#service,
      callback: (error, message) => {
        if (error) {
          this.#bus.log.error({ subject: whole, error }, 'commands cannot be received');
          return;
        }
        this.#accept(message, handler);
      },
    });
    this.#subscriptions.push(subscription);
  }

  /** Resolves when the server knows of all subscriptions, so that no request is told that nobody is there. */
  async ready(): Promise<void> {
    if (this.#bus.connected) await this.#bus.nc.flush();
  }

  /** Takes no more requests, lets those at hand finish and be answered. */
  async stop(): Promise<void> {
    const ending = this.#subscriptions.splice(0);
    await Promise.all(ending.map((each) => (each.isClosed() ? undefined : each.drain().catch(() => {}))));
    await Promise.all(this.#working);
    if (this.#bus.connected) await this.#bus.nc.flush().catch(() => {});
  }

  #accept(message: Msg, handler: CommandHandler): void {
    if (this.#working.size >= this.#concurrency && !this.#underWay.has(nameOf(message))) {
      const detail = `${this.#service} works on ${this.#concurrency} requests already; try again shortly`;
      this.#answer(message, refusal(problemOf(503, 'overloaded', detail)));
      return;
    }
    const work: Promise<void> = this.#carryOut(message, handler).finally(() => this.#working.delete(work));
    this.#working.add(work);
  }

  async #carryOut(message: Msg, handler: CommandHandler): Promise<void> {
    const name = nameOf(message);
    const known = this.#underWay.get(name);
    const answer = known ?? this.#answerTo(message, handler);
    if (known === undefined) this.#underWay.set(name, answer);
    const { reply, request } = await answer;
    if (known === undefined) this.#underWay.delete(name);
    this.#answer(message, reply, request);
  }

  async #answerTo(message: Msg, handler: CommandHandler): Promise<Answer> {
    const { subject } = message;
    let read: CommandRequest;
    try {
      read = readRequest(message);
    } catch (error) {
      return { reply: refusal(this.#problemOf(error, subject, undefined)), request: undefined };
    }
    const traceparent = read.traceparent ?? message.headers?.get(Headers.traceparent);
    const request = traceparent ? { ...read, traceparent } : read;
    const reply = await commandInSpan(this.#bus.tracer, 'server', subject, request, async (known) => {
      try {
        return asReply(await handler(known, contextOf(subject, known)));
      } catch (error) {
        return refusal(this.#problemOf(error, subject, known));
      }
    });
    return { reply, request };
  }

  #problemOf(error: unknown, subject: string, request: CommandRequest | undefined): Problem {
    if (error instanceof CommandRefused) return error.problem;
    const known = KNOWN_ERRORS[error instanceof Error ? error.name : ''];
    if (known === REUSED) return problemOf(409, known, KEY_REUSED);
    if (known) return problemOf(409, known, (error as Error).message);
    const correlationId = request?.correlationId;
    const fields = { subject, commandId: request?.id, correlationId, error };
    if (isTransient(error)) {
      this.#bus.log.warn(fields, 'a command could not be carried out now');
      return problemOf(
        503,
        'unavailable',
        `${this.#service} cannot do this at the moment; try again shortly`,
      );
    }
    this.#bus.log.error(fields, 'a command failed');
    const reference = correlationId === undefined ? '' : `; its correlation id is ${correlationId}`;
    return problemOf(500, 'internal', `${this.#service} failed to carry out the request${reference}`);
  }

  #answer(message: Msg, reply: CommandReply, request?: CommandRequest): void {
    if (!message.reply || this.#bus.nc.isClosed()) return;
    const head = headers();
    if (request) head.set(Headers.correlation, headerText(request.correlationId));
    if (request?.traceparent) head.set(Headers.traceparent, headerText(request.traceparent));
    let body = JSON.stringify(reply);
    const room = (this.#bus.nc.info?.max_payload ?? 1_048_576) - 4_096;
    if (Buffer.byteLength(body) > room) {
      body = JSON.stringify(
        refusal(problemOf(413, 'too-large', `the answer exceeds ${room} bytes; ask for less`)),
      );
    }
    try {
      message.respond(body, { headers: head });
    } catch (error) {
      this.#bus.log.error(
        { subject: message.subject, error: errorText(error) },
        'an answer could not be sent',
      );
    }
  }
}

const nameOf = (message: Msg): string => `${message.subject}\n${message.string()}`;

interface Answer {
  reply: CommandReply;
  /** Undefined where it could not be read. */
  request: CommandRequest | undefined;
}

function contextOf(subject: string, { correlationId, actor, traceparent }: CommandRequest): CommandContext {
  return { subject, correlationId, actor, ...(traceparent ? { traceparent } : {}) };
}

const REUSED = 'idempotency-conflict';
/** In place of the log's own words, which name the command by an id that its caller never saw. */
const KEY_REUSED = 'this Idempotency-Key was used for another request; take a new key for a new request';

/** Errors of the log (by name: libs know only the contracts) that are the caller's to resolve. */
const KNOWN_ERRORS: Record<string, string> = {
  CommandConflict: REUSED,
  StaleVersion: 'conflict',
  StreamExists: 'exists',
  RequirementFailed: 'conflict',
};

/** @throws CommandRefused 400 */
function readRequest(message: Msg): CommandRequest {
  let body: unknown;
  try {
    body = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(message.data));
  } catch {
    throw CommandRefused.malformed('the request is not JSON');
  }
  return parseOrRefuse(commandRequest, body) as CommandRequest;
}

function refusal(problem: Problem): CommandReply {
  return { ok: false, problem };
}

function asReply(value: unknown): CommandReply {
  if (typeof value === 'object' && value !== null && 'ok' in value) {
    if (value.ok === false && 'problem' in value) return value as CommandReply;
    if (value.ok === true && 'data' in value) {
      return { status: 200, version: 0, position: 0, warnings: [], ...value } as CommandReply;
    }
  }
  return { ok: true, status: 200, data: value ?? null, version: 0, position: 0, warnings: [] };
}

/** @throws CommandRefused 403 */
export function requireAdmin(request: CommandRequest): void {
  if (request.role !== 'admin') throw CommandRefused.forbidden('only an admin may retry dead letters');
}

/** The key that a `dlq-retry` names; undefined: all. @throws CommandRefused 400 */
export function keyToRetry(data: unknown): string | undefined {
  if (data === undefined || data === null) return undefined;
  const key = typeof data === 'object' && 'key' in data ? data.key : undefined;
  if (key === undefined || typeof key === 'string') return key;
  throw CommandRefused.malformed('"key" must be the key of parked events', [
    { path: 'key', message: 'must be a string' },
  ]);
}
