import type { Bus } from '@bellwether/bus';
import {
  type Clock,
  type CommandData,
  type CommandName,
  CommandRefused,
  type CommandReply,
  type CommandRequest,
  type Problem,
  problemOf,
  type Role,
  Subjects,
} from '@bellwether/contracts';
import { HttpProblem, keyedCommandId, type Principal, requestContext } from '@bellwether/service';
import type { FastifyRequest } from 'fastify';
import { uuidv7 } from 'uuidv7';
import type { AnswerStore, StoredAnswer } from './answer-store.js';
import { idempotencyKey, requestHash } from './idempotency-key.js';
import { storableOrRefuse } from './storable.js';

/** Who acts. */
export type Caller = Pick<Principal, 'actor' | 'role'>;

export interface WriteOptions {
  request: FastifyRequest;
  caller: Caller;
  /** Version that the caller saw. */
  expect?: number | undefined;
  /** What the caller sent, where the command carries more: a repeat is told by it. */
  asked?: unknown;
  /** The answer holds what may be shown once only: it is not kept for a repeat. */
  secretAnswer?: boolean;
}

export interface GatewayOptions {
  bus: Pick<Bus, 'request'>;
  answers: Pick<AnswerStore, 'find' | 'keep'>;
  clock: Clock;
  /** Waits for the read models to show a position; a write is answered after that, so that its writer can read it. */
  shown: (position: number) => Promise<unknown>;
  timeoutMs?: number;
  queryTimeoutMs?: number;
  /** Requests waited for at once; those beyond are refused. */
  most?: number;
}

/** How long an answer is waited for; see `Bus.request`. */
type Timing = NonNullable<Parameters<Bus['request']>[2]>;

/** Queries and commands that have no shape in the catalog. */
type Service = 'evaluator' | 'incident' | 'paging' | 'ingest';

/** The one way by which this service has anything done: a command to the service that owns what it is about. */
export class CommandGateway {
  #waiting = 0;

  constructor(private readonly options: GatewayOptions) {}

  /**
   * Has a command carried out, once per `Idempotency-Key`.
   * @throws CommandRefused as the service refuses
   * @throws HttpProblem 503 when nothing was done, 504 when that is not known
   */
  async write<N extends CommandName>(
    name: N,
    data: CommandData<N>,
    options: WriteOptions,
  ): Promise<StoredAnswer> {
    const { request, caller } = options;
    storableOrRefuse(data);
    const key = idempotencyKey(request);
    const hash = requestHash(request.method, pathOf(request), options.asked ?? data);
    const id = key === undefined ? `http:${uuidv7()}` : keyedCommandId(caller.actor, key);
    if (key !== undefined) {
      const earlier = await this.options.answers.find(id, hash);
      if (earlier) return earlier;
    }
    const command = {
      ...this.request(id, caller, data),
      hash,
      ...(options.expect === undefined ? {} : { expect: options.expect }),
    };
    // What is shown once only is in the first answer alone.
    const reply = await this.ask(subjectOf(name), command, { repeat: !options.secretAnswer });
    const { status, version, position, warnings } = reply;
    const answer = { status, version, position, warnings, data: reply.data };
    if (key !== undefined && !options.secretAnswer) await this.options.answers.keep(id, hash, answer);
    if (position > 0) await this.options.shown(position);
    return answer;
  }

  /** Asks what only the owning service knows. Changes nothing. */
  async query<N extends CommandName>(
    name: N,
    data: CommandData<N>,
    caller: Caller,
    timing: Timing = { timeoutMs: this.options.queryTimeoutMs ?? 10_000 },
  ): Promise<unknown> {
    const reply = await this.ask(subjectOf(name), this.request(`query:${uuidv7()}`, caller, data), timing);
    return reply.data;
  }

  /** A request to one service about itself, such as `dlq-list`. */
  async operate(
    service: Service,
    name: string,
    data: unknown,
    caller: Caller,
    timing: Timing = {},
  ): Promise<unknown> {
    const subject = Subjects.command(service, name);
    const reply = await this.ask(subject, this.request(`operate:${uuidv7()}`, caller, data), timing);
    return reply.data;
  }

  private request(id: string, caller: { actor: string; role: Role }, data: unknown): CommandRequest {
    const story = requestContext.getStore();
    return {
      id,
      actor: caller.actor,
      role: caller.role,
      correlationId: story?.correlationId ?? uuidv7(),
      ...(story?.traceparent ? { traceparent: story.traceparent } : {}),
      at: this.options.clock.now().toISOString(),
      data,
    };
  }

  private async ask(
    subject: string,
    command: CommandRequest,
    timing: Timing,
  ): Promise<Extract<CommandReply, { ok: true }>> {
    if (this.#waiting >= (this.options.most ?? 512))
      throw HttpProblem.unavailable('too many requests are being worked on; try again shortly');
    this.#waiting += 1;
    let reply: CommandReply;
    try {
      reply = await this.options.bus.request(subject, command, {
        timeoutMs: this.options.timeoutMs ?? 5_000,
        ...timing,
      });
    } catch (error) {
      throw unanswered(error, subject);
    } finally {
      this.#waiting -= 1;
    }
    if (!reply.ok) throw refused(reply.problem);
    return reply;
  }
}

function subjectOf(name: CommandName): string {
  const [service, command] = name.split('.') as [string, string];
  return Subjects.command(service, command);
}

/** The path as it was asked for, without the query. */
function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] as string;
}

function unanswered(error: unknown, subject: string): unknown {
  const service = subject.split('.')[1];
  switch (error instanceof Error ? error.name : '') {
    case 'NoResponders':
    case 'BusUnavailable':
      return HttpProblem.unavailable(`${service} does not answer at the moment; nothing was done`, 2, {
        cause: error,
      });
    case 'RequestTimeout':
      return new HttpProblem(
        problemOf(
          504,
          'no-answer',
          `${service} did not answer in time; repeat the request with the same Idempotency-Key to learn what became of it`,
        ),
        {},
        { cause: error },
      );
    default:
      return error;
  }
}

function refused(problem: Problem): Error {
  return problem.status === 503
    ? new HttpProblem(problem, { 'retry-after': '1' })
    : new CommandRefused(problem);
}
